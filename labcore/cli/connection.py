"""The daemon that a command talks to: the one that is named, or the state root's own, which is started where there is none."""

from __future__ import annotations

import os

from labcore.client import connect
from labcore.client.api import API_VERSION
from labcore.client.hosts import named_host, unix_host
from labcore.paths import SYSTEM_SOCKET, daemon_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from labcore.cli.flags import Arguments
    from labcore.client import Client
    from labcore.client.host import Host


def client_of(args: Arguments) -> Client:
    """Return a client of the daemon that the global options and the environment mean. Raises InvalidInput."""
    if host := named_host(args.host, args.context):
        return connect(host)
    own = own_host(args.root)

    def start() -> None:
        from labcore.cli.daemon.start import start_daemon  # which needs `subprocess`, 5 ms

        start_daemon(args.root, own.path)

    version = os.environ.get("DOCKER_API_VERSION") or API_VERSION  # which labcore's daemon speaks: it need not be asked
    return connect(own, version=version, start=start)


def host_of(args: Arguments) -> Host:
    """Return the daemon that is meant, which need not be there. Raises InvalidInput."""
    return named_host(args.host, args.context) or own_host(args.root)


def own_host(root: Path | None) -> Host:
    """Return a state root's own daemon; a user who names none, and may use the machine's daemon, has that one."""
    path = daemon_socket(root)
    if root is None and not os.path.exists(path) and os.access(SYSTEM_SOCKET, os.W_OK):
        path = SYSTEM_SOCKET
    return unix_host(path)
