"""The user namespace of an ordinary user's containers: entered, or made and then kept by a pause process (`pause.py`).

::

    ROOT/rootless/pause.json   the pause process, its user namespace, and its network namespace once it has one
                  sock         it is asked here for its network namespace
                  network      the same, mounted, in the mount namespace of the pause process
                  lock         whoever enters holds it, and the pause process while it ends
                  log          what went wrong with the last one

All commands of a user are in one user namespace, so that each may enter the containers of the others.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore import procfs
from labcore.atomic import atomic_write
from labcore.errors import Unavailable
from labcore.locks import Lock
from labcore.network.rootless import VARIABLE
from labcore.record import Record
from labcore.unix_sockets import bind_beside, connect

CONTROL: Final = 3  # the descriptor of the socket, in the pause process
PACKET: Final = 1 << 16
ANSWER_SECONDS: Final = 30
DETACHED: Final = '"$@" > /dev/null 2> "$LOG" & echo $!'  # nobody's child, for it outlives us
MODULE: Final = "labcore.network.rootless"
LOST: Final = (
    "the pause process was killed, and the networks of containers that run now are gone with it: labcore restart NAME …"
)
OURS: Final = b"labcore.network."  # in the command lines of the processes that serve networks


class Pause(Record):
    """A pause process: its number and start time, the machine's boot, and its namespaces' inode numbers (0: none yet)."""

    boot: str
    pid: int
    start: int
    user: int
    network: int = 0

    def is_there(self) -> bool:
        """Return whether it still runs."""
        return self.boot == boot_id() and procfs.start_time(self.pid) == self.start


def boot_id() -> str:
    """Return what tells this boot of the machine from others: proc_sys_kernel(5)."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


def read(directory: Path) -> Pause | None:
    """Return the pause process that was last started; None if there is none, or it has ended in order."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Pause(**json.loads((directory / "pause.json").read_bytes()))
    return None


def write(directory: Path, pause: Pause) -> None:
    """Keep what is known of the pause process."""
    atomic_write(directory / "pause.json", json.dumps(pause.as_dict()).encode(), durable=False)


def enter(
    directory: Path, make: Callable[[], None], join: Callable[[int], None], notify: Callable[[str], None] = lambda _: None
) -> None:  # fmt: skip
    """Enter the user namespace that is kept here: `join` it by a descriptor, else `make` one and have it kept.

    `notify` is told, in a sentence, if containers that run have lost their network. Raises what `join` and `make` raise.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Lock(directory / "lock", os.O_CREAT).acquire():
        pause = read(directory)
        member = _member(pause) if pause else 0
        if member:
            namespace = os.open(f"/proc/{member}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
            try:
                join(namespace)
            finally:
                os.close(namespace)
        else:
            make()
        if pause is None or member != pause.pid:
            if pause and pause.network and pause.boot == boot_id():
                _forget_network(directory, pause.network)
                if member:
                    notify(LOST)
            _start(directory)
    os.environ[VARIABLE] = str(directory)


def _forget_network(directory: Path, network: int) -> None:
    """Leave nothing of a network namespace whose pause process was killed: its links are gone, or go with the last server."""
    from labcore.network.endpoints import forget_namespace  # few pause processes are killed

    end_servers(network)
    forget_namespace(str(directory.parent / "network"), network)


def _member(pause: Pause) -> int:
    """Return a process that is in the user namespace: the pause process, or who has outlived it; 0 if there is none."""
    if pause.is_there():
        return pause.pid
    return next(processes("user", pause.user), 0) if pause.boot == boot_id() else 0


def processes(kind: str, namespace: int) -> Iterator[int]:
    """Yield the processes that are in a namespace, by its inode number; those that may be looked at."""
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with suppress(OSError):  # it has ended, or is another user's
                if procfs.namespace(int(name), kind) == namespace:
                    yield int(name)


def end_servers(network: int) -> None:
    """End the port proxy and the DNS server that run in a network namespace; nobody else of labcore's does."""
    for pid in processes("net", network):
        with suppress(OSError):
            pidfd = os.pidfd_open(pid)
            try:
                if OURS in Path(f"/proc/{pid}/cmdline").read_bytes():
                    _kill(pidfd)
            finally:
                os.close(pidfd)


def _kill(pidfd: int) -> None:
    from signal import SIGKILL, pidfd_send_signal  # which costs 3 ms, and few commands need it

    pidfd_send_signal(pidfd, SIGKILL)


def _start(directory: Path) -> None:
    """Start the pause process in the user namespace that this one is in now. Its socket listens before it runs."""
    from socket import AF_UNIX, SOCK_SEQPACKET, socket  # which costs 10 ms, and most commands find one that runs

    with socket(AF_UNIX, SOCK_SEQPACKET) as listener:
        beside = bind_beside(listener, directory / "sock")
        beside.chmod(0o600)
        listener.listen(64)
        pid = _spawn(listener.fileno(), directory)
        beside.replace(directory / "sock")
    write(directory, Pause(boot_id(), pid, procfs.start_time(pid) or 0, procfs.namespace("self", "user")))


def _spawn(listener: int, directory: Path) -> int:
    words = ("/bin/sh", "-c", DETACHED, "sh", sys.executable, "-P", "-m", MODULE, str(directory))
    nothing, copy = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC), os.dup(listener)
    reader, writer = os.pipe()
    try:
        places = ((nothing, 0), (writer, 1), (nothing, 2), (copy, CONTROL))
        actions = [(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in places]
        environment = os.environ | {"LOG": str(directory / "log")}
        child = os.posix_spawn(words[0], words, environment, file_actions=actions, setsid=True)
    finally:
        for fd in (nothing, copy, writer):
            os.close(fd)
    with os.fdopen(reader, encoding="ascii") as said:
        pid = int(said.readline())
    os.waitpid(child, 0)  # the shell, which has ended at once
    return pid


def network_of(directory: Path, *, connected: bool) -> int:
    """Return a descriptor of the network namespace that has the bridges, made if need be; with `connected`, to the host.

    Raises Unavailable.
    """
    from socket import AF_UNIX, MSG_CMSG_CLOEXEC, SOCK_SEQPACKET, recv_fds, socket  # most commands need no network

    pause = read(directory)
    if pause is None or pause.user != procfs.namespace("self", "user"):
        raise Unavailable(f"the user namespace of {directory} has ended, and this process is in it: start it again")
    with socket(AF_UNIX, SOCK_SEQPACKET) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connect(connection, directory / "sock")
            connection.send(b"connected" if connected else b"network")
            why, found, _, _ = recv_fds(connection, PACKET, 1, MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise Unavailable(
                f"the pause process of {directory} does not answer ({error}): see {directory}/log; anew: labcore daemon stop"
            ) from None
    if not found:
        raise Unavailable(why.decode(errors="replace") or f"the pause process of {directory} has just ended: try again")
    return found[0]
