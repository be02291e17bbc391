"""Header fields of tar archives: numbers, times, pax records, maps of sparse files, with their bounds."""

from __future__ import annotations

import struct
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, NoReturn

SPARSE_MAX: Final = 1 << 20  # pieces of one sparse file
PIECES: Final = struct.Struct("12s12s")
UNCHANGED: Final = 0xFFFFFFFF  # which means, to chown(2), to leave the owner as it is
MAJOR_MAX, MINOR_MAX = (1 << 12) - 1, (1 << 20) - 1
FILE_MAX: Final = (1 << 63) - 1  # bytes of a file, nanoseconds of a time
ATTRIBUTE_NAME_MAX: Final = 255  # xattr(7)
ATTRIBUTE_MAX: Final = 1 << 16

Map = tuple[tuple[int, int], ...]  # a sparse file's pieces that hold data: offset, length


@lru_cache(4096)  # the same owners, modes and sizes come again and again
def number(field: bytes, what: str) -> int:
    """Read a number of a header: octal digits, or, GNU's way for what is too large for them, base 256."""
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big") - (field[0] >> 6 & 1) * (1 << (8 * len(field) - 1))
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    broken(f"{what} is no octal number: {field!r}")


def decimal(text: bytes) -> int:
    """Read a number of a pax record, or of a map: digits, and nothing else."""
    if not text.isdigit() or len(text) > 20:
        broken(f"{text[:40]!r} is no number")
    return int(text)


def nanoseconds(text: bytes) -> int:
    """Read pax's seconds with a fraction, without a float in between."""
    seconds, _, fraction = text.partition(b".")
    sign = -1 if seconds.startswith(b"-") else 1
    return sign * (decimal(seconds.removeprefix(b"-")) * 10**9 + decimal(fraction[:9].ljust(9, b"0")))


def owner(identity: int, what: str) -> int:
    """Return a user or group ID. Raises BadArchive if it is out of range."""
    if not 0 <= identity < UNCHANGED:
        broken(f"{what} {identity} can be nobody's")
    return identity


@lru_cache(1024)
def owner_field(field: bytes, what: str) -> int:
    """Read a user or group ID of a header."""
    return owner(number(field, what), what)


def device(major: int, minor: int) -> tuple[int, int]:
    """Return a device's numbers. Raises BadArchive if they are out of range."""
    if not (0 <= major <= MAJOR_MAX and 0 <= minor <= MINOR_MAX):
        broken(f"there can be no device {major}:{minor}")
    return major, minor


def clock(time: int) -> int:
    """Return a time in nanoseconds; 1970 for one out of range, as docker does."""
    return time if -FILE_MAX <= time <= FILE_MAX else 0


def path(name: bytes, what: str) -> bytes:
    """Return a name. Raises BadArchive if no file can have it."""
    if b"\0" in name:
        broken(f"{what} {name[:80]!r} has a NUL in it")
    return name


def attributes(pax: dict[bytes, bytes], prefix: bytes) -> dict[bytes, bytes]:
    """Return the extended attributes among pax records. Raises BadArchive for what xattr(7) does not know."""
    found = {key[len(prefix) :]: value for key, value in pax.items() if key.startswith(prefix)}
    for name, value in found.items():
        if not 0 < len(name) <= ATTRIBUTE_NAME_MAX or b"\0" in name or len(value) > ATTRIBUTE_MAX:
            broken(f"there can be no attribute {name[:80]!r} of {len(value)} bytes")
    return found


def pax_records(content: bytes) -> list[tuple[bytes, bytes]]:
    """Read pax records: a length, a space, `KEY=VALUE` and a newline, where a value may hold anything."""
    found = []
    position = 0
    while position < len(content):
        length, space, _ = content[position : position + 22].partition(b" ")
        end = position + decimal(length)
        key, equals, value = content[position + len(length) + 1 : end - 1].partition(b"=")
        if not space or not equals or content[end - 1 : end] != b"\n":
            broken("a pax header is no list of records")
        found.append((key, value))
        position = end
    return found


def old_pieces(table: bytes) -> list[int]:
    """Read the map of GNU's first format: pairs of header numbers, as many as there are."""
    return [
        number(field, "sparse map")
        for offset, length in PIECES.iter_unpack(table)
        if length[0]
        for field in (offset, length)
    ]  # fmt: skip


def checked_map(numbers: list[int], name: bytes, real_size: int) -> Map:
    """Return the pieces, which come in order and do not overlap. Raises BadArchive."""
    if len(numbers) % 2 or len(numbers) > 2 * SPARSE_MAX:
        broken(f"the map of sparse file {name!r} is none")
    if not 0 <= real_size <= FILE_MAX:
        broken(f"sparse file {name!r} cannot have {real_size} bytes")
    pieces = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    end = 0
    for offset, length in pieces:
        if offset < end or length < 0 or offset + length > real_size:
            broken(f"the pieces of sparse file {name!r} are not in order, or beyond its end")
        end = offset + length
    return pieces


class BadArchive(ValueError):
    """The input is no valid tar archive; the message says why, and the caller adds which one."""


def broken(what: str) -> NoReturn:
    """Raise BadArchive."""
    raise BadArchive(what)
