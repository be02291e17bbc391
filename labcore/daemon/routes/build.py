"""Builds: an image of a Dockerfile and its context, the cache of that, and what only BuildKit does (tags Image and Session)."""

from http import HTTPStatus
from typing import Final

from labcore.daemon.context import Daemon
from labcore.daemon.errors import message
from labcore.daemon.wire.build_cache_json import FILTERS, CacheView, shown, space_asked
from labcore.daemon.wire.codec import json_response
from labcore.daemon.wire.query import filters, flag
from labcore.engine.prune_cache import prune_cache
from labcore.http import Request, Response, Route, Upgrade

NO_BUILDKIT: Final = (
    "labcore has no BuildKit: set DOCKER_BUILDKIT=0 for docker's command, or use `labcore build` and `labcore builder`, "
    "which need none"
)


def build(daemon: Daemon, request: Request) -> Response:
    """POST /build."""
    from labcore.daemon.building import built  # the builder, which most daemons have no use for

    return built(daemon, request)


def session(daemon: Daemon, request: Request) -> Response:
    """POST /session, which clients of BuildKit ask for."""
    return message(HTTPStatus.NOT_IMPLEMENTED, NO_BUILDKIT)


def grpc(daemon: Daemon, request: Request) -> Response | Upgrade:
    """POST /grpc, at which BuildKit's clients want to speak to it: they are told that it is not here."""
    from labcore.daemon.grpc_refusal import refuse_calls  # few ask

    return Upgrade(lambda stream: refuse_calls(stream, NO_BUILDKIT))


def prune(daemon: Daemon, request: Request) -> Response:
    """POST /build/prune."""
    asked, space, every = filters(request, FILTERS), space_asked(request), flag(request, "all")
    wanted = CacheView(daemon.engine).chosen_by(asked)
    pruned = prune_cache(daemon.engine, every=every, space=space, wanted=wanted)
    daemon.steps_seen.clear()
    return json_response({"CachesDeleted": [*map(shown, pruned.keys)] or None, "SpaceReclaimed": pruned.freed})


ROUTES = (
    Route("POST", "/build", build, long_running=True),
    Route("POST", "/session", session),
    Route("POST", "/grpc", grpc, long_running=True),
    Route("POST", "/build/prune", prune, long_running=True),
)
