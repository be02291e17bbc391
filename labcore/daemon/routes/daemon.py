"""The daemon itself: its process, and its end. These paths are our own, outside docker's API."""

import os
from math import ceil
from typing import Final

import labcore
from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import json_response
from labcore.http import Request, Response, Route


def inspect_daemon(daemon: Daemon, request: Request) -> Response:
    """GET /labcore/daemon."""
    return json_response(
        {
            "Pid": os.getpid(),
            "Version": labcore.__version__,
            "Root": str(daemon.engine.root),
            "Hosts": daemon.settings.hosts,
            "StartedNano": daemon.started,
            "IdleExitSeconds": ceil(daemon.settings.idle_exit_seconds or 0),
        }
    )


def stop_daemon(daemon: Daemon, request: Request) -> Response:
    """DELETE /labcore/daemon: it answers what it was asked, and ends; containers run on."""
    daemon.end()
    return json_response({"Pid": os.getpid()})


ROUTES: Final = (
    Route("GET", "/labcore/daemon", inspect_daemon),
    Route("DELETE", "/labcore/daemon", stop_daemon),
)
