"""Numbers on the command line: read, and held to their range. argparse names the option that one belongs to."""

import argparse
from collections.abc import Callable
from typing import Final

DIGITS: Final = 20  # of a number that is read: more are more than any


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers of that range, for `add_argument(type=…)`."""

    def read(text: str) -> int:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal()) or len(digits) > DIGITS or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is wanted, not {text!r}")
        return int(text)

    return read


def amount(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of numbers of that range, with a point or without."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not least <= number <= most:  # what is no number is in no range
            raise argparse.ArgumentTypeError(f"a number from {least:g} to {most:g} is wanted, not {text!r}")
        return number

    return read
