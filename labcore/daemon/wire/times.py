"""Times of queries and filters, as docker's clients write them: seconds since 1970, RFC 3339, or a span before now (`10m`)."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from labcore.errors import InvalidInput

UNIX: Final = re.compile(r"(-?\d{1,19})(?:\.(\d{1,9})\d*)?", re.ASCII)
SPAN: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
FRACTION: Final = re.compile(r"\.(\d+)")
SECOND: Final = 10**9


def time_of(text: str, what: str) -> int:
    """Return a time in nanoseconds since 1970. Raises InvalidInput, which says `what` it was for."""
    if match := UNIX.fullmatch(text):
        return int(match[1]) * SECOND + int((match[2] or "").ljust(9, "0"))
    if SPAN.fullmatch(text):
        return time.time_ns() - sum(int(float(count) * UNITS[unit]) for count, unit in PART.findall(text))
    try:
        return timestamp(text)
    except ValueError:
        raise InvalidInput(
            f"{what}={text:.80}: seconds since 1970, a time of RFC 3339 or a span such as 10m is wanted"
        ) from None


def timestamp(text: str) -> int:
    """Return a time of RFC 3339, of which the end may be missing, in nanoseconds since 1970. Raises ValueError."""
    fraction = FRACTION.search(text)
    whole = datetime.fromisoformat(FRACTION.sub("", text))
    nanoseconds = int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    return int((whole if whole.tzinfo else whole.replace(tzinfo=UTC)).timestamp()) * SECOND + nanoseconds


def before(texts: Sequence[str]) -> Callable[[str], bool]:
    """Return a predicate of RFC 3339's times: before the one that the filter `until` names. Raises InvalidInput."""
    if not texts:
        return lambda _: True
    if len(texts) > 1:
        raise InvalidInput("more than one until filter specified")
    limit = time_of(texts[0], "until")
    return lambda created: timestamp(created) < limit
