"""Durations as Go's time.ParseDuration reads them: `1h30m`, `1.5s`, `500ms`."""

from __future__ import annotations

import re

from labcore.builder.parser.errors import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
DURATION: Final = re.compile(r"([-+]?)((?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+|0)")
DIGITS: Final = 100  # of one duration
INT64_MAX: Final = (1 << 63) - 1
LEAST: Final = 10**6  # nanoseconds: what a health check's times are at least


def nanoseconds(text: str) -> int | None:
    """Return a duration; None if the text is none."""
    match = DURATION.fullmatch(text) if len(text) <= DIGITS else None
    if not match:
        return None
    found = 0
    for whole, fraction, unit in PART.findall(match[2]):
        found += int(whole or 0) * UNITS[unit] + int(fraction or 0) * UNITS[unit] // 10 ** len(fraction)
    return None if found > INT64_MAX else -found if match[1] == "-" else found


def health_time(name: str, text: str) -> int:
    """Read a time of a health check: 0, or at least a millisecond. Raises Problem."""
    found = nanoseconds(text) if text else 0
    if found is None:
        raise Problem(f'invalid duration "{text}" for --{name}', f"--{name}", cure="a time with its unit, such as 30s or 1m30s")
    if found and found < LEAST:
        raise Problem(f'Interval "{name}" cannot be less than 1ms', f"--{name}")
    return found
