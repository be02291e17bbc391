"""Patterns of a .dockerignore file, and of COPY's --exclude: moby's patternmatcher, compiled once to regular expressions.

A pattern is a path from the context's root, in which `*` and `?` stand for characters of one name, `[a-z]` for one of several,
`**` for any number of directories, and a backslash for the character behind it. It covers what is below what it matches. The
last pattern that covers a path decides; one that begins with `!` takes the path in again.
"""

from __future__ import annotations

import posixpath
import re

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final, NoReturn, Self

BYTE_ORDER_MARK: Final = "\ufeff"
PATTERNS_MAX: Final = 10_000
WILDCARDS: Final = {"*": "[^/]*", "?": "[^/]"}
BELOW: Final = "(?:/.*)?"  # what is in a directory that a pattern matches


class Patterns:
    """Patterns in order. `has_exceptions`: does one begin with `!`?"""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take one pattern from each line; empty ones mean nothing. Raises InvalidInput."""
        self.patterns = tuple(_cleaned(line) for line in lines if line.strip())
        if len(self.patterns) > PATTERNS_MAX:
            raise InvalidInput(f"{len(self.patterns)} patterns are more than the {PATTERNS_MAX} that are taken")
        self._exceptions = tuple(f"{pattern[1:]}/" for pattern in self.patterns if pattern.startswith("!"))
        self.has_exceptions = bool(self._exceptions)
        self._runs = tuple(_runs(self.patterns))

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """Read a .dockerignore file: a pattern on each line, comments that begin with `#`. Raises InvalidInput."""
        if isinstance(text, bytes):
            text = text.decode(errors="surrogateescape")
        lines = text.removeprefix(BYTE_ORDER_MARK).split("\n")
        return cls(_from_root(line.strip()) for line in lines if not line.startswith("#"))

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def matches(self, path: str) -> bool:
        """Return whether a path is left out, given from the root without a leading slash; the root itself never is."""
        found = False
        for takes_in, expression in self._runs:
            if takes_in == found and expression.fullmatch(path):
                found = not found
        return found and path != "."

    def enters(self, directory: str) -> bool:
        """Return whether a walk looks into a directory: it is not left out, or an exception names something in it.

        As docker's walk does, this takes an exception by its words: `!**/*.md` alone leads into no directory that is left out.
        """
        within = f"{directory}/"
        return any(each.startswith(within) for each in self._exceptions) or not self.matches(directory)


def _from_root(line: str) -> str:
    """Return a pattern as it is without a leading slash: a context's root is where all begin."""
    sign, pattern = ("!", line[1:].strip()) if line.startswith("!") else ("", line)
    if pattern:
        pattern = _clean(pattern)
        pattern = pattern[1:] if len(pattern) > 1 and pattern[0] == "/" else pattern
    return sign + pattern


def _cleaned(line: str) -> str:
    pattern = _clean(line.strip())
    if pattern == "!":
        raise InvalidInput('illegal exclusion pattern: "!": a name follows it')
    check_pattern(pattern.removeprefix("!"))
    return pattern


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _runs(patterns: Iterable[str]) -> Iterator[tuple[bool, re.Pattern[str]]]:
    """Yield one expression for each run of patterns of one sign: whether they take in again, and what they cover."""
    run: list[str] = []
    takes_in = False
    for pattern in patterns:
        if pattern.startswith("!") != takes_in and run:
            yield takes_in, _any_of(run)
            run = []
        takes_in = pattern.startswith("!")
        run.append(_expression(pattern.removeprefix("!")))
    if run:
        yield takes_in, _any_of(run)


def _any_of(expressions: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(expressions)}){BELOW}", re.DOTALL)


def _expression(pattern: str) -> str:
    """Return a pattern as a regular expression. `**` at one of its ends stands for characters, `/` among them."""
    if not re.search(r"[*?\[\\]", pattern):
        return re.escape(pattern)
    if pattern.startswith("**") and not re.search(r"[*?\[\\]", pattern[2:]):
        rest = pattern[2:]
        return f"(?:.*/)?{re.escape(rest[1:])}" if rest.startswith("/") else f".*{re.escape(rest)}"
    return "".join(_translated(pattern))


def _translated(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        if pattern.startswith("**", position):
            position += 2
            is_last = position == len(pattern)
            yield ".*" if is_last else "(?:.*/)?"
            position += pattern.startswith("/", position)
        elif pattern[position] == "[":
            expression, position = _character_class(pattern, position)
            yield expression
        else:
            character = pattern[position]
            escaped = character == "\\"
            yield re.escape(pattern[position + 1]) if escaped else WILDCARDS.get(character, re.escape(character))
            position += 1 + escaped


def matcher(pattern: str) -> re.Pattern[str]:
    """Return an expression of what Go's filepath.Match matches, in full: `**` is just `*` there. Raises InvalidInput."""
    check_pattern(pattern)
    single = re.sub(r"(\\.)|\*+", lambda found: found[1] or "*", pattern, flags=re.DOTALL)
    return re.compile("".join(_translated(single)), re.DOTALL)


def check_pattern(pattern: str) -> None:
    """Raise InvalidInput for what is no pattern of Go's filepath.Match: a `[` without its `]`, a backslash at the end."""
    position = 0
    while position < len(pattern):
        if pattern[position] == "[":
            _, position = _character_class(pattern, position)
        elif pattern[position] == "\\" and position + 1 == len(pattern):
            _refuse(pattern)
        else:
            position += 1 + (pattern[position] == "\\")


def _character_class(pattern: str, start: int) -> tuple[str, int]:
    """Read `[a-z]` or `[^a-z]` that begins at `start`; return it as an expression, and where the pattern goes on."""
    position = start + 1
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[str] = []
    while not ranges or not pattern.startswith("]", position):
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            ranges.append("")  # nothing is between them
    inside = "".join(ranges)
    if not inside:
        return (r"[\s\S]" if negated else "(?!)"), position + 1
    return f"[{'^' * negated}{inside}]", position + 1


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    if position >= len(pattern) or pattern[position] in "-]":
        _refuse(pattern)
    escaped = pattern[position] == "\\"
    if position + escaped >= len(pattern):
        _refuse(pattern)
    return pattern[position + escaped], position + escaped + 1


def _refuse(pattern: str) -> NoReturn:
    raise InvalidInput(f"syntax error in pattern: {pattern!r}: a [ needs its ], and a backslash a character behind it")
