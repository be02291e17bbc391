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
STAR, STAR_FIRST = "[^/]*", "[^/]*?"  # characters of a name: as many as fit, and as few
DEEP, ODD, TAIL = "(?:[^/]*/)*?", "(?:.*/)?", ".*"  # `**` between slashes, in the middle of a name, and at the end
ODD_MAX: Final = 2  # wildcards of a pattern with a `**` in the middle of a name
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
    """Return a pattern as a regular expression. A `**` that begins one without other wildcards stands for any characters."""
    if pattern.startswith("**") and not pattern.startswith("**/") and not re.search(r"[*?\[\\]", pattern[2:]):
        return f".*{re.escape(pattern[2:])}"
    return _joined(pattern, list(_tokens(pattern)))


def matcher(pattern: str) -> re.Pattern[str]:
    """Return an expression of what Go's filepath.Match matches, in full: `**` is just `*` there. Raises InvalidInput."""
    check_pattern(pattern)
    single = re.sub(r"(\\.)|\*+", lambda found: found[1] or "*", pattern, flags=re.DOTALL)
    return re.compile(_joined(pattern, list(_tokens(single))), re.DOTALL)


def _tokens(pattern: str) -> Iterator[str]:
    """Yield the expressions of a pattern's parts: of characters, and STAR, DEEP (`**`), and TAIL (`**` at the end)."""
    position = 0
    while position < len(pattern):
        if pattern.startswith("**", position):
            is_whole = position == 0 or pattern[position - 1] == "/"
            position += 2
            position += pattern.startswith("/", position)
            yield TAIL if position == len(pattern) else DEEP if is_whole else ODD
        elif pattern[position] == "*":
            position += 1
            yield STAR
        elif pattern[position] == "[":
            expression, position = _character_class(pattern, position)
            yield expression
        else:
            escaped = pattern[position] == "\\"
            yield "[^/]" if pattern[position] == "?" else re.escape(pattern[position + escaped])
            position += 1 + escaped


def _joined(pattern: str, tokens: list[str]) -> str:
    """Return one expression that takes no longer than some times a path's length, whoever has written the pattern.

    Between two wildcards the first place where the characters fit is as good as any other: an atomic group, which is not tried
    again. That is not so around a `**` in the middle of a name, so there may be few of those.
    """
    if ODD in tokens:
        if sum(token in (STAR, DEEP, ODD, TAIL) for token in tokens) > ODD_MAX:
            raise InvalidInput(f"pattern {pattern:.200}: ** stands for whole directories: write it between slashes")
        return "".join(tokens)
    first, *others = _split(tokens, DEEP)
    parts = [_with_stars(first, is_last=not others)]
    parts += [f"(?>{DEEP}{_with_stars(part, is_last=False)})" for part in others[:-1]]
    parts += [f"{DEEP}{_with_stars(part, is_last=True)}" for part in others[-1:]]
    return "".join(parts)


def _with_stars(tokens: list[str], *, is_last: bool) -> str:
    first, *others = ("".join(piece) for piece in _split(tokens, STAR))
    end = len(others) - is_last  # only what nothing follows is tried again
    return "".join([first, *(f"(?>{STAR_FIRST}{piece})" for piece in others[:end]), *(STAR + piece for piece in others[end:])])


def _split(tokens: list[str], at: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == at:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


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
