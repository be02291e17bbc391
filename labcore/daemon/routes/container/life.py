"""The life of containers: start, wait, remove (tag Container)."""

from collections.abc import Iterator
from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import empty, encode
from labcore.daemon.wire.query import flag
from labcore.engine.container_start import start
from labcore.engine.container_state import get
from labcore.engine.containers import remove
from labcore.http import Request, Response, Route


def start_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/start."""
    container = get(daemon.engine, name)
    if container.state.status == "running":
        return empty(HTTPStatus.NOT_MODIFIED)
    start(daemon.engine, container.id, with_input=True)
    return empty()


def wait_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/wait."""
    container = get(daemon.engine, name)
    condition = request.query.get("condition") or "not-running"
    wanted = "destroy" if condition == "removed" else "die"
    subscription = daemon.events.subscribe(lambda event: event.id == container.id and event.action in ("die", "destroy"))
    request.on_disconnect(subscription.close)

    def answer() -> Iterator[bytes]:
        with subscription:
            yield b""
            code = get(daemon.engine, container.id).state.exit_code
            if condition == "not-running" and get(daemon.engine, container.id).state.status != "running":
                yield encode({"StatusCode": code})
                return
            for event in subscription:
                code = int(event.attributes.get("exitCode", code))
                if event.action == wanted or event.action == "destroy":
                    break
        yield encode({"StatusCode": code})

    return Response(HTTPStatus.OK, {"Content-Type": "application/json"}, answer())


def remove_container(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /containers/{name}."""
    remove(daemon.engine, name, force=flag(request, "force"), volumes=flag(request, "v"))
    return empty()


ROUTES = (
    Route("POST", "/containers/{name}/start", start_container),
    Route("POST", "/containers/{name}/wait", wait_container, long_running=True),
    Route("DELETE", "/containers/{name}", remove_container),
)
