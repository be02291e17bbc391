r"""Patterns of `${NAME#pattern}` and its kin: `*`, `?` and `\`, as POSIX's shell has them, without brackets.

No pattern is handed to `re` as it is: a few stars that find nothing would keep it busy for days, and a Dockerfile is anybody's.
Each piece between two stars is looked for where it can be first, and never again: that is enough, and takes linear time.
"""

from __future__ import annotations

import re

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

MAX_LENGTH: Final = 1 << 20  # characters of what an expansion makes: more is an attack, or a mistake
TOKENS: Final = re.compile(r"\\([*?\\])|\\(?=[}/])|(\\)|([*?])|([^\\*?]+)", re.DOTALL)
STAR, ANY = object(), object()


def without_prefix(value: str, pattern: str, *, longest: bool) -> str:
    """Return a value without what the pattern matches at its begin. Raises InvalidInput for a malformed pattern."""
    found = _Pattern(_tokens(pattern), longest=longest).match(value)
    return value if found is None else value[found:]


def without_suffix(value: str, pattern: str, *, longest: bool) -> str:
    """Return a value without what the pattern matches at its end. Raises InvalidInput for a malformed pattern."""
    found = _Pattern(_tokens(pattern)[::-1], longest=longest).match(value[::-1])
    return value if found is None else value[: len(value) - found]


def replaced(value: str, pattern: str, replacement: str, *, everywhere: bool) -> str:
    """Return a value with a pattern's first match replaced, or all. Raises InvalidInput, also for too long a result."""
    matcher = _Pattern(_tokens(pattern), longest=True)
    made: list[str] = []
    kept = at = 0  # what is kept so far, and where to look
    while at <= len(value) and (found := matcher.search(value, at)):
        start, end = found
        if start == end == kept and made:  # nothing, just behind a match: that is no second one
            at += 1
            continue
        made += (value[kept:start], replacement)
        if len(made) * len(replacement) > MAX_LENGTH:
            raise InvalidInput(f"the replacement of {pattern!r} makes more than {MAX_LENGTH} characters")
        kept, at = end, max(end, start + (start == end))
        if not everywhere:
            break
    return "".join(made) + value[kept:]


def _tokens(pattern: str) -> list[object]:
    """Return the pattern's characters, and STAR and ANY. A backslash before `}` and `/` was for the braces around it."""
    found: list[object] = []
    for token in TOKENS.finditer(pattern):
        escaped, wrong, wildcard, plain = token.groups()
        if wrong:
            what = f"\\{pattern[token.end() : token.end() + 1]}"
            raise InvalidInput(
                f"invalid pattern ({pattern}) in substitution: invalid escape '{what}': only \\*, \\? and \\\\ are"
            )
        if wildcard:
            found.append(STAR if wildcard == "*" else ANY)
        found.extend(escaped or plain or "")
    return found


class _Pattern:
    """A pattern in pieces: `first`, and `rest`, which ends at the first place that suits, or the last one."""

    def __init__(self, tokens: Sequence[object], *, longest: bool) -> None:
        pieces: list[list[str]] = [[]]
        self.size = 0  # of the first piece
        for token in tokens:
            if token is STAR:
                pieces.append([])
            else:
                pieces[-1].append("." if token is ANY else re.escape(str(token)))
        self.first = re.compile("".join(pieces[0]))
        self.size = len(pieces[0])
        # what is in (?>…) is matched once: there is no way back into it
        rest = [f"(?>.*?{''.join(piece)})" for piece in pieces[1:]]
        if rest and longest:
            rest[-1] = f"(?>.*{''.join(pieces[-1])})"
        self.rest = re.compile("".join(rest))

    def match(self, value: str) -> int | None:
        """Return where a match at the value's begin ends."""
        first = self.first.match(value)
        rest = self.rest.match(value, first.end()) if first else None
        return rest.end() if rest else None

    def search(self, value: str, at: int) -> tuple[int, int] | None:
        """Return begin and end of the first match from a place on."""
        while first := self.first.search(value, at):
            if rest := self.rest.match(value, first.end()):
                return first.start(), rest.end()
            line_end = value.find("\n", first.end())  # no star goes beyond it: what failed fails up to there
            if line_end < 0:
                return None
            at = max(first.start() + 1, line_end + 1 - self.size)
        return None
