"""Containers observed: top and stats (tag Container)."""

from collections.abc import Iterator
from http import HTTPStatus
from threading import Event
from typing import Any, Final

from labcore.daemon.context import Daemon
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import JSON, encode, json_response
from labcore.daemon.wire.query import flag
from labcore.daemon.wire.stats import stats_response
from labcore.engine.container.events import log_container_event
from labcore.engine.container.state import get
from labcore.engine.container.stats import Sample, sample
from labcore.engine.container.top import top
from labcore.engine.records.records import Container
from labcore.errors import NotFound
from labcore.http import Request, Response, Route

INTERVAL_SECONDS: Final = 1.0
ONE_SHOT_SINCE: Final = (1, 41)  # the API's version


def container_top(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/top."""
    container = get(daemon.engine, name)
    found = top(container, request.query.get("ps_args", ""))
    log_container_event(daemon.engine, container, "top")
    return json_response({"Processes": found.rows, "Titles": found.titles})


def container_stats(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/stats: every second, or once: after one second, for what was used in it, or in one shot."""
    container = get(daemon.engine, name)
    if flag(request, "stream", default=True):
        left = Event()
        request.on_disconnect(left.set)
        return Response(HTTPStatus.OK, JSON, _readings(daemon, container, left))
    if flag(request, "one-shot") and version_of(request) >= ONE_SHOT_SINCE:
        return json_response(stats_response(sample(container), None, None))
    return json_response(_over_an_interval(daemon, container))


def _over_an_interval(daemon: Daemon, container: Container) -> dict[str, Any]:
    first = sample(container)
    if first.memory is None:
        return stats_response(first, None, container)
    Event().wait(INTERVAL_SECONDS)
    container = get(daemon.engine, container.id)
    return stats_response(sample(container), first, container)


def _readings(daemon: Daemon, container: Container, left: Event) -> Iterator[bytes]:
    before: Sample | None = None
    while not left.is_set():
        try:
            container = get(daemon.engine, container.id)
        except NotFound:
            return
        found = sample(container)
        yield encode(stats_response(found, before, container)) + b"\n"
        before = found
        left.wait(INTERVAL_SECONDS)


ROUTES = (
    Route("GET", "/containers/{name}/top", container_top),
    Route("GET", "/containers/{name}/stats", container_stats, long_running=True),
)
