"""Builds: there is no builder yet, and no cache of one (the calls of tag Image that build, and tag Session)."""

from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.errors import message
from labcore.daemon.wire.codec import json_response
from labcore.http import Request, Response, Route

NO_BUILDER = "labcore has no builder: build the image elsewhere (docker build, podman build) and pull or load it here"


def build(daemon: Daemon, request: Request) -> Response:
    """POST /build, and /session, which BuildKit's clients ask for."""
    return message(HTTPStatus.NOT_IMPLEMENTED, NO_BUILDER)


def prune_cache(daemon: Daemon, request: Request) -> Response:
    """POST /build/prune: what nothing has built has no cache."""
    return json_response({"CachesDeleted": None, "SpaceReclaimed": 0})


ROUTES = (
    Route("POST", "/build", build, long_running=True),
    Route("POST", "/session", build),
    Route("POST", "/build/prune", prune_cache),
)
