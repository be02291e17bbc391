"""Containers' output: what their shims have logged, from a moment on, by lines, and as it comes."""

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from threading import Timer
from typing import Final

from labcore.cancellation import Cancellation
from labcore.engine.container.state import get, shim_of
from labcore.engine.engine import Engine
from labcore.engine.records.records import Container
from labcore.record import Record
from labcore.runtime.shim import LogRecord
from labcore.timestamps import SECOND

PIECE_SIZE: Final = 1 << 14  # bytes of a line that come together at most, as docker cuts them


class LogQuery(Record):
    """What is asked for: the last `tail` lines (None: all), those between two moments (ns since 1970), what comes yet."""

    follow: bool = False
    tail: int | None = None
    since: int = 0
    until: int | None = None


def logs(
    engine: Engine, text: str, *, follow: bool = False, tail: int | None = None, since: int = 0, until: int | None = None
) -> Iterator[LogRecord]:
    """Yield a container's output, by lines if it is the last `tail` of them, those between two moments (ns since 1970).

    With `follow` it goes on until the container has ended. Raises NotFound.
    """
    container = get(engine, text)
    for records in log_blocks(engine, container, LogQuery(follow, tail, since, until)):
        yield from records


def log_blocks(
    engine: Engine, container: Container, query: LogQuery, cancelled: Cancellation | None = None
) -> Iterator[list[LogRecord]]:
    """Yield a container's output, as much at once as there is; following ends when it is `cancelled`, too."""
    shim = shim_of(engine, container)
    with ExitStack() as undo:
        reader = shim.reader()
        undo.callback(reader.close)
        skipped = 0 if query.tail is None else reader.seek_to_tail(query.tail)
        if query.follow:
            cancelled = cancelled or Cancellation()
            if query.until is not None:
                timer = Timer(max(0.0, (query.until - time.time_ns()) / SECOND), cancelled.set)
                timer.daemon = True
                timer.start()
                undo.callback(timer.cancel)
            blocks = shim.followed(reader, cancelled)
        else:
            blocks = reader.available()
        for block in blocks if query.tail is None else _all_but(skipped, blocks):
            if wanted := list(within(block, query.since, query.until)):
                yield wanted


def _all_but(skipped: int, blocks: Iterable[list[LogRecord]]) -> Iterator[list[LogRecord]]:
    """Yield the lines in blocks, but for the first ones, each of which may come in pieces."""
    for block in line_blocks(blocks):
        at = 0
        while skipped and at < len(block):
            skipped -= block[at].data.endswith(b"\n")
            at += 1
        yield block[at:]


def within(records: Iterable[LogRecord], since: int, until: int | None) -> Iterator[LogRecord]:
    """Yield the records of a time."""
    for record in records:
        if until is not None and record.time > until:
            return
        if record.time >= since:
            yield record


def lines(records: Iterable[LogRecord]) -> Iterator[LogRecord]:
    """Yield whole lines of each stream, with the time of their beginning; at the end what is left of one."""
    for block in line_blocks([record] for record in records):
        yield from block


def line_blocks(blocks: Iterable[list[LogRecord]]) -> Iterator[list[LogRecord]]:
    """Yield the lines that each block completes; at the end what is left. Long ones come in pieces.

    They end with newlines alone: what a terminal puts out has carriage returns of its own.
    """
    begun: dict[str, LogRecord] = {}
    for block in blocks:
        found: list[LogRecord] = []
        for record in block:
            _split(record, begun, found)
        yield found
    yield sorted(begun.values(), key=lambda line: line.time)


def _split(record: LogRecord, begun: dict[str, LogRecord], found: list[LogRecord]) -> None:
    stream, at = record.stream, record.time
    before = begun.pop(stream, None)
    line_time, data = (before.time, before.data + record.data) if before else (at, record.data)
    start = 0
    while end := data.find(b"\n", start) + 1:
        found.append(LogRecord(stream, line_time, data[start:end]))
        start, line_time = end, at
    while len(data) - start >= PIECE_SIZE:
        found.append(LogRecord(stream, line_time, data[start : start + PIECE_SIZE]))
        start += PIECE_SIZE
    if start < len(data):
        begun[stream] = LogRecord(stream, line_time, data[start:])
