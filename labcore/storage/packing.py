"""Tar writer, streaming: entries of a tree in the pax interchange format (POSIX.1-2001), which all tools read.

The same files give the same bytes. Headers are `labcore.tar.writing`'s.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from labcore.tar.reading import BLOCK, BLOCK_DEVICE, CHARACTER, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK
from labcore.tar.writing import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from labcore.storage.tree import Entry

CHUNK_SIZE: Final = 1 << 17  # larger pieces come from fresh pages each time, which takes longer than to fill them
KINDS: Final = {
    stat.S_IFREG: FILE, stat.S_IFLNK: SYMLINK, stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFDIR: DIRECTORY, stat.S_IFIFO: FIFO,
}  # fmt: skip


class Packer:
    """Writes one archive: each method yields the bytes that come next. Sockets are left out, for tar has no type for them.

    With an `owner` all that is in it belongs to that one. No time in it is later than `latest`, in nanoseconds since 1970.
    """

    def __init__(self, owner: tuple[int, int] | None = None, *, latest: int | None = None) -> None:
        self._owner = owner
        self._latest = latest
        self._links: dict[tuple[int, int], bytes] = {}  # files that have further names -> the first

    def add(self, entry: Entry, name: str) -> Iterator[bytes]:
        """Add an entry of a tree under a name; a second name of the same file becomes a hard link."""
        status, path = entry.status, os.fsencode(name)
        kind = KINDS.get(stat.S_IFMT(status.st_mode))
        if kind is None:
            return
        if not entry.is_directory and status.st_nlink > 1:
            first = self._links.setdefault(entry.identity, path)
            if first is not path:
                yield from self._header(path, HARD_LINK, status, link=first)
                return
        with suppress(FileNotFoundError):  # it has just been deleted
            if kind == FILE:
                yield from self._file(entry, path)
            else:
                target = os.readlink(entry.name, dir_fd=entry.parent) if kind == SYMLINK else ""
                yield from self._header(path, kind, status, link=os.fsencode(target), attributes=entry.attributes())

    def add_empty(self, name: str) -> Iterator[bytes]:
        """Add an empty file that belongs to root and has no time: a whiteout."""
        return self._header(os.fsencode(name), FILE, os.stat_result((0,) * 10, {"st_mtime_ns": 0}))

    def finish(self) -> bytes:
        """Return the archive's end."""
        return bytes(2 * BLOCK)

    def _file(self, entry: Entry, path: bytes) -> Iterator[bytes]:
        fd = entry.open()
        try:
            status = os.fstat(fd)  # its size from here on is what the header says, whoever writes to it
            yield from self._header(path, FILE, status, size=status.st_size, attributes=entry.attributes())
            left = status.st_size
            while left:
                piece = os.read(fd, min(left, CHUNK_SIZE)) or bytes(min(left, CHUNK_SIZE))  # cut short meanwhile: filled up
                yield piece
                left -= len(piece)
            yield bytes(-status.st_size % BLOCK)
        finally:
            os.close(fd)

    def _header(
        self,
        path: bytes,
        kind: bytes,
        status: os.stat_result,
        *,
        size: int = 0,
        link: bytes = b"",
        attributes: Mapping[str, bytes] = {},
    ) -> Iterator[bytes]:
        device = status.st_rdev if kind in (CHARACTER, BLOCK_DEVICE) else 0
        yield header(
            path,
            kind,
            stat.S_IMODE(status.st_mode),
            self._owner or (status.st_uid, status.st_gid),
            status.st_mtime_ns if self._latest is None else min(status.st_mtime_ns, self._latest),
            size=size,
            link=link,
            device=(os.major(device), os.minor(device)),
            attributes={os.fsencode(name): value for name, value in attributes.items()},
        )
