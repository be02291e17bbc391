"""Streams of containers: attach (tag Container)."""

import time
from contextlib import suppress
from threading import Thread
from typing import BinaryIO

from labcore.daemon.context import Daemon
from labcore.daemon.streams import framed, upgrade_headers
from labcore.daemon.wire.query import flag
from labcore.engine.attach import output
from labcore.engine.container_state import get
from labcore.http import RawStream, Request, Route, Upgrade


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
            stream.write(framed(record.stream, record.data, tty=tty))

    return Upgrade(serve, upgrade_headers(request, tty=tty))


def _feed(stream: RawStream, writer: BinaryIO, *, closes: bool) -> None:
    with suppress(OSError, ValueError):  # either end has gone
        while data := stream.read():
            writer.write(data)
    if closes:
        writer.close()


ROUTES = (Route("POST", "/containers/{name}/attach", attach_container, long_running=True),)
