"""Files of a source in a directory, for RUN --mount=type=bind: a context is an archive, and can be mounted only unpacked."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager

from labcore.builder.copy.archive import layer_archive
from labcore.builder.copy.selection import select
from labcore.builder.copy.unpacking import Chunks
from labcore.disk_space import room_for
from labcore.storage.copy_in import extract_into
from labcore.storage.directories import temporary
from labcore.storage.files import SEARCH, Files
from labcore.tar.reading import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from labcore.builder.copy.sources import Source


@contextmanager
def extracted(source: Source, path: str, directory: Path) -> Iterator[Path]:
    """Yield a copy of one file or directory of a source, somewhere below `directory` until the block ends.

    Raises InvalidInput in COPY's words, StoreFull.
    """
    with temporary(directory) as place:
        chosen = select(source, [path])
        top = os.open(place, SEARCH)
        try:
            is_directory = chosen.named[0].item.kind == DIRECTORY
            archive = layer_archive([chosen], Files(top, ""), "/it/" if is_directory else "/it", linked=True)
            with room_for(source.name, directory):
                extract_into(io.BufferedReader(Chunks(archive)), Files(top, source.name), "/", owner=None)
        finally:
            os.close(top)
        yield place / "it"
