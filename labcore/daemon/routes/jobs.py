"""Jobs: what the daemon does, and for whom; listed, cancelled, traced. These paths are our own, outside docker's API."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import empty, encode, json_response
from labcore.engine.jobs import Job, Trace
from labcore.engine.spans import Span
from labcore.errors import InvalidInput
from labcore.http import Request, Response, Route


def list_jobs(daemon: Daemon, request: Request) -> Response:
    """GET /labcore/jobs."""
    return json_response([_json(job) for job in daemon.jobs.all()])


def cancel_job(daemon: Daemon, request: Request, id: str) -> Response:
    """DELETE /labcore/jobs/{id}."""
    daemon.jobs.find(id).cancel()
    return empty()


def trace_jobs(daemon: Daemon, request: Request) -> Response:
    """GET /labcore/trace: the jobs of the process that asks, from now on; each when it begins, and when it has ended."""
    if request.credentials is None:
        raise InvalidInput("a trace is of one process's jobs, which is known by its unix socket alone: connect to that")
    trace = Trace(daemon.jobs, request.credentials.pid)
    request.on_disconnect(trace.close)

    def answer() -> Iterator[bytes]:
        with trace:
            yield encode({}) + b"\n"  # from here on no job is missed
            for job in trace:
                yield encode(_json(job)) + b"\n"

    return Response(HTTPStatus.OK, {"Content-Type": "application/json"}, answer())


def _json(job: Job) -> dict[str, Any]:
    return {
        "Id": job.id,
        "Kind": job.kind,
        "Subject": job.subject,
        "Uid": job.uid,
        "Pid": job.pid,
        "State": job.state,
        "Error": job.error,
        "StartedNano": job.started,
        "EndedNano": job.ended,
        "Spans": [_span(each) for each in job.spans],
    }


def _span(span: Span) -> dict[str, Any]:
    told = {"Name": span.name, "StartNano": span.start, "EndNano": span.end, "Worker": span.worker}
    return {**told, "Calls": span.calls} if span.calls else told


ROUTES: Final = (
    Route("GET", "/labcore/jobs", list_jobs),
    Route("DELETE", "/labcore/jobs/{id}", cancel_job),
    Route("GET", "/labcore/trace", trace_jobs, long_running=True),
)
