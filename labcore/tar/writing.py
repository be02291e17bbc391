"""Tar headers: ustar's 512 bytes, with pax records before them for what does not fit there (POSIX.1-2001).

The records hold long or non-ASCII names, large numbers, fractions of seconds and extended attributes. The same values give the
same bytes.
"""

from __future__ import annotations

import os
import zlib
from functools import lru_cache

from labcore.tar.reading import BLOCK, DIRECTORY, XATTR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

RECORDS: Final = b"x"
ID_MAX, SIZE_MAX, TIME_MAX = 0o7777777, 0o77777777777, 0o77777777777
NAME_MAX: Final = 100
SECOND: Final = 10**9  # nanoseconds


def header(
    path: bytes,
    kind: bytes,
    mode: int,
    owner: tuple[int, int],
    mtime: int,
    *,
    size: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
    attributes: Mapping[bytes, bytes] = {},
) -> bytes:
    """Return an entry's header, with its pax records if it needs some. `mtime` is in nanoseconds."""
    if kind == DIRECTORY:
        path += b"/"
    seconds, fraction = divmod(mtime, SECOND)
    fits = len(path) <= NAME_MAX and len(link) <= NAME_MAX and not fraction and 0 <= seconds <= TIME_MAX and size <= SIZE_MAX
    if fits and not attributes and owner[0] <= ID_MAX and owner[1] <= ID_MAX and path.isascii() and link.isascii():
        return _block(path, kind, mode, size=size, owner=owner, time=seconds, link=link, device=device)
    records = _records(path, mtime, owner, size, link) | {XATTR + key: value for key, value in attributes.items()}
    text = b"".join(_record(keyword, value) for keyword, value in records.items())
    name = b"PaxHeaders/" + os.path.basename(path.rstrip(b"/"))  # noqa: PTH119
    return b"".join((
        _block(name[:NAME_MAX], RECORDS, 0o644, size=len(text)) + text + bytes(-len(text) % BLOCK) if records else b"",
        _block(
            path[:NAME_MAX], kind, mode, size=min(size, SIZE_MAX), owner=(min(owner[0], ID_MAX), min(owner[1], ID_MAX)),
            time=min(max(seconds, 0), TIME_MAX), link=link[:NAME_MAX], device=device,
        ),
    ))  # fmt: skip


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
    seconds, fraction = divmod(mtime, SECOND)
    if fraction or not 0 <= seconds <= TIME_MAX:
        records[b"mtime"] = _decimal(mtime)
    return records


def _decimal(nanoseconds: int) -> bytes:
    sign = b"-" if nanoseconds < 0 else b""
    seconds, fraction = divmod(abs(nanoseconds), SECOND)
    return sign + (b"%d.%09d" % (seconds, fraction)).rstrip(b"0").rstrip(b".")


def _record(keyword: bytes, value: bytes) -> bytes:
    """Return `LENGTH KEYWORD=VALUE` and a newline; LENGTH counts itself."""
    rest = b" %s=%s\n" % (keyword, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%s" % (length, rest)


@lru_cache(1024)  # few modes and owners make up most archives
def _mode_and_owner(mode: int, owner: tuple[int, int]) -> bytes:
    return b"%07o\0%07o\0%07o\0" % (mode, *owner)


@lru_cache(64)
def _end(device: tuple[int, int]) -> bytes:
    return b"ustar\x0000%s%07o\0%07o\0%s" % (bytes(64), *device, bytes(BLOCK - 345))


def _block(
    name: bytes,
    kind: bytes,
    mode: int,
    *,
    size: int = 0,
    owner: tuple[int, int] = (0, 0),
    time: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    """Return one ustar header, `struct posix_header`: numbers are octal text."""
    front = b"%s%s%011o\0%011o\0" % (name.ljust(NAME_MAX, b"\0"), _mode_and_owner(mode, owner), size, time)
    behind = b"%s%s%s" % (kind, link.ljust(NAME_MAX, b"\0"), _end(device))
    return b"%s%06o\0 %s" % (front, _sum(front) + 8 * 32 + _sum(behind), behind)


def _sum(block: bytes) -> int:
    """Return the sum of bytes, 65520 at most: Adler-32's lower half is that, plus 1, and made in C."""
    return (zlib.adler32(block) & 0xFFFF) - 1
