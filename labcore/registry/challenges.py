"""Authentication challenges: parsing WWW-Authenticate (RFC 9110, 11.6.1).

One field may have several challenges, and there may be several fields; names are case-insensitive. The expressions do not
backtrack (`++`), so that parsing takes linear time.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
BETWEEN: Final = re.compile(r"[\s,]*+")
PARAMETER: Final = re.compile(rf'({NAME})\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s",]++))', re.DOTALL)
SCHEME: Final = re.compile(
    rf"({NAME})(?:\s++[A-Za-z0-9._~+/-]++=*+(?=\s*+(?:,|\Z)))?"
)  # or with a token, of which nothing is kept


class Challenge(NamedTuple):
    """A scheme and its parameters, with names in lower case; the first of one name counts."""

    scheme: str
    parameters: dict[str, str]


def challenges_of(fields: Iterable[str]) -> list[Challenge]:
    """Return the challenges of all fields in order; of a malformed field, those before the error."""
    return [challenge for field in fields for challenge in _read(field)]


def _read(field: str) -> Iterator[Challenge]:
    challenge: Challenge | None = None
    at = _after(BETWEEN.match(field))
    while at < len(field):
        parameter = PARAMETER.match(field, at) if challenge else None
        scheme = None if parameter else SCHEME.match(field, at)
        if challenge and parameter:
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            challenge.parameters.setdefault(name.lower(), value)
        elif scheme:
            if challenge:
                yield challenge
            challenge = Challenge(scheme[1].lower(), {})
        else:
            break
        at = _after(BETWEEN.match(field, _after(parameter or scheme)))
    if challenge:
        yield challenge


def _after(match: re.Match[str] | None) -> int:
    return match.end() if match else 0
