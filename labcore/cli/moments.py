"""Moments on the command line (--since, --until): a time, a date, seconds since 1970, or how long ago, such as 10m."""

from __future__ import annotations

import time

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}  # Go's units


def moment(text: str) -> str:
    """Return a moment as the API takes it, in seconds since 1970; nothing for nothing. Raises InvalidInput."""
    if not text or text.replace(".", "", 1).isdecimal():
        return text
    ago = _duration(text)
    if ago is not None:
        return f"{time.time() - ago:.9f}"
    from datetime import datetime  # 2 ms

    try:
        return f"{datetime.fromisoformat(text).timestamp():.9f}"  # without a zone it is this machine's time
    except ValueError:
        raise InvalidInput(f"{text!r} is no time: 10m, 2026-11-30T12:00:00Z, 2026-11-30, or seconds since 1970") from None


def _duration(text: str) -> float | None:
    """Return the seconds of one of Go's durations, `1h30m`; None if it is none."""
    total, rest = 0.0, text
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        unit = next((unit for unit in SECONDS if rest.startswith(unit, digits)), "")
        try:
            total += float(rest[:digits]) * SECONDS[unit]
        except (ValueError, KeyError):
            return None
        rest = rest[digits + len(unit) :]
    return total
