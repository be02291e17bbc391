"""Relays of the port proxy: TCP connections carried on by splice(2), with half-closes; UDP sessions that time out.

Nothing here blocks: a poller says when there is something to do. The bytes of a connection never enter this process.
"""

import fcntl
import os
import select
import socket
import struct
import time
from collections import OrderedDict
from contextlib import suppress

TYPE_CHECKING = False  # `typing` costs 3 ms of the proxy's start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    Address = Any  # of a socket's peer: its family's tuple
    Ancillary = list[tuple[int, int, bytes]]

    class Poller(Protocol):
        """What tells when a socket can be moved on; it closes what it removes."""

        def add(self, what: socket.socket, move: Callable[[], bool], events: int) -> None:
            """Call `move` when a socket is ready, and again as long as it returns that there is more to do."""

        def remove(self, what: socket.socket) -> None:
            """Look no longer at a socket, and close it."""


CHUNK = 1 << 18  # bytes in flight in one direction: a pipe's size, pipe(7)
TURNS = 16  # chunks that one direction moves before others have their turn
F_SETPIPE_SZ = 1031
SESSIONS = 4096  # of one udp port: the one that is idle longest gives way
IDLE_SECONDS = 90.0  # of a udp session
DATAGRAM = 1 << 16
RESET = struct.pack("ii", 1, 0)  # struct linger: close(2) sends RST
SPLICE = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
BOTH_WAYS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
IP_PKTINFO = 8
# Of a datagram, the address that it was sent to; its answer comes from there: ip(7), ipv6(7).
RECEIVE_INFO = {
    socket.AF_INET: (socket.IPPROTO_IP, IP_PKTINFO),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
}
SEND_INFO = {socket.AF_INET: IP_PKTINFO, socket.AF_INET6: socket.IPV6_PKTINFO}


class Direction:
    """One way of a connection, from one socket's end to the other's, through a pipe."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.output, self.input = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        with suppress(OSError):  # an ordinary user may not have many pipes of that size
            fcntl.fcntl(self.input, F_SETPIPE_SZ, CHUNK)
        self.pending = 0
        self.ended = self.finished = False

    def move(self) -> bool:
        """Move what can be moved; return whether there may be more. Raises OSError: the connection is broken."""
        for _ in range(TURNS):
            moved = self._fill() + self._drain()
            if not moved:
                break
        else:
            return True
        if self.ended and not self.pending and not self.finished:
            self.finished = True
            self.sink.shutdown(socket.SHUT_WR)
        return False

    def _fill(self) -> int:
        if self.ended or self.pending == CHUNK:
            return 0
        try:
            count = os.splice(self.source.fileno(), self.input, CHUNK - self.pending, flags=SPLICE)
        except BlockingIOError:  # nothing came, or the pipe has no room for it
            return 0
        self.ended = not count
        self.pending += count
        return count

    def _drain(self) -> int:
        if not self.pending:
            return 0
        try:
            count = os.splice(self.output, self.sink.fileno(), self.pending, flags=SPLICE)
        except BlockingIOError:
            return 0
        self.pending -= count
        return count

    def close(self) -> None:
        """Close the pipe; what is in it is lost."""
        os.close(self.output)
        os.close(self.input)


class Connection:
    """A client's connection and ours to the container. `on_close` is called when both are closed."""

    def __init__(
        self, client: socket.socket, target: tuple[str, int], on_close: "Callable[[Connection, tuple[int, int]], None]"
    ) -> None:
        self.client, self._on_close = client, on_close
        self.server = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET, socket.SOCK_STREAM)
        self._directions: list[Direction] = []
        self.is_open = True
        for each in (client, self.server):
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # or who has vanished would be waited for
        with suppress(BlockingIOError):
            self.server.connect(target)

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        """Return both, to be looked at."""
        return self.client, self.server

    def move(self) -> bool:
        """Carry on what can be carried on; return whether there may be more to do at once."""
        try:
            return self.is_open and self._move()
        except OSError:  # of either end: the other is told by RST, as it would be without us
            self.close(reset=True)
            return False

    def _move(self) -> bool:
        if not self._directions:
            self._begin()
        more = [each.move() for each in self._directions]
        if self._directions and all(each.finished for each in self._directions):
            self.close()
            return False
        return any(more)

    def _begin(self) -> None:
        """Begin once the container has answered. Raises OSError if it refuses."""
        if error := self.server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        try:
            self.server.getpeername()
        except OSError:  # it has not answered yet
            return
        for source, sink in ((self.client, self.server), (self.server, self.client)):
            self._directions.append(Direction(source, sink))

    def close(self, *, reset: bool = False) -> None:
        """Close both ends; `reset` tells them that it was not in order."""
        if not self.is_open:
            return
        self.is_open = False
        descriptors = (self.client.fileno(), self.server.fileno())
        for each in self.sockets():
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            each.close()
        for direction in self._directions:
            direction.close()
        self._on_close(self, descriptors)


class Sessions:
    """A udp port: each client's datagrams go to the container by a socket of the client's own, until nothing comes any more."""

    def __init__(self, port: socket.socket, target: tuple[str, int], poller: "Poller") -> None:
        self.port, self._target, self._poller = port, target, poller
        self._sessions: OrderedDict[object, _Session] = OrderedDict()
        port.setsockopt(*RECEIVE_INFO[port.family], 1)
        poller.add(port, self.move, select.EPOLLIN)

    def move(self) -> bool:
        """Take clients' datagrams to the container."""
        for _ in range(TURNS if self.port.fileno() >= 0 else 0):
            try:
                data, ancillary, _, client = self.port.recvmsg(DATAGRAM, 64)
            except BlockingIOError:
                return False
            except OSError:  # a client's host or its network could not be reached with an answer
                continue
            with suppress(OSError):  # the container refuses, or has no room: datagrams may be lost
                self._session(client, ancillary).server.send(data)
        return self.port.fileno() >= 0

    def _session(self, client: "Address", ancillary: "Ancillary") -> "_Session":
        key = (client, *ancillary)
        session = self._sessions.pop(key, None)
        if session is None:
            if len(self._sessions) >= SESSIONS:
                self._end(next(iter(self._sessions)))
            session = _Session(self.port, client, ancillary, self._target)
            self._poller.add(session.server, session.move, select.EPOLLIN)
        self._sessions[key] = session  # the latest is last
        session.used = time.monotonic()
        return session

    def expire(self, now: float) -> None:
        """End the sessions that are idle."""
        for key, session in list(self._sessions.items()):
            if session.used + IDLE_SECONDS < now:
                self._end(key)

    def _end(self, key: object) -> None:
        self._poller.remove(self._sessions.pop(key).server)

    def close(self) -> None:
        """Close the port, and end its sessions."""
        for key in list(self._sessions):
            self._end(key)
        self._poller.remove(self.port)


class _Session:
    """One client's datagrams to the container, and the answers."""

    def __init__(self, port: socket.socket, client: "Address", ancillary: "Ancillary", target: tuple[str, int]) -> None:
        self._port, self._client, self.used = port, client, 0.0
        self._answer = [(level, SEND_INFO[port.family], _as_source(port, data)) for level, _, data in ancillary]
        self.server = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.server.setblocking(False)
        self.server.connect(target)

    def move(self) -> bool:
        """Take the container's datagrams to the client, from the address that it has asked."""
        for _ in range(TURNS if self.server.fileno() >= 0 else 0):
            try:
                data = self.server.recv(DATAGRAM)
            except BlockingIOError:
                return False
            except OSError:  # the container's port is closed
                continue
            self.used = time.monotonic()
            with suppress(OSError):
                self._port.sendmsg([data], self._answer, 0, self._client)
        return self.server.fileno() >= 0


def _as_source(port: socket.socket, info: bytes) -> bytes:
    """Return struct in_pktinfo or in6_pktinfo for an answer: by the route's link, but link-local addresses need theirs."""
    if port.family == socket.AF_INET:
        return bytes(4) + info[4:8] + bytes(4)
    return info if info[:2] == b"\xfe\x80" else info[:16] + bytes(4)
