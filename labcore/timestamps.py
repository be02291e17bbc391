"""Timestamps: RFC 3339, read and written, and the times that queries, filters and options name; nanoseconds since 1970."""

import re
import time
from datetime import UTC, datetime
from typing import Final

from labcore.errors import InvalidInput

SECOND: Final = 10**9  # in nanoseconds
UNIX: Final = re.compile(r"(-?\d{1,19})(?:\.(\d{1,9})\d*)?", re.ASCII)
DURATION: Final = re.compile(r"(?:\d{1,15}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
PART: Final = re.compile(r"([\d.]+)(ns|us|µs|ms|s|m|h)", re.ASCII)
UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
FRACTION: Final = re.compile(r"\.(\d+)", re.ASCII)


def now() -> str:
    """Return the time as RFC 3339 writes it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def rfc3339(nanoseconds: int) -> str:
    """Write nanoseconds since 1970 as RFC 3339 does."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def parse_rfc3339(text: str) -> int:
    """Return a time of RFC 3339 in nanoseconds since 1970; one without a zone is UTC's. Raises ValueError."""
    whole, nanoseconds = _parts(text)
    return int((whole if whole.tzinfo else whole.replace(tzinfo=UTC)).timestamp()) * SECOND + nanoseconds


def parse_time(text: str) -> int:
    """Return the time that a query, a filter or an option means, in nanoseconds since 1970.

    It is docker's: Unix seconds, RFC 3339 of which the end may be missing (where no zone is said, it is the machine's), or how
    long ago it was (`10m`, `1h30m`). Raises InvalidInput.
    """
    if match := UNIX.fullmatch(text):
        return int(match[1]) * SECOND + int((match[2] or "").ljust(9, "0"))
    if DURATION.fullmatch(text):
        return time.time_ns() - sum(int(float(count) * UNITS[unit]) for count, unit in PART.findall(text))
    try:
        whole, nanoseconds = _parts(text if DATE.match(text) else "")
        return int(whole.astimezone(UTC).timestamp()) * SECOND + nanoseconds
    except (ValueError, OverflowError):
        raise InvalidInput(
            f'failed to parse value as time or duration: "{text:.80}": '
            "2026-11-29T10:00:00, seconds since 1970, or how long ago (10m, 1h30m) is wanted"
        ) from None


def _parts(text: str) -> tuple[datetime, int]:
    """Return the whole seconds, and the nanoseconds beside them."""
    fraction = FRACTION.search(text)
    return datetime.fromisoformat(FRACTION.sub("", text)), int(fraction[1][:9].ljust(9, "0")) if fraction else 0
