"""Retry: Retry-After (RFC 9110, 10.2.3), else exponential backoff with jitter; and numbers in header fields."""

import random
import re
import time
from typing import Final

from labcore.registry.connections import Answer

LONGEST_WAIT: Final = 30.0  # seconds, whatever a server says of Retry-After


def pause(attempt: int, retry_after: str | None) -> float:
    """Return how many seconds to wait: Retry-After, or exponential backoff with jitter."""
    asked = _seconds(retry_after) if retry_after else None
    if asked is not None:
        return min(max(asked, 0.0), LONGEST_WAIT)
    return float(min(0.25 * 2**attempt, LONGEST_WAIT) * random.uniform(0.5, 1))


def number_in(answer: Answer, field: str) -> int | None:
    """Return the number in a field of an answer; None if it is no number, or an impossible one."""
    match = re.fullmatch(r"[0-9]{1,18}", answer.headers.get(field, "").strip())
    return int(match[0]) if match else None


def is_long(answer: Answer) -> bool:
    """Is the answer's Retry-After longer than anybody wants to wait?"""
    return (_seconds(answer.headers.get("Retry-After") or "") or 0) > LONGEST_WAIT


def _seconds(retry_after: str) -> float | None:
    """Return the seconds of Retry-After, which is a number or a date (RFC 9110)."""
    if retry_after.isdecimal():
        return float(retry_after[:9])
    from email.utils import parsedate_to_datetime  # which costs 15 ms of a pull, and few registries send a date

    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
