"""Lexing of an instruction's text: its name, its flags, its words, and lists in JSON."""

from __future__ import annotations

import re
from functools import cache

from labcore.builder.parser.errors import Problem
from labcore.builder.parser.lines import SPACE, SURROGATE
from labcore.json_codec import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

BLANKS: Final = re.compile(r"[\t\v\f\r ]+")  # between an instruction's words; other white space is a part of them
# A flag's word: quotes and `\` go, whatever the escape directive says; a quote that is not closed reaches to the end.
FLAG: Final = re.compile(rf"""(--(?:[^{SPACE}'"\\]|\\.?|'(?:[^'\\]|\\.?)*+'?|"(?:[^"\\]|\\.?)*+"?)*+)[{SPACE}]*""", re.DOTALL)
QUOTED: Final = re.compile(r"""\\(.?)|'((?:[^'\\]|\\.?)*+)'?|"((?:[^"\\]|\\.?)*+)"?""", re.DOTALL)
ESCAPED: Final = re.compile(r"\\(.?)", re.DOTALL)
STRING: Final = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
STRINGS: Final = re.compile(rf"\[[ \t\n\r]*(?:{STRING}[ \t\n\r]*(?:,[ \t\n\r]*{STRING}[ \t\n\r]*)*+)?\]")


def split(text: str) -> tuple[str, list[str], str]:
    """Return an instruction's name as written, its flags without quotes, and the rest. The text has no white space around."""
    name, _, rest = text.partition(" ")
    if not name.isalpha():  # there may be other white space in it
        name, *behind = BLANKS.split(text, 1)
        rest = behind[0] if behind else ""
    text = rest.lstrip(SPACE)
    if text[:2] != "--":
        return name, [], text
    flags, position = [], 0
    while match := FLAG.match(text, position):
        position = match.end()
        flag = QUOTED.sub(_unquoted, match[1])
        if flag == "--":
            break
        flags.append(flag)
    return name, flags, text[position:]


def _unquoted(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    return ESCAPED.sub(r"\1", match[2] if match[2] is not None else match[3])


def split_blanks(text: str) -> list[str]:
    """Return the words between white space."""
    return BLANKS.split(text) if text else []


@cache
def _word(escape: str) -> Callable[[str], list[str]]:
    mark = re.escape(escape)
    return re.compile(rf"""(?:[^{SPACE}'"{mark}]|{mark}.|'[^']*+'?|"(?:[^"{mark}]|{mark}.)*+"?)++""", re.DOTALL).findall


def words_of(text: str, escape: str) -> list[str]:
    """Return the words of NAME=VALUE forms as they are written: white space in quotes, or after the escape, parts none."""
    if text.isprintable() and "'" not in text and '"' not in text and escape not in text:
        return text.split()  # of all white space, the space alone is printable
    return _word(escape)(text)


def pairs_of(text: str, escape: str, instruction: str) -> list[tuple[str, str, str]]:
    """Return (name, value, `=`) for each of `NAME=VALUE …`; for the older form `NAME VALUE` one, with `""`. Raises Problem."""
    found: list[tuple[str, str, str]] = []
    for word in words_of(text, escape):
        name, equals, value = word.partition("=")
        if not equals and not found:
            name, *rest = BLANKS.split(text, 1)
            if not rest:
                raise Problem(f"{instruction} must have two arguments", name, cure=f"{instruction} {name}=VALUE")
            return [(name, rest[0], "")]
        if not equals:
            cure = "put the value in quotes if it has white space in it"
            raise Problem(f"Syntax error - can't find = in {quoted(word)}. Must be of the form: name=value", word, cure=cure)
        if not name:
            raise Problem(f"{instruction} names can not be blank", word)
        found.append((name, value, equals))
    return found


def list_of(text: str) -> list[str] | None:
    """Return the strings of a JSON list; None if the text is none. Raises Problem for a list of anything else.

    The text has no white space before it.
    """
    if text[:1] != "[":
        return None
    if STRINGS.fullmatch(text.rstrip(" \t\n\r")):
        found: list[str] = loads(text)
        if "\\u" in text:
            found = [SURROGATE.sub("\ufffd", each) for each in found]  # as Go reads a half of a pair
        return found
    try:
        values = loads(text)
    except (ValueError, RecursionError):
        return None
    if any(isinstance(each, float) and each - each != 0 for each in values):  # NaN and infinity, which JSON has not
        return None
    raise Problem("when using JSON array syntax, arrays must be comprised of strings only", "[")


def quoted(text: str) -> str:
    """Return a text in quotes as Go's strconv.Quote has it."""
    return '"' + "".join(map(_escaped, text)) + '"' if not text.isalnum() else f'"{text}"'


SHORT: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}


def _escaped(character: str) -> str:
    if character in SHORT:
        return SHORT[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
