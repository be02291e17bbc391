"""Log lines as clients get them: with time stamps, with the container's details, raw or multiplexed."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote_plus

from labcore.daemon.streams import HEAD, STREAMS, framed
from labcore.engine.container.logs import line_blocks
from labcore.engine.records.records import Container, run_config
from labcore.runtime.shim import LogRecord
from labcore.timestamps import rfc3339

Blocks = Iterable[list[LogRecord]]


class LogFormat:
    """How records of a container's log are written."""

    def __init__(self, container: Container, streams: frozenset[str], *, timestamps: bool, details: bool) -> None:
        self._streams = streams
        self._tty = container.options.tty
        self._timestamps = timestamps
        self._details = details_of(container).encode() + b" " if details else b""
        self._by_lines = timestamps or details
        self._last_time, self._stamp = -1, b""

    def split(self, blocks: Blocks) -> Iterator[list[LogRecord]]:
        """Return the records that are written one by one: lines, if each has something before it."""
        return line_blocks(blocks) if self._by_lines else iter(blocks)

    def encoded(self, records: list[LogRecord]) -> bytes:
        """Return what is sent of some records."""
        wanted = [record for record in records if record.stream in self._streams]
        if self._by_lines:
            return b"".join(framed(each.stream, self._before(each) + each.data, tty=self._tty) for each in wanted)
        if self._tty:
            return b"".join(each.data for each in wanted)
        return b"".join(_framed_lines(each) for each in wanted)

    def _before(self, record: LogRecord) -> bytes:
        if not self._timestamps:
            return self._details
        if record.time != self._last_time:  # which many lines share
            self._last_time, self._stamp = record.time, rfc3339(record.time).encode() + b" " + self._details
        return self._stamp


def _framed_lines(record: LogRecord) -> bytes:
    """Return a record with a frame for each line in it, by which docker-py tells lines apart."""
    *lines, rest = record.data.split(b"\n")
    number, sizes = STREAMS[record.stream], [len(line) + 1 for line in lines]
    heads = {size: HEAD.pack(number, size) for size in set(sizes)}  # many lines share them
    parts = [b"\n"] * (3 * len(lines))
    parts[0::3], parts[1::3] = map(heads.__getitem__, sizes), lines
    return b"".join([*parts, framed(record.stream, rest, tty=False)] if rest else parts)


def details_of(container: Container) -> str:
    """Return the labels and variables that the log's options name, as docker writes them: `name=value,…`, sorted."""
    options, found = dict(container.options.log.details), dict[str, str]()
    variables = dict(each.partition("=")[::2] for each in run_config(container).environment)
    for all_of_them, key in ((container.labels(), "labels"), (variables, "env")):
        names = [name for name in options.get(key, "").split(",") if name]
        pattern = re.compile(options[f"{key}-regex"]) if f"{key}-regex" in options else None
        found |= {name: value for name, value in all_of_them.items() if name in names or (pattern and pattern.search(name))}
    if tag := options.get("tag"):
        found["tag"] = tag
    return ",".join(f"{quote_plus(name)}={quote_plus(found[name])}" for name in sorted(found))
