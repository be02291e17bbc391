"""The daemon's app: its routes by tag, a job for each request, older versions' shapes, errors, and answers' headers."""

import re
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from http import HTTPStatus
from typing import Any, Final

import labcore
from labcore.daemon.context import Daemon
from labcore.daemon.errors import HANDLERS
from labcore.daemon.routes import ROUTES
from labcore.daemon.versions import API_VERSION, adapted, check_version, differences_of, version_of
from labcore.engine.jobs import Job
from labcore.engine.spans import current_job
from labcore.http import ExceptionMiddleware, RawStream, Request, Response, Route, Router, Upgrade
from labcore.http.origin import check_origin

HEADERS: Final[Mapping[str, str]] = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"labcore/{labcore.__version__} (linux)",
}
SLASHES: Final = re.compile("//+")


class App:
    """Answers the Engine API's requests; `is_long_running` and `is_instant` are for the server."""

    def __init__(self, daemon: Daemon) -> None:
        self._router = Router([_as_job(daemon, route) for route in ROUTES], prefix="/v{version:number}")
        self._app = ExceptionMiddleware(self._router, HANDLERS)
        self.is_long_running = self._router.is_long_running
        self.is_instant = self._router.is_instant

    def __call__(self, request: Request) -> Response | Upgrade:
        """Answer a request."""
        answer = _redirected(request) or self._app(request)
        return answer if isinstance(answer, Upgrade) else answer.replace(headers={**HEADERS, **answer.headers})


def _redirected(request: Request) -> Response | None:
    """Return where a path leads that has a slash twice, as Go's routers answer it; None for any other."""
    path, mark, query = request.target.partition("?")
    if "//" not in path or not path.startswith("/"):
        return None
    return Response(HTTPStatus.MOVED_PERMANENTLY, {"Location": SLASHES.sub("/", path) + mark + query})


def _as_job(daemon: Daemon, route: Route) -> Route:
    """Return a route whose endpoint is given the daemon, and whose requests are jobs, unless they are over in an instant."""
    differences, kind = differences_of(route), f"{route.method} {route.path}"

    def answer(request: Request, **params: str) -> Response | Upgrade:
        check_origin(request)
        check_version(request)
        if route.instant:
            return route.endpoint(daemon, request, **params)
        job = _begin(daemon, kind, request, params)
        try:
            with job.current(), job.span("answer"):
                found = route.endpoint(daemon, request, **params)
                if isinstance(found, Response):
                    found = adapted(found, differences, version_of(request))
        except BaseException as error:
            daemon.jobs.end(job, str(error) or type(error).__name__)
            raise
        return _until_sent(daemon, job, found)

    return route.replace(endpoint=answer)


def _begin(daemon: Daemon, kind: str, request: Request, params: Mapping[str, str]) -> Job:
    who = request.credentials
    uid, pid = (who.uid, who.pid) if who else (-1, 0)
    return daemon.jobs.begin(kind, " ".join(params.values()), uid=uid, pid=pid, cancel=request.client.disconnect)


def _until_sent(daemon: Daemon, job: Job, answer: Response | Upgrade) -> Response | Upgrade:
    """Return an answer with which the job ends: at once, or with the stream that it is."""
    if isinstance(answer, Upgrade):

        def serve(stream: RawStream) -> Any:
            with job.current(), job.span("stream"):
                return answer.serve(stream)

        def close() -> None:
            try:
                answer.close()
            finally:
                daemon.jobs.end(job)

        return answer.replace(serve=serve, close=close)
    if answer.length is None:
        return answer.replace(body=_Stream(daemon, job, answer.body))
    daemon.jobs.end(job)
    return answer


class _Stream:
    """The body of an answer that is made while it is sent; when it is closed its job has ended, also if none of it was sent."""

    def __init__(self, daemon: Daemon, job: Job, body: Any) -> None:
        self._daemon, self._job, self._body = daemon, job, body

    def __iter__(self) -> Iterator[bytes]:
        """Yield its pieces, each of which another thread may ask for: the job is current in the body's own context."""
        context, body = copy_context(), iter(self._body)
        context.run(current_job.set, self._job)
        with self._job.span("stream"):
            while (piece := context.run(next, body, None)) is not None:
                yield piece

    def close(self) -> None:
        """Close the body, and end the job."""
        try:
            if close := getattr(self._body, "close", None):
                close()
        finally:
            self._daemon.jobs.end(self._job)
