"""Lab host: a network namespace that stands for the machine, with a bridge in it; connections from there, and to a port.

A small process keeps it: `lab.host()` returns its number. It ends when the process that asked for it first does, and so do all
links in it. What that one starts finds it by a variable of the environment.
"""

import atexit
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock, Thread
from typing import Final

from labcore import procfs
from labcore.errors import LabcoreError, Unavailable
from labcore.images.builtin import find_busybox
from labcore.lab.messages import say
from labcore.native import DEVNULL, PIPE, CloneFlag, Process
from labcore.network import in_namespace, namespace_of
from labcore.network.tables import read_tables
from labcore.runtime import Plan, ops, spawn

VARIABLE: Final = "LABCORE_LAB_HOST"  # its process and its namespace: `PID:INODE`
WAIT_SECONDS: Final = 10.0  # for a container that is being started
POLL_SECONDS: Final = 0.01
LOOPBACK: Final = 1
_MADE: list[Process] = []
_LOCK: Final = Lock()


def host() -> int:
    """Return a process whose network namespace stands for the machine here; it is made when it is first asked for."""
    with _LOCK:
        return _known() or _make()


def _known() -> int:
    """Return the process that the environment names, 0 if its namespace is not the one that is meant."""
    pid, _, inode = os.environ.get(VARIABLE, "").partition(":")
    with suppress(OSError, ValueError):
        if procfs.namespace(int(pid), "net") == int(inode):
            return int(pid)
    return 0


def _make() -> int:
    """Start it: `cat`, which ends with its standard input; an interrupt of the notebook is not for it."""
    busybox = str(find_busybox())
    program = ops.Execve(("cat",), (), (busybox,))
    plan = Plan([ops.Clone(CloneFlag.NEWNET), ops.NewSession(), ops.LinkUp("lo"), program])
    made = spawn(plan, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL)
    _MADE.append(made)
    atexit.register(close)
    os.environ[VARIABLE] = f"{made.pid}:{procfs.namespace(made.pid, 'net')}"
    return made.pid


def close() -> None:
    """End the lab host of this process, with all links in it."""
    while _MADE:
        _MADE.pop().close()
        os.environ.pop(VARIABLE, None)


def address(pid: int | None) -> str:
    """Return the address that a process's network namespace has beside its loopback's, once it has one. Raises Unavailable."""
    deadline = time.monotonic() + WAIT_SECONDS
    while pid is not None and time.monotonic() < deadline:
        if found := _addresses(pid):
            return found[0]
        time.sleep(POLL_SECONDS)
    raise Unavailable(say("the container has no address: it has ended, or its network is not connected"))


def _addresses(pid: int) -> list[str]:
    with namespace_of(pid) as namespace:
        tables = in_namespace(namespace, read_tables)
    others = {link.index for link in tables.links if link.index != LOOPBACK}
    return [text.partition("/")[0] for link, text in tables.addresses if link in others]


def dial(address: str, port: int) -> socket.socket:
    """Return a TCP connection that the lab host has made to an address: a socket stays in the namespace where it was made.

    Raises OSError.
    """
    with namespace_of(host()) as namespace:
        made = in_namespace(namespace, partial(socket.create_connection, (address, port), timeout=WAIT_SECONDS))
    made.settimeout(None)
    return made


def accept(listener: socket.socket, serve: Callable[[socket.socket], object], *, until: Callable[[], object]) -> None:
    """Have `serve` called with each connection, in a thread of its own, until `until` returns; do not wait for that.

    A connection is closed when `serve` returns or raises an OSError, as where nobody answers on the other side.
    """
    background(_accept, listener, serve)
    background(_end, listener, until)


def _accept(listener: socket.socket, serve: Callable[[socket.socket], object]) -> None:
    with listener:
        while True:
            client, _ = listener.accept()
            background(_serve, client, serve)


def _serve(client: socket.socket, serve: Callable[[socket.socket], object]) -> None:
    with client:
        serve(client)


def _end(listener: socket.socket, until: Callable[[], object]) -> None:
    until()
    listener.shutdown(socket.SHUT_RDWR)  # a thread that waits in accept(2) is woken by this only


def background(work: Callable[..., object], *arguments: object) -> None:
    """Call `work` in a thread of its own, and go on; an OSError or a LabcoreError is the end of it, no more."""

    def run() -> None:
        with suppress(OSError, LabcoreError):
            work(*arguments)

    Thread(target=run, daemon=True).start()


def free_port(wanted: int = 0) -> int:
    """Return a port that is free now: the wanted one, on all of the machine's addresses, or else any of the loopback's."""
    if wanted:
        with suppress(OSError), socket.create_server(("", wanted)):
            return wanted
    with socket.create_server(("127.0.0.1", 0)) as tried:
        port: int = tried.getsockname()[1]
    return port
