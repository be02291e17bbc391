"""Containers' output: what their shims have logged, from a moment on, by lines, and as it comes."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from labcore.engine.container_state import get, shim_of
from labcore.engine.engine import Engine
from labcore.errors import InvalidInput
from labcore.runtime.shim import LogRecord

UNITS: Final = {"h": 3600, "m": 60, "s": 1}
SECOND: Final = 10**9  # in nanoseconds, which records have


def logs(
    engine: Engine, text: str, *, follow: bool = False, tail: int | None = None, since: int = 0, until: int | None = None
) -> Iterator[LogRecord]:
    """Yield a container's output by lines: the last `tail` of them, those between two moments (ns since 1970).

    With `follow` it goes on until the container has ended. Raises NotFound.
    """
    container = get(engine, text)
    shim = shim_of(engine, container)
    wanted = within(shim.output(), since, until)
    if not follow or container.state.status != "running":
        yield from wanted if tail is None else deque(lines(wanted), tail)
        return
    if tail is not None:
        there = deque(lines(wanted), tail + 1)
        last = there[-1].time if there else since
        yield from list(there)[-tail:] if tail else ()
        since = max(since, last + 1)
    yield from within(shim.follow(), since, until)


def within(records: Iterable[LogRecord], since: int, until: int | None) -> Iterator[LogRecord]:
    """Yield the records of a time."""
    for record in records:
        if until is not None and record.time > until:
            return
        if record.time >= since:
            yield record


def lines(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Yield whole lines of each stream, with the time of their beginning; at the end what is left of one."""
    begun: dict[str, LogRecord] = {}
    for record in records:
        for piece in _split(record.data):
            line = begun.pop(record.stream, record.replace(data=b""))
            line = line.replace(data=line.data + piece)
            if piece.endswith(b"\n"):
                yield line
            else:
                begun[record.stream] = line
    yield from sorted(begun.values(), key=lambda line: line.time)


def _split(data: bytes) -> list[bytes]:
    """Split behind newlines alone: what a terminal puts out has carriage returns of its own."""
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + [part for part in parts[-1:] if part]


def moment(text: str) -> int:
    """Read a time as nanoseconds since 1970: docker's RFC 3339, Unix seconds, or how long ago it was (`10m`, `1h30m`).

    Raises InvalidInput.
    """
    import re

    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text, re.ASCII):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * SECOND + int(fraction.ljust(9, "0") or "0")
    if re.fullmatch(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?[hms])+", text, re.ASCII):
        import time

        parts = re.findall(r"([0-9.]+)([hms])", text)
        return time.time_ns() - int(sum(float(count) * UNITS[unit] for count, unit in parts) * SECOND)
    try:
        then = datetime.fromisoformat(text if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text, re.ASCII) else "")
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no time: 2026-11-29T10:00:00, seconds since 1970, or how long ago: 10m, 1h30m"
        ) from None
    local = then.astimezone() if then.tzinfo is None else then
    return int(local.astimezone(UTC).timestamp()) * SECOND + local.microsecond * 1000
