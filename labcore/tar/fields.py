"""What stands in the headers of tar archives: numbers, times, pax records, the maps of sparse files."""

import struct
from functools import lru_cache
from typing import Final, NoReturn

SPARSE_MAX: Final = 1 << 20  # pieces of one sparse file
PIECES: Final = struct.Struct("12s12s")

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
    pieces = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    end = 0
    for offset, length in pieces:
        if offset < end or length < 0 or offset + length > real_size:
            broken(f"the pieces of sparse file {name!r} are not in order, or beyond its end")
        end = offset + length
    return pieces


class BadArchive(ValueError):
    """What was read is no tar archive; the message says why, and whoever reads it knows what it was to be."""


def broken(what: str) -> NoReturn:
    """Raise BadArchive."""
    raise BadArchive(what)
