"""Tar writer, streaming: the pax interchange format (POSIX.1-2001), which all tools read.

A header is ustar's, 512 bytes; what does not fit there (long or non-ASCII names, large numbers, fractions of seconds, extended
attributes) stands in pax records before it. The same files give the same bytes.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from labcore.tar.reading import BLOCK, BLOCK_DEVICE, CHARACTER, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK, XATTR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final

    from labcore.storage.tree import Entry

CHUNK_SIZE: Final = 1 << 17  # larger pieces come from fresh pages each time, which takes longer than to fill them
RECORDS: Final = b"x"
KINDS: Final = {
    stat.S_IFREG: FILE, stat.S_IFLNK: SYMLINK, stat.S_IFCHR: CHARACTER, stat.S_IFBLK: BLOCK_DEVICE,
    stat.S_IFDIR: DIRECTORY, stat.S_IFIFO: FIFO,
}  # fmt: skip
ID_MAX, SIZE_MAX, TIME_MAX = 0o7777777, 0o77777777777, 0o77777777777
NAME_MAX: Final = 100


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
        if kind == DIRECTORY:
            path += b"/"
        owner = self._owner or (status.st_uid, status.st_gid)
        mtime = status.st_mtime_ns if self._latest is None else min(status.st_mtime_ns, self._latest)
        records = _records(path, mtime, owner, size, link) | {XATTR + os.fsencode(k): v for k, v in attributes.items()}
        if records:
            text = b"".join(_record(keyword, value) for keyword, value in records.items())
            name = b"PaxHeaders/" + os.path.basename(path.rstrip(b"/"))  # noqa: PTH119
            yield _block(name[:NAME_MAX], RECORDS, 0o644, size=len(text))
            yield text + bytes(-len(text) % BLOCK)
        owner = (min(owner[0], ID_MAX), min(owner[1], ID_MAX))
        time = min(max(mtime // 10**9, 0), TIME_MAX)
        size = min(size, SIZE_MAX)
        device = status.st_rdev if kind in (CHARACTER, BLOCK_DEVICE) else 0
        mode = stat.S_IMODE(status.st_mode)
        yield _block(path[:NAME_MAX], kind, mode, size=size, owner=owner, time=time, link=link[:NAME_MAX], device=device)


def _records(path: bytes, mtime: int, owner: tuple[int, int], size: int, link: bytes) -> dict[bytes, bytes]:
    """Return the fields that do not fit the ustar header: pax(1), extended header keywords."""
    records = {}
    if len(path) > NAME_MAX or not path.isascii():
        records[b"path"] = path
    if len(link) > NAME_MAX or not link.isascii():
        records[b"linkpath"] = link
    if size > SIZE_MAX:
        records[b"size"] = b"%d" % size
    for keyword, number in zip((b"uid", b"gid"), owner, strict=True):
        if number > ID_MAX:
            records[keyword] = b"%d" % number
    seconds, fraction = divmod(mtime, 10**9)
    if fraction or not 0 <= seconds <= TIME_MAX:
        records[b"mtime"] = _decimal(mtime)
    return records


def _decimal(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    return sign + (b"%d.%09d" % (seconds, fraction)).rstrip(b"0").rstrip(b".")


def _record(keyword: bytes, value: bytes) -> bytes:
    """Return `LENGTH KEYWORD=VALUE` and a newline; LENGTH counts itself."""
    rest = b" %s=%s\n" % (keyword, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)


def _block(
    name: bytes,
    kind: bytes,
    mode: int,
    *,
    size: int = 0,
    owner: tuple[int, int] = (0, 0),
    time: int = 0,
    link: bytes = b"",
    device: int = 0,
) -> bytes:
    """Return one ustar header, `struct posix_header`: numbers are octal text."""
    fields = (
        name.ljust(NAME_MAX, b"\0"), b"%07o\0" % mode, b"%07o\0" % owner[0], b"%07o\0" % owner[1], b"%011o\0" % size,
        b"%011o\0" % time, b" " * 8, kind, link.ljust(NAME_MAX, b"\0"), b"ustar\x0000", bytes(64),
        b"%07o\0" % os.major(device), b"%07o\0" % os.minor(device),
    )  # fmt: skip
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
