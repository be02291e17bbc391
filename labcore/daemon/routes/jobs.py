"""Jobs: what the daemon does, and for whom; listed and cancelled. These paths are our own, outside docker's API."""

from typing import Any, Final

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import empty, json_response
from labcore.engine.jobs import Job
from labcore.http import Request, Response, Route


def list_jobs(daemon: Daemon, request: Request) -> Response:
    """GET /labcore/jobs."""
    return json_response([_json(job) for job in daemon.jobs.all()])


def cancel_job(daemon: Daemon, request: Request, id: str) -> Response:
    """DELETE /labcore/jobs/{id}."""
    daemon.jobs.find(id).cancel()
    return empty()


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
        "Spans": [{"Name": each.name, "StartNano": each.start, "EndNano": each.end} for each in job.spans],
    }


ROUTES: Final = (
    Route("GET", "/labcore/jobs", list_jobs),
    Route("DELETE", "/labcore/jobs/{id}", cancel_job),
)
