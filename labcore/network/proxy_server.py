"""Port proxy: the process that holds all published ports of a state root, and answers where no rule translates them.

That is `::1`, IPv6's addresses for containers that have none, containers' own requests to the host's addresses; and everything
when somebody has flushed the rules. It is told by packets on a unix(7) socket, JSON objects, whose sender waits for the answer:

    {"publish": ID, "targets": [["tcp", "172.18.0.2", 80], …]}   with the ports' bound sockets, SCM_RIGHTS
    {"release": ID}                                              close an endpoint's ports
    {"keep": [ID, …]}                                            close all others'

The answer is `{"held": [ID, …], "error": ""}`: what it holds now. When that is nothing, and nobody is connected, it ends. Who
tells it something has locked the file beside its socket, so that nobody finds it while it ends.
"""

import errno
import fcntl
import json
import os
import resource
import select
import socket
import sys
import time
from contextlib import suppress
from functools import partial

from labcore.network.relays import BOTH_WAYS, ENDS, Connection, Sessions

TYPE_CHECKING = False  # `typing` costs 3 ms of the proxy's start
if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "labcore-proxy"
PACKET = 1 << 17
DESCRIPTORS = 253  # SCM_MAX_FD: of one packet
LOOKS = 30  # after each turn, a microsecond each
ACCEPTS = 64  # of one port in a turn
EXPIRE_SECONDS = 10.0
TRY_AGAIN_SECONDS = 0.02  # for the lock, to end
TOLD_SECONDS = 60.0
NO_MORE_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Poller:
    """Sockets, each with what is to be done when it is ready: epoll(7)."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._moves: dict[int, Callable[[int], bool]] = {}
        self._unfinished: list[Callable[[int], bool]] = []
        self._looks = 0

    def add(self, what: socket.socket, move: "Callable[[int], bool]", events: int) -> None:
        """Call `move` with a socket's events, and again as long as it returns that there is more to do."""
        self._moves[what.fileno()] = move
        self._epoll.register(what, events)

    def forget(self, what: socket.socket) -> None:
        """Look no longer at a socket, which is about to be closed."""
        self._moves.pop(what.fileno(), None)

    def remove(self, what: socket.socket) -> None:
        """Look no longer at a socket, and close it."""
        self.forget(what)
        what.close()

    def _looked(self) -> list[tuple[int, int]]:
        """Return what is ready now. Behind a message its answer is looked for again and again: to be woken takes longer."""
        ready = self._epoll.poll(0)
        while not (ready or self._unfinished) and self._looks:
            self._looks -= 1
            ready = self._epoll.poll(0)
        return ready

    def turn(self, timeout_seconds: float) -> None:
        """Wait, and do once what is to be done. Whatever is closed meanwhile does nothing when it is called."""
        ready = self._looked() or ([] if self._unfinished else self._epoll.poll(timeout_seconds))
        self._looks = LOOKS
        moves = [(move, ENDS) for move in self._unfinished]
        moves += [(self._moves[fd], events) for fd, events in ready if fd in self._moves]
        self._unfinished = [move for move, events in moves if move(events)]


class Listener:
    """A tcp port."""

    def __init__(self, port: socket.socket, target: tuple[str, int], poller: Poller) -> None:
        self._port, self._target, self._poller = port, target, poller
        self._connections: set[Connection] = set()
        poller.add(port, self.move, select.EPOLLIN)

    def move(self, _events: int) -> bool:
        """Accept who waits, and connect each to the container."""
        for _ in range(ACCEPTS):
            try:
                client, _ = self._port.accept()
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in NO_MORE_DESCRIPTORS:
                    time.sleep(0.01)  # others are served first
                return False
            self._begin(client)
        return False  # it is asked again: its events are levels

    def _begin(self, client: socket.socket) -> None:
        try:
            connection = Connection(client, self._target, self._end)
        except OSError:
            client.close()
            return
        self._connections.add(connection)
        for end, each in enumerate(connection.ends):
            self._poller.add(each, partial(connection.move, end), BOTH_WAYS)

    def _end(self, connection: Connection) -> None:
        self._connections.discard(connection)
        for each in connection.ends:
            self._poller.forget(each)

    def expire(self, now: float) -> None:
        """Do nothing: connections are kept as long as both ends want them."""

    def close(self) -> None:
        """Close the port, and its connections, for their container has ended."""
        for each in list(self._connections):
            each.close(reset=True)
        self._poller.remove(self._port)


class Proxy:
    """What is published, by the endpoints' IDs."""

    def __init__(self, control: socket.socket, path: str) -> None:
        self._poller = Poller()
        self._control = control
        self._path = path
        self._connections = 0
        self._published: dict[str, list[Listener | Sessions]] = {}
        self._was_told = False
        self._poller.add(control, self._accept, select.EPOLLIN)

    def run(self) -> None:
        """Serve until nobody needs it; not for long if nobody tells anything, for who has started us was killed."""
        expires = time.monotonic() + EXPIRE_SECONDS
        told_by = time.monotonic() + TOLD_SECONDS
        while (needed := self._is_needed(told_by)) or not self._end():
            self._poller.turn(EXPIRE_SECONDS if needed else TRY_AGAIN_SECONDS)
            if (now := time.monotonic()) > expires:
                expires = now + EXPIRE_SECONDS
                for port in [port for ports in self._published.values() for port in ports]:
                    port.expire(now)

    def _is_needed(self, told_by: float) -> bool:
        return bool(self._published or self._connections) or not (self._was_told or time.monotonic() > told_by)

    def _end(self) -> bool:
        """Remove the socket's name, unless somebody is just telling something; return whether that was done."""
        try:
            lock = os.open(f"{self._path}.lock", os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(self._path)  # noqa: PTH108
        except FileNotFoundError:
            return True  # with its state root
        except BlockingIOError:
            os.close(lock)
            return False
        return True

    def _accept(self, _events: int) -> bool:
        connection, _ = self._control.accept()
        self._connections += 1
        connection.setblocking(False)
        self._poller.add(connection, lambda _: self._answer(connection), select.EPOLLIN)
        return False

    def _answer(self, connection: socket.socket) -> bool:
        """Do what one packet says; no packet, or one of nobody's, ends the connection."""
        packet, descriptors, _, _ = socket.recv_fds(connection, PACKET, DESCRIPTORS)
        sockets = [socket.socket(fileno=each) for each in descriptors]
        if not packet:
            self._poller.remove(connection)
            self._connections -= 1
            return False
        self._was_told = True
        error = ""
        try:
            self._change(json.loads(packet), sockets)
        except (ValueError, OSError) as refused:  # no descriptors left, most likely
            error = str(refused)
            for each in sockets:
                each.close()
        with suppress(OSError):  # who has just started us does not wait
            connection.send(json.dumps({"held": list(self._published), "error": error}).encode())
        return False

    def _change(self, message: dict[str, object], sockets: list[socket.socket]) -> None:
        match message:
            case {"publish": str(name), "targets": list(targets)}:
                ports = self._published.setdefault(name, [])
                for port, (protocol, *target) in zip(sockets, targets, strict=True):
                    port.setblocking(False)
                    kind = Listener if protocol == "tcp" else Sessions
                    ports.append(kind(port, tuple(target), self._poller))
            case {"release": str(name)}:
                self._release(name)
            case {"keep": list(names)}:
                for name in self._published.keys() - set(names):
                    self._release(name)

    def _release(self, name: str) -> None:
        for port in self._published.pop(name, ()):
            port.close()


def main() -> None:
    """Be the proxy; the command line names the descriptor of its socket that listens, and that one's path."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.setblocking(False)
    os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    os.chdir("/")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with suppress(OSError), open("/proc/self/comm", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(NAME)
    Proxy(control, sys.argv[2]).run()
