"""System: ping, version, info and disk usage (tag System; events have a file of their own)."""

from typing import Final

from labcore.daemon.context import Daemon
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import json_response
from labcore.daemon.wire.disk_usage import KINDS, check_kinds, disk_usage_json
from labcore.daemon.wire.system import info_json, version_json
from labcore.http import Request, Response, Route

PING: Final = {
    "Builder-Version": "1",  # there is no BuildKit
    "Swarm": "inactive",
    "Cache-Control": "no-cache, no-store, must-revalidate",
    "Pragma": "no-cache",
    "Content-Type": "text/plain; charset=utf-8",
}
KINDS_CHOSEN_SINCE: Final = (1, 42)


def ping(daemon: Daemon, request: Request) -> Response:
    """GET and HEAD /_ping."""
    if request.method == "HEAD":
        return Response(200, {**PING, "Content-Length": "0"})
    return Response(200, PING, b"OK")


def version(daemon: Daemon, request: Request) -> Response:
    """GET /version."""
    return json_response(version_json())


def info(daemon: Daemon, request: Request) -> Response:
    """GET /info."""
    return json_response(info_json(daemon))


def disk_usage(daemon: Daemon, request: Request) -> Response:
    """GET /system/df."""
    asked = request.every("type") if version_of(request) >= KINDS_CHOSEN_SINCE else ()
    check_kinds(asked)
    return json_response(disk_usage_json(daemon.engine, asked or KINDS))


ROUTES: Final = (
    Route("GET", "/_ping", ping, instant=True),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/system/df", disk_usage),
)
