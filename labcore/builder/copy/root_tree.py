"""The root file system of a stage or an image as a source: `COPY --from`."""

from __future__ import annotations

import errno
import os
import stat

from labcore.builder.copy.sources import Item
from labcore.errors import InvalidInput
from labcore.native import Resolve
from labcore.storage import overlay
from labcore.storage.layers import unrepeated
from labcore.storage.packing import KINDS
from labcore.storage.tree import GONE, Entry, Tree, open_beneath, sorted_names
from labcore.tar.reading import DIRECTORY, FILE, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any, Final, Self

    from labcore.engine.engine import Engine

CHUNK_SIZE: Final = 1 << 17
READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class RootTree:
    """The root file system of a stage or an image, mounted read-only where nobody sees it while the `with` lasts.

    `layers` are as `Engine.layers_of` gives them. Owners are kept; sockets are left out.
    """

    is_context = is_remote = False
    directory: Path | None = None

    def __init__(self, engine: Engine, layers: Sequence[str], name: str) -> None:
        self.name = name
        self._mount = _mounted(engine, layers)
        self._tree = Tree(-1)
        self._root = -1

    def __enter__(self) -> Self:
        """Raise SystemCallError, InvalidInput if it cannot be mounted."""
        self._root = self._mount.__enter__()
        self._tree = Tree(self._root)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._mount.__exit__(*exception)

    def find(self, path: bytes) -> Item | None:
        """Look at a file."""
        above, _, name = path.rpartition(b"/")
        base = os.fsdecode(name) or "."
        try:
            with self._tree.directory(os.fsdecode(above) or ".") as fd:
                if fd is None:
                    return None
                return _item(Entry(os.fsdecode(path), base, os.stat(base, dir_fd=fd, follow_symlinks=False), fd))
        except OSError as error:
            if error.errno not in (*GONE, errno.ENAMETOOLONG):
                raise
            return None

    def names(self, directory: bytes) -> list[bytes]:
        """List a directory."""
        with self._tree.directory(os.fsdecode(directory) or ".") as fd:
            return [] if fd is None else [os.fsencode(name) for name in sorted_names(fd)]

    def below(self, directory: bytes) -> Iterator[tuple[bytes, Item]]:
        """Walk a directory."""
        prefix = directory + b"/" if directory else b""
        with self._tree.directory(os.fsdecode(directory) or ".") as fd:
            if fd is not None:
                for entry in Tree(fd).walk():
                    if not stat.S_ISSOCK(entry.status.st_mode):
                        yield prefix + os.fsencode(entry.path), _item(entry)

    def content(self, path: bytes, item: Item) -> Iterator[bytes]:
        """Yield a file's content."""
        fd = open_beneath(self._root, os.fsdecode(path), READING, Resolve.BENEATH | Resolve.NO_SYMLINKS)
        try:
            for position in range(0, item.size, CHUNK_SIZE):
                size = min(CHUNK_SIZE, item.size - position)
                yield os.pread(fd, size, position).ljust(size, b"\0")
        finally:
            os.close(fd)


def _mounted(engine: Engine, layers: Sequence[str]) -> AbstractContextManager[int]:
    return overlay.merged(engine.layers.overlay(unrepeated(layers) or [engine.layers.add_empty()]), writable=False)


def _item(entry: Entry) -> Item:
    status = entry.status
    kind = KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise InvalidInput(f"{entry.path} is a socket, which cannot be copied")
    return Item(
        kind,
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        status.st_mtime_ns,
        status.st_size if kind == FILE else 0,
        os.fsencode(os.readlink(entry.name, dir_fd=entry.parent)) if kind == SYMLINK else b"",
        {os.fsencode(name): value for name, value in entry.attributes().items()},
        (os.major(status.st_rdev), os.minor(status.st_rdev)),
        identity=entry.identity if status.st_nlink > 1 and kind != DIRECTORY else None,
    )
