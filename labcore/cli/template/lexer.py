"""Lexer: a template's text as tokens, with its comments and the spaces beside `{{-` and `-}}` left out."""

from __future__ import annotations

from labcore.cli.template.errors import error_at
from labcore.cli.template.values import ESCAPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

LEFT: Final = "{{"
RIGHT: Final = "}}"
SPACES: Final = " \t\r\n"
SIGNS: Final = (":=", "|", "(", ")", "=", ",")
CODES: Final = {"x": 2, "u": 4, "U": 8}  # digits of an escape that names a character


class Token:
    """A token: its kind, its value, and where it begins and ends.

    Kinds: `text`, `open` and `close` of an action, `word`, `field` (.Name), `variable` ($name), `dot`, `literal`, `sign`.
    """

    __slots__ = ("end", "kind", "place", "value")

    def __init__(self, kind: str, value: str | int | float, place: int, end: int) -> None:
        self.kind = kind
        self.value = value
        self.place = place
        self.end = end


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens. Raises TemplateError."""
    place, trims = 0, False
    while True:
        start = source.find(LEFT, place)
        text = source[place : start if start >= 0 else len(source)]
        text = text.lstrip(SPACES) if trims else text
        inside = start + len(LEFT)
        if start >= 0 and source.startswith("-", inside) and source[inside + 1 : inside + 2] in (*SPACES,):
            text, inside = text.rstrip(SPACES), inside + 1
        if text:
            yield Token("text", text, place, place + len(text))
        if start < 0:
            return
        place, trims = _after_comment(source, inside)
        if not place:
            yield Token("open", LEFT, start, inside)
            for token in _action(source, inside, start):
                yield token
            place, trims = token.end, token.value != RIGHT


def _after_comment(source: str, place: int) -> tuple[int, bool]:
    """Return where the text goes on behind a comment, and whether its spaces are left out; 0 if here is none."""
    begin = place + len(source[place:]) - len(source[place:].lstrip(SPACES))
    if not source.startswith("/*", begin):
        return 0, False
    end = source.find("*/", begin + 2)
    if end < 0:
        raise error_at(source, begin, "the comment is not closed", "*/ ends it")
    for closing in (RIGHT, *(f"{space}-{RIGHT}" for space in SPACES)):
        if source.startswith(closing, end + 2):
            return end + 2 + len(closing), closing != RIGHT
    raise error_at(source, end, "a comment has its braces for itself", "{{/* … */}}")


def _action(source: str, place: int, start: int) -> Iterator[Token]:
    """Yield an action's tokens, the last of which closes it."""
    while True:
        while source[place : place + 1] in (*SPACES,):
            place += 1
        if source.startswith(RIGHT, place):
            yield Token("close", RIGHT, place, place + len(RIGHT))
            return
        if source.startswith(f"-{RIGHT}", place) and source[place - 1] in SPACES:
            yield Token("close", f"-{RIGHT}", place, place + 1 + len(RIGHT))
            return
        if place >= len(source):
            raise error_at(source, start, "the action is not closed", "}} ends it")
        token = _token(source, place)
        yield token
        place = token.end


def _token(source: str, place: int) -> Token:
    first = source[place]
    for sign in SIGNS:
        if source.startswith(sign, place):
            return Token("sign", sign, place, place + len(sign))
    if first in "\"'`":
        return _quoted(source, place)
    if first.isdecimal() or first in "+-" or (first == "." and source[place + 1 : place + 2].isdecimal()):
        return _number(source, place)
    if first == ".":
        end = _name_end(source, place + 1)
        return Token("field", source[place + 1 : end], place, end) if end > place + 1 else Token("dot", ".", place, end)
    end = _name_end(source, place + (first == "$"))
    if first == "$":
        return Token("variable", source[place:end], place, end)
    if end == place:
        raise error_at(source, place, f"{first!r} is nothing that an action may have")
    return Token("word", source[place:end], place, end)


def _name_end(source: str, place: int) -> int:
    while source[place : place + 1].isalnum() or source[place : place + 1] == "_":
        place += 1
    return place


def _number(source: str, place: int) -> Token:
    end = place + 1
    while source[end : end + 1].isalnum() or source[end : end + 1] in ("_", ".") or _is_exponents_sign(source, place, end):
        end += 1
    text = source[place:end]
    try:
        return Token("literal", _value_of(text), place, end)
    except ValueError:
        raise error_at(source, place, f"{text:.40} is no number") from None


def _value_of(text: str) -> int | float:
    """Return what a number of Go's means: `0x1F`, `017`, `1_000`, `1.5`, `1e3` (which is a whole number, too)."""
    digits = text.lstrip("+-")
    if len(text) > 40 or len(text) - len(digits) > 1:
        raise ValueError
    if digits[:1] == "0" and digits.isdecimal():
        return int(text, 8)
    try:
        value = int(text, 0)
    except ValueError:
        number = float(text)
        value = int(number) if number == number // 1 and "e" in text.lower() and abs(number) < 2**63 else 0
        if value == 0 and number:
            return number
    if not -(2**63) <= value < 2**64:
        raise ValueError
    return value


def _is_exponents_sign(source: str, place: int, end: int) -> bool:
    return source[end : end + 1] in ("+", "-") and source[end - 1] in "eE" and source[place : place + 2] not in ("0x", "0X")


def _quoted(source: str, place: int) -> Token:
    quote = source[place]
    if quote == "`":
        end = source.find(quote, place + 1)
        if end < 0:
            raise error_at(source, place, "the raw string is not closed", "` ends it")
        return Token("literal", source[place + 1 : end], place, end + 1)
    letters, here = list[str](), place + 1
    while source[here : here + 1] != quote:
        if source[here : here + 1] in ("", "\n"):
            raise error_at(source, place, "the string is not closed", f"{quote} ends it")
        letter, here = _letter(source, here)
        letters.append(letter)
    if quote == '"':
        return Token("literal", "".join(letters), place, here + 1)
    if len(letters) != 1:
        raise error_at(source, place, "single quotes hold one character, which is a number", 'a string: "…" or `…`')
    return Token("literal", ord(letters[0]), place, here + 1)


def _letter(source: str, place: int) -> tuple[str, int]:
    """Return the character of a string at a place, and where the next one is."""
    if source[place] != "\\":
        return source[place], place + 1
    kind = source[place + 1 : place + 2]
    if kind in ESCAPES and kind:
        return ESCAPES[kind], place + 2
    digits = source[place + 2 : place + 2 + CODES.get(kind, 0)]
    try:
        return chr(int(digits, 16)), place + 2 + len(digits)
    except (ValueError, OverflowError):
        raise error_at(source, place, f"\\{kind} is no escape of a string", "a raw string: `…`") from None
