"""Streams of containers: logs, attach, exec, stats, top, and the size of terminals."""

from __future__ import annotations

from labcore.client.answer import BadAnswer
from labcore.client.api import API, parsed, path
from labcore.client.container_values import Container, Stats, Top
from labcore.client.streams import MULTIPLEXED, Streams, demultiplexed, raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

    from labcore.client.log_records import LogRecord
    from labcore.client.streams import Output

MULTIPLEXED_SINCE: Final = (1, 42)  # the version from which on a media type says so


class ContainerStreams:
    """What goes on in a container: part of Containers."""

    def __init__(self, api: API) -> None:
        self._api = api

    def _is_multiplexed(self, name: str, media_type: str) -> bool:
        if parsed(self._api.version) >= MULTIPLEXED_SINCE:
            return media_type == MULTIPLEXED
        return not Container(self._api.get(path("containers", name, "json"))).config.tty

    def logs(
        self,
        name: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: str = "",
        until: str = "",
        timestamps: bool = False,
        details: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Iterator[LogRecord]:
        """Yield what it has written, and with `follow` what it writes until it ends. Raises NotFound, at the first record.

        `since` and `until` are seconds since 1970 (`1700000000.5`) or times of RFC 3339.
        """
        query = {
            "follow": follow, "tail": tail, "since": since, "until": until, "timestamps": timestamps, "details": details,
            "stdout": stdout, "stderr": stderr,
        }  # fmt: skip
        from labcore.client.log_records import log_records  # `run` reads none

        with self._api.call("GET", path("containers", name, "logs"), query, timeout=None) as answer:
            is_multiplexed = self._is_multiplexed(name, answer.headers.get("content-type", ""))
            yield from log_records(answer.read, is_multiplexed=is_multiplexed, timestamps=timestamps, details=details)

    def log_output(self, name: str, **options: Any) -> Iterator[Output]:
        """Yield the same as it comes, in large pieces, time and details as text before each line: to be shown, not read.

        The options are those of `logs`. Raises NotFound, at the first piece.
        """
        query = {"stdout": True, "stderr": True, **options}
        with self._api.call("GET", path("containers", name, "logs"), query, timeout=None) as answer:
            is_multiplexed = self._is_multiplexed(name, answer.headers.get("content-type", ""))
            yield from (demultiplexed if is_multiplexed else raw)(answer.read)

    def attach(
        self,
        name: str,
        *,
        stdin: bool = False,
        stdout: bool = True,
        stderr: bool = True,
        stream: bool = True,
        logs: bool = False,
        detach_keys: str = "",
    ) -> Streams:
        """Attach to its streams; one that is attached before the start misses nothing. Raises NotFound, Conflict."""
        query = {
            "stdin": stdin, "stdout": stdout, "stderr": stderr, "stream": stream, "logs": logs, "detachKeys": detach_keys,
        }  # fmt: skip
        answer, connection = self._api.hijack(path("containers", name, "attach"), query)
        try:
            return Streams(
                connection, is_multiplexed=self._is_multiplexed(name, answer.headers.get("content-type", ""))
            )  # fmt: skip
        except BaseException:
            connection.close()
            raise

    def exec(self, name: str, command: list[str] | tuple[str, ...], **options: Any) -> Streams:
        """Run a command in it; return its streams. Options as those of `Execs.create`. Raises NotRunning."""
        from labcore.client.exec import Execs

        execs = Execs(self._api)
        return execs.start(execs.create(name, command, **options), tty=bool(options.get("tty")))

    def resize(self, name: str, rows: int, columns: int) -> None:
        """Set the size of its terminal."""
        self._api.change("POST", path("containers", name, "resize"), {"h": rows, "w": columns})

    def top(self, name: str, ps_arguments: str = "") -> Top:
        """Return its processes. Raises NotRunning."""
        return Top(self._api.get(path("containers", name, "top"), {"ps_args": ps_arguments}))

    def stats(self, name: str) -> Iterator[Stats]:
        """Yield what it uses, every second until the caller stops, or it is removed."""
        target = path("containers", name, "stats")
        answer = self._api.call("GET", target, {"stream": "1"}, timeout=None)
        yield from map(Stats, self._api.values(answer, f"GET {target}"))

    def stats_once(self, name: str, *, one_shot: bool = False) -> Stats:
        """Return one reading, after a second that it is about; `one_shot`: at once, with nothing to compare with."""
        query = {"stream": "0", "one-shot": one_shot}
        found = self._api.get(path("containers", name, "stats"), query)
        if found is None:
            raise BadAnswer(f"stats of {name:.80}: nothing was answered")
        return Stats(found)
