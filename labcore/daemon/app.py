"""The daemon's app: its routes by tag, their errors, and the headers of each answer."""

from collections.abc import Mapping
from typing import Final

import labcore
from labcore.daemon.context import Daemon, Endpoint
from labcore.daemon.errors import HANDLERS
from labcore.daemon.routes import ROUTES
from labcore.daemon.versions import API_VERSION, check_version
from labcore.http import ExceptionMiddleware, Request, Response, Router, Upgrade

HEADERS: Final[Mapping[str, str]] = {
    "Api-Version": API_VERSION,
    "Docker-Experimental": "false",
    "Ostype": "linux",
    "Server": f"labcore/{labcore.__version__} (linux)",
}


class App:
    """Answers the Engine API's requests; `is_long_running` is for the server."""

    def __init__(self, daemon: Daemon) -> None:
        routes = [route.replace(endpoint=_bound(daemon, route.endpoint)) for route in ROUTES]
        self._router = Router(routes, prefix="/v{version:number}")
        self._app = ExceptionMiddleware(self._router, HANDLERS)
        self.is_long_running = self._router.is_long_running

    def __call__(self, request: Request) -> Response | Upgrade:
        """Answer a request."""
        answer = self._app(request)
        return answer if isinstance(answer, Upgrade) else answer.replace(headers={**HEADERS, **answer.headers})


def _bound(daemon: Daemon, endpoint: Endpoint) -> Endpoint:
    def answer(request: Request, **params: str) -> Response | Upgrade:
        check_version(request)
        return endpoint(daemon, request, **params)

    return answer
