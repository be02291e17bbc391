"""Capture: a command is run against a daemon, and the jobs that it caused are collected with their spans."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final, Self

from labcore.errors import InvalidInput, Unavailable
from labcore.record import Record
from labcore.trace.relay import Call, relayed
from labcore.trace.span import Kind, Span, lane, nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REST_SECONDS: Final = 3.0  # that a job may take to end after its command has
VERSION: Final = re.compile(r"^/v[0-9.]+(?=/)")


class Traced(Record):
    """A command that was traced: its exit status (negative: the signal that killed it), and its span with all below it."""

    command: tuple[str, ...]
    status: int
    span: Span
    output: str = ""

    @property
    def jobs(self) -> tuple[Span, ...]:
        """The daemon's jobs, in the order in which they began."""
        return tuple(job for call in self.span.children for job in call.children)


def trace(command: Sequence[str], host: str, *, capture: bool = False) -> Traced:
    """Run a command, with DOCKER_HOST leading to the daemon at `host`, and return what the daemon did for it.

    Its streams are this program's; with `capture` its output is kept. Raises InvalidInput, Unavailable.
    """
    kind, separator, path = host.partition("://")
    if (kind, separator) != ("unix", "://"):
        raise InvalidInput(f"trace {host}: whose request is whose is known by a unix socket alone: name unix:///PATH")
    streams: Mapping[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if capture else {}
    with _followed(path, host) as jobs:
        with relayed(path) as (relay, url):
            begun = time.time_ns()
            try:
                done = subprocess.run(command, env={**os.environ, "DOCKER_HOST": url}, check=False, **streams)
            except OSError as error:
                raise InvalidInput(f"{command[0]}: {error.strerror}: name a command that is there") from None
            ended = time.time_ns()
        found = jobs.ended()
    calls = _with_jobs(relay.calls, found)
    span = Span("command", " ".join(command), begun, max([ended, *(each.end for each in calls)]), children=calls)
    return Traced(tuple(command), done.returncode, span, (done.stdout or b"").decode(errors="replace"))


class _Jobs:
    """The jobs of this process that a daemon tells of: `GET /labcore/trace`."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._jobs: dict[str, dict[str, Any]] = {}
        self._changed = Condition()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):  # the connection is closed
            for line in self._lines:
                job = json.loads(line)
                with self._changed:
                    self._jobs[job["Id"]] = job
                    self._changed.notify_all()

    def ended(self) -> list[dict[str, Any]]:
        """Wait until all jobs have ended, and return them; one that lasts on is left out of its end."""
        with self._changed:
            self._changed.wait_for(lambda: all(job["EndedNano"] for job in self._jobs.values()), REST_SECONDS)
            return list(self._jobs.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()


@contextmanager
def _followed(path: str, host: str) -> Iterator[_Jobs]:
    connection = http.client.HTTPConnection("labcore")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.connect(path)
        connection.request("GET", "/labcore/trace")
        answer = connection.getresponse()
        first = answer.readline()
    except OSError as error:
        connection.close()
        raise Unavailable(f"no daemon answers at {host}: {error.strerror}\n  cure: start one: labcore daemon") from None
    if answer.status != http.client.OK or json.loads(first) != {}:
        connection.close()
        raise Unavailable(f"the daemon at {host} tells of no jobs: only labcore's can be traced")
    with _Jobs(answer) as jobs:
        try:
            yield jobs
        finally:
            connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()


def _with_jobs(calls: Sequence[Call], jobs: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    """Return the calls as spans, each with the job that it became."""
    left = sorted(jobs, key=lambda job: int(job["StartedNano"]))
    spans = []
    for call in sorted(calls, key=lambda each: each.start):
        job = next((job for job in left if _is_of(job, call)), None)
        if job is not None:
            left.remove(job)
        end = max(call.end, job["EndedNano"]) if job else call.end
        children = (_job_span(job, end),) if job else ()
        name = f"{call.method} {call.target}"
        spans.append(Span("call", name, call.start, end, call.connection, children, answer=call.status))
    return tuple(spans)


def _is_of(job: Mapping[str, Any], call: Call) -> bool:
    """Return whether a call became this job: its method and path fit, and it came before."""
    method, _, pattern = job["Kind"].partition(" ")
    path = VERSION.sub("", call.target.partition("?")[0])
    literal = re.sub(r"\\\{[a-z_]+(:[a-z]+)?\\\}", ".+", re.escape(pattern))
    return call.start <= job["StartedNano"] and call.method in (method, "HEAD") and bool(re.fullmatch(literal, path))


def _job_span(job: Mapping[str, Any], end: int) -> Span:
    number, ended = int(job["Id"]), job["EndedNano"] or end
    workers = sorted({each["Worker"] for each in job["Spans"]})
    threads = [
        nested(_part(each, lane(number, worker), ended) for each in job["Spans"] if each["Worker"] == worker)
        for worker in workers
    ]
    parts = sorted((part for thread in threads for part in thread), key=lambda part: part.start)
    name = f"{job['Kind']} {job['Subject'][:64]}".rstrip()
    return Span("job", name, job["StartedNano"], ended, number, tuple(parts), job["Error"])


def _part(span: Mapping[str, Any], lane: int, end: int) -> Span:
    name = span["Name"]
    kind: Kind = "op" if name.startswith("op ") else "part"
    return Span(kind, name, span["StartNano"], span["EndNano"] or end, lane, calls=span.get("Calls", 0))
