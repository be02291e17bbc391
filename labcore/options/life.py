"""Restart policies and health checks from docker's forms: `on-failure:3`, a command, times such as `1m30s`."""

from __future__ import annotations

from labcore.options.values import refuse
from labcore.spec import Healthcheck, RestartPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
PART: Final = r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h)"
LEAST: Final = 10**6  # nanoseconds


def restart_policy(name: str, value: Any) -> RestartPolicy:
    """Read `always` or `on-failure:3`. Raises InvalidInput."""
    if isinstance(value, RestartPolicy):
        return value
    if not isinstance(value, str):
        refuse(name, value, "a policy is wanted: no, always, unless-stopped, on-failure[:N]")
    kind, colon, count = value.partition(":")
    if colon and not (count.isascii() and count.isdecimal() and len(count) < 10):
        refuse(name, value, "maximum retry count must be an integer")
    return RestartPolicy(kind or "no", int(count or 0))


def nanoseconds(name: str, value: Any) -> int:
    """Read `30s`, `1m30s`, `500ms`. Raises InvalidInput."""
    import re

    parts = re.findall(PART, value) if isinstance(value, str) else []
    found = sum(int(float(count) * UNITS[unit]) for count, unit in parts)
    if "".join(map("".join, parts)) != value or found < LEAST:
        refuse(name, value, "a time from 1ms on is wanted, such as 30s or 1m30s")
    return found


def healthcheck(*, command: str | None, off: bool, retries: str | None, **times: str | None) -> Healthcheck | None:
    """Return what the options of a health check say; None if they say nothing. Raises InvalidInput."""
    found = {name: nanoseconds(f"health-{name.replace('_', '-')}", value) for name, value in times.items() if value}
    if off:
        if command or retries or found:
            refuse("no-healthcheck", True, "--health-… options go with a check: leave out one or the other")
        return Healthcheck(("NONE",))
    if retries is not None and not (retries.isascii() and retries.isdecimal() and len(retries) < 10):
        refuse("health-retries", retries, "a whole number is wanted")
    if not (command or retries or found):
        return None
    return Healthcheck(("CMD-SHELL", command) if command else (), retries=int(retries or 0), **found)
