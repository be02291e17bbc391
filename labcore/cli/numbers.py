"""Numbers on the command line: read, and held to their range. The parser names the option that one belongs to."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

DIGITS: Final = 20  # of a number that is read: more are more than any


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers of that range, for `add_argument(type=…)`."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > DIGITS or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most} is wanted")
        return int(text)

    return read


def integer(text: str) -> int:
    """Read a whole number of 64 bits, as docker's options take them."""
    try:
        return whole(-(1 << 63), (1 << 63) - 1)(text)
    except ValueError:
        raise ValueError("a whole number is wanted") from None


def amount(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers of that range, with a point or without."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:  # what is no number is in no range
            raise ValueError(f"a number from {least:g} to {most:g} is wanted")
        return number

    return read
