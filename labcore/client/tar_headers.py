"""Headers of the tar archives that a client sends: ustar's, and pax records (POSIX.1-2001) for what does not fit there.

Light and fast: a build's context is tens of thousands of small files. All belongs to root.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

BLOCK: Final = 512
NAME_MAX: Final = 100
SIZE_MAX, TIME_MAX = 0o77777777777, 0o77777777777
FILE, HARD_LINK, SYMLINK, DIRECTORY, RECORDS = b"0", b"1", b"2", b"5", b"x"
XATTR: Final = b"SCHILY.xattr."
ROOT: Final = b"0000000\0" * 2  # owner and group
END_OF_HEADER: Final = b"ustar\x0000" + bytes(247)
CONSTANT: Final = sum(ROOT) + sum(END_OF_HEADER) + 8 * ord(" ")  # of the checksum, in which its own field counts as spaces
ZEROS: Final = bytes(BLOCK)
END: Final = bytes(2 * BLOCK)


def header(
    name: bytes,
    kind: bytes,
    mode: int,
    *,
    size: int = 0,
    time: int = 0,
    link: bytes = b"",
    attributes: Mapping[bytes, bytes] = {},
    pieces: Sequence[tuple[int, int]] | None = None,
) -> bytes:
    """Return an entry's header, with pax records before it where it needs them; `time` is in seconds.

    Of a sparse file with `pieces` (offset, length), which alone are its content in the archive, `size` is that with its holes.
    """
    if pieces is not None:
        sent = sum(length for _, length in pieces)
        records = _records(name, link, sent, attributes) | _sparse(name, size, pieces)
        return _extended(records) + _block(name[:NAME_MAX], kind, mode, min(sent, SIZE_MAX), time, link)
    if len(name) > NAME_MAX or len(link) > NAME_MAX or size > SIZE_MAX or attributes or not (name.isascii() and link.isascii()):
        return _extended(_records(name, link, size, attributes)) + _block(
            name[:NAME_MAX], kind, mode, min(size, SIZE_MAX), time, link[:NAME_MAX]
        )
    return _block(name, kind, mode, size, time, link)


def padding(size: int) -> bytes:
    """Return what fills the last block of a content of so many bytes."""
    return ZEROS[: -size % BLOCK]


def _block(name: bytes, kind: bytes, mode: int, size: int, time: int, link: bytes) -> bytes:
    numbers = b"%07o\0" % mode, b"%011o\0%011o\0" % (size, min(max(time, 0), TIME_MAX))
    checksum = CONSTANT + sum(name) + sum(numbers[0]) + sum(numbers[1]) + kind[0] + sum(link)
    return b"%b%b%b%b%06o\0 %b%b%b" % (
        name.ljust(NAME_MAX, b"\0"), numbers[0], ROOT, numbers[1], checksum, kind, link.ljust(NAME_MAX, b"\0"), END_OF_HEADER,
    )  # fmt: skip


def _records(name: bytes, link: bytes, size: int, attributes: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    found = {b"path": name, b"linkpath": link, b"size": b"%d" % size if size > SIZE_MAX else b""}
    return {keyword: value for keyword, value in found.items() if value} | {
        XATTR + attribute: value for attribute, value in attributes.items()
    }


def _sparse(name: bytes, size: int, pieces: Sequence[tuple[int, int]]) -> dict[bytes, bytes]:
    """Return the records of a sparse file in GNU tar's format 0.1."""
    numbers = b",".join(b"%d,%d" % piece for piece in pieces)
    return {
        b"GNU.sparse.size": b"%d" % size,
        b"GNU.sparse.numblocks": b"%d" % len(pieces),
        b"GNU.sparse.name": name,
        b"GNU.sparse.map": numbers,
    }


def _extended(records: Mapping[bytes, bytes]) -> bytes:
    text = b"".join(_record(keyword, value) for keyword, value in records.items())
    return _block(b"PaxHeaders/entry", RECORDS, 0o644, len(text), 0, b"") + text + padding(len(text))


def _record(keyword: bytes, value: bytes) -> bytes:
    """Return `LENGTH KEYWORD=VALUE` and a newline; LENGTH counts itself."""
    rest = b" %b=%b\n" % (keyword, value)
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d%b" % (length, rest)
