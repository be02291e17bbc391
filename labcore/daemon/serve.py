"""The daemon's process: its listeners, and its orderly end."""

import logging
import signal
import socket
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Event
from typing import Final

from labcore.daemon.app import App
from labcore.daemon.context import Daemon, Settings
from labcore.errors import InvalidInput
from labcore.http import Server, listen_tcp, listen_unix

LOG: Final = logging.getLogger(__name__)


def serve(root: Path, settings: Settings) -> None:
    """Serve all hosts until SIGTERM or SIGINT."""
    ends = Event()
    with ExitStack() as undo:
        daemon = Daemon(root, settings, notify=LOG.warning)
        undo.callback(daemon.close)
        app = App(daemon)
        for host in settings.hosts:
            listener = undo.enter_context(_listener(host))
            server = Server(listener, app, is_long_running=app.is_long_running)
            server.start()
            undo.callback(server.close)
            LOG.info("API listen on %s", host)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ends.set())
        ends.wait()


def _listener(host: str) -> AbstractContextManager[socket.socket]:
    kind, _, address = host.partition("://")
    if kind == "unix":
        return listen_unix(Path(address))
    if kind == "tcp":
        name, _, port = address.rpartition(":")
        return listen_tcp(name.strip("[]"), int(port))
    raise InvalidInput(f"-H {host}: unix:///PATH or tcp://ADDRESS:PORT is wanted")
