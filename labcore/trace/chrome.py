"""Chrome's trace events: a trace as JSON that Perfetto and chrome://tracing open (the Trace Event Format)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from labcore.trace.span import WORKERS_APART, rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labcore.trace.span import Span

CLIENT, DAEMON = 1, 2  # the processes of the picture
PROCESSES: Final = {CLIENT: "client", DAEMON: "labcore daemon"}


def trace_events(root: Span) -> dict[str, Any]:
    """Return a command's span and all below it as trace events: times in microseconds after the command's start.

    Each connection of the client, each job of the daemon, and each worker of a job, has a thread of its own, in which spans lie
    within one another.
    """
    spans = [span for _, span in rows(root)]
    jobs = {span.lane: span.name for span in reversed(spans) if span.kind == "job"}
    threads = {_thread(span): _name_of_thread(span.lane, jobs) for span in spans if span.kind not in ("command", "call")}
    threads |= {_thread(span): f"connection {span.lane}" for span in spans if span.kind == "call"}
    threads[(CLIENT, 0)] = root.name
    return {
        "displayTimeUnit": "ms",
        "traceEvents": [
            *(_metadata("process_name", pid, 0, name) for pid, name in PROCESSES.items()),
            *(_metadata("thread_name", pid, tid, name) for (pid, tid), name in sorted(threads.items())),
            *(_complete(span, root.start) for span in spans),
        ],
    }


def _thread(span: Span) -> tuple[int, int]:
    return (CLIENT if span.kind in ("command", "call") else DAEMON), span.lane


def _name_of_thread(lane: int, jobs: Mapping[int, str]) -> str:
    worker, job = divmod(lane, WORKERS_APART)
    return f"{jobs[job]}, worker {worker}" if worker else jobs[job]


def _metadata(what: str, pid: int, tid: int, name: str) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}


def _complete(span: Span, start: int) -> dict[str, Any]:
    pid, tid = _thread(span)
    return {
        "ph": "X",
        "name": span.name,
        "cat": span.kind,
        "pid": pid,
        "tid": tid,
        "ts": round((span.start - start) / 1e3, 3),
        "dur": round((span.end - span.start) / 1e3, 3),
        "args": {name: text for name, text in (("error", span.error), ("answer", span.answer)) if text},
    }
