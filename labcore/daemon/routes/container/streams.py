"""Streams of containers: attach, by websocket too, logs, and the size of terminals (tag Container)."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http import HTTPStatus

from labcore.cancellation import Cancellation
from labcore.daemon.context import Daemon
from labcore.daemon.log_format import LogFormat
from labcore.daemon.streams import Attachment, Duplex, media_type, upgrade_headers
from labcore.daemon.wire.codec import empty
from labcore.daemon.wire.query import console_size, flag
from labcore.detach_keys import detach_keys
from labcore.engine.container.attach import check_can_attach, close_input, input_of
from labcore.engine.container.events import log_container_event
from labcore.engine.container.logs import LogQuery, log_blocks
from labcore.engine.container.state import get, shim_of
from labcore.engine.events import Subscription
from labcore.engine.records.records import Container
from labcore.errors import NotRunning
from labcore.http import HTTPException, RawStream, Request, Response, Route, Upgrade
from labcore.http.websocket import WebSocket, handshake_headers
from labcore.runtime.shim import LogReader
from labcore.runtime.terminal import resize
from labcore.timestamps import parse_time


def attach_container(daemon: Daemon, request: Request, name: str) -> Upgrade:
    """POST /containers/{name}/attach."""
    container = get(daemon.engine, name)
    serve, close = _attaching(daemon, request, container, multiplexed=not container.options.tty)
    return Upgrade(serve, upgrade_headers(request, tty=container.options.tty), close)


def attach_container_by_websocket(daemon: Daemon, request: Request, name: str) -> Upgrade:
    """GET /containers/{name}/attach/ws: both streams of output are one there."""
    container = get(daemon.engine, name)
    headers = handshake_headers(request)
    attached, close = _attaching(daemon, request, container, multiplexed=False)

    def serve(stream: RawStream) -> None:
        websocket = WebSocket(stream)
        attached(websocket)
        websocket.close()

    return Upgrade(serve, headers, close)


def _attaching(
    daemon: Daemon, request: Request, container: Container, *, multiplexed: bool
) -> tuple[Callable[[Duplex], None], Callable[[], None]]:  # fmt: skip
    """Return what serves a client that is attached, and what is to be called in the end, whether it was served or not.

    Its output begins here, before anything is answered.
    """
    check_can_attach(container, request.path_params["name"])
    log_container_event(daemon.engine, container, "attach")
    keys = detach_keys(request.query.get("detachKeys", ""))
    wanted = frozenset(stream for stream in ("stdin", "stdout", "stderr") if flag(request, stream))
    with ExitStack() as undo:
        started = daemon.events.subscribe(lambda event: event.id == container.id and event.action in ("start", "destroy"))
        undo.callback(started.close)
        running = get(daemon.engine, container.id).state.status == "running"
        reader = shim_of(daemon.engine, container).reader(is_attached=bool(wanted & {"stdout", "stderr"}))
        undo.callback(reader.close)
        if not flag(request, "logs"):
            reader.seek_to_end()
        close = undo.pop_all().close

    def serve(connection: Duplex) -> None:
        attachment = Attachment(connection, request, multiplexed=multiplexed, takes_keys=container.options.tty)
        _send(attachment, reader, wanted)
        if flag(request, "stream") and wanted and (running or _starts(started, request)):
            if "stdin" in wanted:
                _feed(daemon, container, attachment, keys)
            _follow(daemon, container, attachment, reader, wanted)

    return serve, close


def _starts(started: Subscription, request: Request) -> bool:
    """Wait until the container is started; return whether it is, and neither removed nor left alone by its client."""
    request.on_disconnect(started.close)
    event = started.get()
    return event is not None and event.action == "start"


def _feed(daemon: Daemon, container: Container, attachment: Attachment, keys: bytes) -> None:
    engine, options = daemon.engine, container.options
    try:
        fd = input_of(engine, container) if options.open_stdin or options.tty else None
    except NotRunning:  # it has ended already
        return
    if fd is not None:
        attachment.feed(
            fd,
            keys,
            ended=lambda: close_input(engine, container) if options.stdin_once else None,
            detached=lambda: log_container_event(engine, container, "detach"),
        )


def _follow(
    daemon: Daemon, container: Container, attachment: Attachment, reader: LogReader, wanted: frozenset[str]
) -> None:  # fmt: skip
    for records in shim_of(daemon.engine, container).followed(reader, attachment.over):
        attachment.send(records, wanted)


def _send(attachment: Attachment, reader: LogReader, wanted: frozenset[str]) -> None:
    for records in reader.available():
        attachment.send(records, wanted)


def container_logs(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/logs."""
    container = get(daemon.engine, name)
    streams = frozenset(stream for stream in ("stdout", "stderr") if flag(request, stream))
    if not streams:
        raise HTTPException("Bad parameters: you must choose at least one stream", HTTPStatus.BAD_REQUEST)
    if container.options.log.driver == "none":
        raise HTTPException("configured logging driver does not support reading", HTTPStatus.NOT_IMPLEMENTED)
    query = LogQuery(
        follow=flag(request, "follow") and container.state.status not in ("created", "exited"),
        tail=_tail(request),
        since=_time(request, "since") or 0,
        until=_time(request, "until"),
    )
    lines = LogFormat(container, streams, timestamps=flag(request, "timestamps"), details=flag(request, "details"))
    cancelled = Cancellation()
    request.on_disconnect(cancelled.set)

    def body() -> Iterator[bytes]:
        for records in lines.split(log_blocks(daemon.engine, container, query, cancelled)):
            yield lines.encoded(records)

    return Response(HTTPStatus.OK, {"Content-Type": media_type(request, tty=container.options.tty)}, body())


def _tail(request: Request) -> int | None:
    """Return how many lines are asked for; docker takes what is no number for all."""
    text = request.query.get("tail", "")
    return int(text) if text.isascii() and text.isdecimal() else None


def _time(request: Request, name: str) -> int | None:
    text = request.query.get(name, "")
    return None if text in ("", "0") or text.startswith("-") else parse_time(text)


def resize_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/resize."""
    size = console_size(request)
    container = get(daemon.engine, name)
    if container.state.status in ("created", "exited"):
        raise NotRunning(f"container {container.id} is not running")
    if container.options.tty and (terminal := input_of(daemon.engine, container)) is not None:
        try:
            resize(terminal, *size)
        finally:
            os.close(terminal)
    height, width = map(str, size)
    log_container_event(daemon.engine, container, "resize", height=height, width=width)
    return empty(HTTPStatus.OK)


ROUTES = (
    Route("POST", "/containers/{name}/attach", attach_container, long_running=True),
    Route("GET", "/containers/{name}/attach/ws", attach_container_by_websocket, long_running=True),
    Route("GET", "/containers/{name}/logs", container_logs, long_running=True),
    Route("POST", "/containers/{name}/resize", resize_container),
)
