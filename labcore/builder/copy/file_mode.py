"""File modes as --chmod takes them: octal, or symbolic as chmod(1) has it."""

from __future__ import annotations

import re

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

CLAUSE: Final = re.compile("([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
CHANGE: Final = re.compile("([-+=])([ugo]|[rwxXst]*)")
SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
SPECIAL: Final = {"u": 0o4000, "g": 0o2000, "o": 0}
STICKY: Final = 0o1000
MOST: Final = 0o7777


def octal(text: str) -> int | None:
    """Return a mode that is written in octal digits; None for a symbolic one. Raises InvalidInput."""
    if not (text.isascii() and text.isdigit()):
        return None
    if not re.fullmatch("[0-7]+", text) or int(text, 8) > MOST:
        raise InvalidInput(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    return int(text, 8)


def parse_mode(text: str) -> Callable[[int, bool], int]:
    """Read a mode; return a function of a file's mode, and whether it is a directory, to its new mode. Raises InvalidInput."""
    if (fixed := octal(text)) is not None:
        return lambda mode, is_directory: fixed  # noqa: ARG005
    clauses = [CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if not all(clauses):
        raise InvalidInput(f"invalid chmod parameter: '{text}': use an octal number such as 755, or changes such as u+x,go=r")
    changes = [(clause[1], CHANGE.findall(clause[2])) for clause in clauses if clause]

    def changed(mode: int, is_directory: bool) -> int:
        for whose, each in changes:
            for sign, what in each:
                mode = _change(mode, whose, sign, what, is_directory)
        return mode

    return changed


def _change(mode: int, whose: str, sign: str, what: str, is_directory: bool) -> int:
    who = "ugo" if not whose or "a" in whose else whose
    bits, special, all_of_them = 0, 0, 0
    for each in who:
        bits |= _bits(mode, what, is_directory) << SHIFTS[each]
        special |= SPECIAL[each]
        all_of_them |= 0o7 << SHIFTS[each]
    if "s" in what:
        bits |= special
    if "t" in what and "o" in who:
        bits |= STICKY
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    mask = all_of_them | (STICKY if "o" in who else 0) | (0 if is_directory else special)
    return mode & ~mask | bits


def _bits(mode: int, what: str, is_directory: bool) -> int:
    """Return read, write and execute bits: those that letters name, or those that somebody has."""
    if what in SHIFTS:
        return mode >> SHIFTS[what] & 0o7
    executes = "x" in what or ("X" in what and (is_directory or mode & 0o111 != 0))
    return (4 if "r" in what else 0) | (2 if "w" in what else 0) | (1 if executes else 0)
