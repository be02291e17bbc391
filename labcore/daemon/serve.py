"""The daemon's process: its listeners, its readiness, and its orderly end."""

import logging
import os
import re
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from labcore.daemon.app import App
from labcore.daemon.context import Daemon
from labcore.daemon.defaults import check
from labcore.daemon.listeners import listeners
from labcore.daemon.settings import Settings
from labcore.http import Request, Server

LOG: Final = logging.getLogger(__name__)
ENDLESS: Final = re.compile(r"(/v[0-9.]+)?/(events|exec/[^/]+/start|containers/[^/]+/(attach|attach/ws|logs|stats|wait))")
DRAIN_SECONDS: Final = 15.0  # for requests that run


def serve(root: Path, settings: Settings) -> None:
    """Serve all hosts until SIGTERM or SIGINT, or until nobody has asked for anything for long. Containers run on.

    At the end no more connections are accepted; requests that are being answered are answered, streams end.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # each connection takes one, each container some
    check(settings)
    if any(Path(host.removeprefix("unix://")).parent == root for host in settings.hosts):
        root.mkdir(mode=0o711, parents=True, exist_ok=True)  # a socket is in it
    with ExitStack() as undo:
        bell, end = undo.enter_context(_end_bell())
        found = {host: undo.enter_context(listeners(host, settings)) for host in _files_last(settings.hosts)}
        daemon = Daemon(root, settings, end=end, notify=LOG.warning)
        undo.callback(daemon.close)
        app, servers = App(daemon), []
        for host in settings.hosts:
            for listener, tls in found[host]:
                server = Server(listener, app, is_long_running=app.is_long_running, is_instant=app.is_instant, tls=tls)
                server.start()
                undo.callback(server.close)
                servers.append(server)
                LOG.info("API listen on %s", _address(host, listener))
        notify_manager("READY=1")
        _wait(daemon, bell, settings.idle_exit_seconds)
        notify_manager("STOPPING=1")
        if not _drained(servers):
            LOG.warning("requests were still being answered after %g s: they are broken off", DRAIN_SECONDS)


def _files_last(hosts: Sequence[str]) -> list[str]:
    """Return the hosts in the order in which they begin to listen: whoever waits for a socket's file finds all of them."""
    return sorted(hosts, key=lambda host: host.startswith("unix:"))


def _drained(servers: list[Server]) -> bool:
    """Have all servers accept no more, and answer what they were asked; return whether all have done so in time."""
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        return all(pool.map(lambda server: server.drain(DRAIN_SECONDS, is_endless), servers))


def is_endless(request: Request) -> bool:
    """Return whether an answer lasts as long as its client or a container does, so that nothing waits for its end."""
    return ENDLESS.fullmatch(request.path) is not None


@contextmanager
def _end_bell() -> Iterator[tuple[socket.socket, Callable[[], object]]]:
    """Yield a socket that can be read when the daemon is to end, as SIGTERM and SIGINT say, and what says so from a thread.

    Python's handlers run in the main thread, between two of its steps: a signal that another thread is given, or that comes
    just before the main thread waits, would not wake it. What `signal.set_wakeup_fd` writes does.
    """
    bell, rung = socket.socketpair()
    with bell, rung:
        rung.setblocking(False)
        signal.set_wakeup_fd(rung.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        try:
            yield bell, lambda: rung.send(b"!")
        finally:
            signal.set_wakeup_fd(-1)


def _wait(daemon: Daemon, bell: socket.socket, idle_seconds: float | None) -> None:
    """Wait for the end: the bell, or with `idle_seconds` such a time without requests and running containers."""
    since, interval = time.monotonic(), None if idle_seconds is None else min(1.0, idle_seconds / 4)
    while not select.select([bell], [], [], interval)[0]:
        if daemon.jobs.is_busy_since(since) or _has_running(daemon):
            since = time.monotonic()
        elif idle_seconds is not None and time.monotonic() - since >= idle_seconds:
            LOG.info("nobody has asked for anything for %g s: the daemon ends", idle_seconds)
            return


def _has_running(daemon: Daemon) -> bool:
    return any(each.state.status not in ("created", "exited") for each in daemon.engine.records.readable())


def _address(host: str, listener: socket.socket) -> str:
    """Return a host as it is listened at: with the port that was free."""
    if listener.family == socket.AF_UNIX:
        return host if host.startswith("unix:") else f"{host}{listener.getsockname()}"
    name, port, *_ = listener.getsockname()
    return f"tcp://[{name}]:{port}" if ":" in name else f"tcp://{name}:{port}"


def notify_manager(state: str) -> None:
    """Tell the service manager how things stand, if there is one that asked for it: sd_notify(3)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        sender.connect("\0" + path[1:] if path[0] == "@" else path)
        sender.send(state.encode())
