"""System: ping, version, info, events, disk usage, and the registry's log-in (tag System)."""

import os

import labcore
from labcore.daemon.context import Daemon
from labcore.daemon.versions import API_VERSION, MIN_API_VERSION
from labcore.daemon.wire.codec import json_response
from labcore.http import Request, Response, Route


def ping(daemon: Daemon, request: Request) -> Response:
    """GET and HEAD /_ping."""
    headers = {
        "Builder-Version": "1",
        "Swarm": "inactive",
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Pragma": "no-cache",
        "Content-Type": "text/plain; charset=utf-8",
    }
    if request.method == "HEAD":
        return Response(200, {**headers, "Content-Length": "0"})
    return Response(200, headers, b"OK")


def version(daemon: Daemon, request: Request) -> Response:
    """GET /version."""
    machine = os.uname()
    about = {"ApiVersion": API_VERSION, "MinAPIVersion": MIN_API_VERSION, "Os": "linux", "KernelVersion": machine.release}
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine.machine, machine.machine)
    return json_response(
        {
            "Platform": {"Name": "labcore"},
            "Components": [{"Name": "Engine", "Version": labcore.__version__, "Details": about | {"Arch": arch}}],
            "Version": labcore.__version__,
            **about,
            "Arch": arch,
        }
    )


ROUTES = (
    Route("GET", "/_ping", ping),
    Route("GET", "/version", version),
)
