"""Archives among ADD's sources, recognised by what is in them: tar, plain or compressed by gzip, bzip2, xz or zstd."""

from __future__ import annotations

import io

from labcore.builder.copy.context import ContextArchive
from labcore.builder.copy.selection import Named
from labcore.builder.copy.sources import Item
from labcore.errors import StoreDamaged
from labcore.tar import Archive, BadArchive, decompressed
from labcore.tar.reading import DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import ExitStack
    from typing import Any

    from labcore.builder.copy.sources import Source
    from labcore.tar import Chunk

HEAD: int = 1 << 14


def archive_in(source: Source, named: Named, undo: ExitStack) -> tuple[Source, Named] | None:
    """Return what is in an archive, until `undo`, as if a directory had been named; None if the file is no archive.

    Raises InvalidInput if it begins as one, and cannot be read.
    """
    if source.directory is None or not _is_archive(_opened(source, named)):
        return None
    name = f"the archive {named.name.decode(errors='replace')}"
    inner = undo.enter_context(ContextArchive.unpacked(_opened(source, named), source.directory, name))
    return inner, Named(b"", b"", Item(DIRECTORY, 0o755, mtime=named.item.mtime), tuple(inner.below(b"")))


def _opened(source: Source, named: Named) -> io.BufferedReader:
    return io.BufferedReader(Chunks(source.content(named.path, named.item)))


def _is_archive(stream: io.BufferedReader) -> bool:
    """Does an archive with at least one entry begin here?"""
    plain = decompressed(stream, "it")
    try:
        return next(iter(Archive(iter(lambda: plain.read(HEAD), b""))), None) is not None
    except (BadArchive, StoreDamaged):
        return False


class Chunks(io.RawIOBase):
    """A file whose content comes in chunks."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some bytes; none at the end."""
        while not self._chunk:
            following = next(self._chunks, None)
            if following is None:
                return 0
            self._chunk = memoryview(following)
        size = min(len(buffer), len(self._chunk))
        buffer[:size], self._chunk = self._chunk[:size], self._chunk[size:]
        return size
