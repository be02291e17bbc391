"""Containers: their life, streams and files (tag Container)."""

import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from threading import Thread

from labcore.daemon.context import Daemon
from labcore.daemon.streams import framed, media_type
from labcore.daemon.wire.codec import decode, empty, encode, json_response
from labcore.daemon.wire.container_create import ContainerCreate, create_options_of
from labcore.daemon.wire.query import flag
from labcore.engine.attach import output
from labcore.engine.container_create import create
from labcore.engine.container_start import start
from labcore.engine.container_state import get
from labcore.engine.containers import remove
from labcore.engine.inspect import inspect
from labcore.http import RawStream, Request, Response, Route, Upgrade


def create_container(daemon: Daemon, request: Request) -> Response:
    """POST /containers/create."""
    options = create_options_of(decode(request, ContainerCreate), name=request.query.get("name", ""))
    made = create(daemon.engine, options)
    return json_response({"Id": made.id, "Warnings": []}, status=HTTPStatus.CREATED)


def inspect_container(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/json."""
    return json_response(inspect(daemon.engine, name, size=flag(request, "size")))


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


def attach_container(daemon: Daemon, request: Request, name: str) -> Upgrade:
    """POST /containers/{name}/attach."""
    container = get(daemon.engine, name)
    since, tty = time.time_ns(), container.options.tty
    started = daemon.events.subscribe(lambda event: event.id == container.id and event.action in ("start", "destroy"))
    running = container.state.status == "running"

    def serve(stream: RawStream) -> None:
        with started:
            request.on_disconnect(started.close)
            if not running and started.get() is None:
                return
        process = daemon.supervisor.process(container.id)
        if flag(request, "stdin") and process and process.stdin:
            closes = container.options.stdin_once and not tty
            Thread(target=_feed, args=(stream, process.stdin), kwargs={"closes": closes}, daemon=True).start()
        for record in output(daemon.engine, container, since):
            stream.write(framed(record, tty=tty))

    return Upgrade(serve, {"Content-Type": media_type(tty=tty)})


def _feed(stream: RawStream, writer: BinaryIO, *, closes: bool) -> None:
    with suppress(OSError, ValueError):  # either end has gone
        while data := stream.read():
            writer.write(data)
    if closes:
        writer.close()


def remove_container(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /containers/{name}."""
    remove(daemon.engine, name, force=flag(request, "force"), volumes=flag(request, "v"))
    return empty()


ROUTES = (
    Route("POST", "/containers/create", create_container),
    Route("GET", "/containers/{name}/json", inspect_container),
    Route("POST", "/containers/{name}/start", start_container),
    Route("POST", "/containers/{name}/wait", wait_container, long_running=True),
    Route("POST", "/containers/{name}/attach", attach_container, long_running=True),
    Route("DELETE", "/containers/{name}", remove_container),
)
