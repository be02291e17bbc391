"""Relays of the port proxy: TCP connections, each half closed when its source is; UDP sessions that time out.

Nothing here blocks: a poller says when there is something to do, epoll(7). Where much is said it goes from socket to socket by
a pipe, splice(2), and is copied nowhere. There is one thread, and so one buffer; and a pipe is a connection's only meanwhile.
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

        def add(self, what: socket.socket, move: Callable[[int], bool], events: int) -> None:
            """Call `move` with a socket's events, and again as long as it returns that there is more to do."""

        def remove(self, what: socket.socket) -> None:
            """Look no longer at a socket, and close it."""


COPIED = 1 << 16  # bytes that are copied at once; where there are more, they are moved
CHUNK = 1 << 20  # bytes that are moved at once, if a pipe has room for them
LOOPBACK = ("127.0.0.1", "::1")
ROOM = 1 << 20  # bytes that wait to be read from there: of more the processor's caches would have forgotten the first
PIPES = 64  # that are kept for later
TURNS = 16  # chunks that one direction moves before others have their turn
SESSIONS = 4096  # of one udp port: the one that is idle longest gives way
IDLE_SECONDS = 90.0  # of a udp session
DATAGRAM = 1 << 16
RESET = struct.pack("ii", 1, 0)  # struct linger: close(2) sends RST
COMES = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
ENDS = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
BOTH_WAYS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
IP_PKTINFO = 8
# Of a datagram, the address that it was sent to; its answer comes from there: ip(7), ipv6(7).
RECEIVE_INFO = {
    socket.AF_INET: (socket.IPPROTO_IP, IP_PKTINFO),
    socket.AF_INET6: (socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO),
}
SEND_INFO = {socket.AF_INET: IP_PKTINFO, socket.AF_INET6: socket.IPV6_PKTINFO}


class Pipe:
    """A pipe(7) between two sockets; `queued` bytes are in it."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.queued = 0
        with suppress(OSError):  # others' pipes have all room that a user gets: fs.pipe-user-pages-soft
            fcntl.fcntl(self._writer, fcntl.F_SETPIPE_SZ, CHUNK)

    @classmethod
    def taken(cls) -> "Pipe":
        """Return a pipe that is empty. Raises OSError."""
        return _free.pop() if _free else cls()

    def fill(self, source: socket.socket) -> int:
        """Take in what there is of a socket; return how much, 0 at its end. Raises BlockingIOError, OSError."""
        count = os.splice(source.fileno(), self._writer, CHUNK, flags=os.SPLICE_F_NONBLOCK)
        self.queued += count
        return count

    def write(self, data: memoryview) -> None:
        """Take in as much as a pipe always has room for, COPIED bytes. Raises OSError."""
        self.queued += os.write(self._writer, data)

    def drain(self, sink: socket.socket) -> bool:
        """Give a socket what it has room for; return whether that was all. Raises OSError."""
        with suppress(BlockingIOError):
            while self.queued:
                self.queued -= os.splice(self._reader, sink.fileno(), self.queued, flags=os.SPLICE_F_NONBLOCK)
        return not self.queued

    def leave(self) -> None:
        """Be another's, or nobody's if there is something left in it."""
        if self.queued or len(_free) >= PIPES:
            os.close(self._reader)
            os.close(self._writer)
        else:
            _free.append(self)


_free: list[Pipe] = []
_buffer = memoryview(bytearray(COPIED))


class Direction:
    """One way of a connection, from one socket to the other. It has a `pipe` while there is much to move, or no room for it."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.pipe: Pipe | None = None
        self.ended = self.finished = self.has_more = False

    def move(self, events: int) -> bool:
        """Move what can be moved; return whether there may be more. Raises OSError: the connection is broken.

        A message that comes alone, of which many connections have nothing else, takes as few steps as can be.
        """
        if events & ENDS or self.pipe or self.ended or not self._is_copied():
            self.has_more = not self.finished and self._move(events)
            if self.pipe and not self.pipe.queued and not self.has_more:
                self.close()
        return self.has_more

    def _is_copied(self) -> bool:
        """Copy what there is; return whether that was all: if less comes than was asked for, the kernel tells of the rest."""
        try:
            return 0 < self._copy() < COPIED and not self.pipe
        except BlockingIOError:
            return True

    def _move(self, events: int) -> bool:
        """Move so much that others have their turn; of an end of the source the kernel has told in `events`."""
        for _ in range(TURNS):
            if self.pipe and not self.pipe.drain(self.sink):
                return False
            if self.ended:
                self.finished = True
                self.sink.shutdown(socket.SHUT_WR)
                return False
            try:
                count = self.pipe.fill(self.source) if self.pipe else self._copy()
            except BlockingIOError:
                return False
            self.ended = not count
            if not self.pipe and 0 < count < COPIED and not events & ENDS:
                return False
            if count >= COPIED:
                self.pipe = self.pipe or Pipe.taken()
        return True

    def _copy(self) -> int:
        """Copy what there is, which is the quickest for little; return how much. Raises BlockingIOError, OSError."""
        count = self.source.recv_into(_buffer)
        try:
            sent = self.sink.send(_buffer[:count]) if count else 0
        except BlockingIOError:
            sent = 0
        if sent < count:
            self.pipe = Pipe.taken()
            self.pipe.write(_buffer[sent:count])
        return count

    def close(self) -> None:
        """Leave the pipe, with what is in it."""
        if self.pipe:
            self.pipe.leave()
            self.pipe = None


class Connection:
    """A client's connection and ours to the container. `on_close` is called when both are closed."""

    def __init__(self, client: socket.socket, target: tuple[str, int], on_close: "Callable[[Connection], None]") -> None:
        self._on_close = on_close
        server = socket.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET, socket.SOCK_STREAM)
        self.ends = (client, server)
        self._directions = (Direction(client, server), Direction(server, client))
        self._is_connected, self.is_open = False, True
        for each in self.ends:
            each.setblocking(False)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # or who has vanished would be waited for
        if client.getsockname()[0] in LOOPBACK:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        with suppress(BlockingIOError):
            server.connect(target)

    def move(self, end: int, events: int) -> bool:
        """Carry on after events of one end; return whether there may be more to do at once."""
        try:
            if not self._is_connected:
                return self.is_open and self._begin() and self._move_both()
            reader, writer = self._directions[end], self._directions[1 - end]
            if events & COMES or reader.has_more:
                reader.move(events)
            if writer.pipe or writer.has_more:
                writer.move(ENDS)
            return self._is_unfinished(reader, writer)
        except OSError:  # of either end: the other is told by RST, as it would be without us
            self.close(reset=True)
            return False

    def _move_both(self) -> bool:
        """Carry on with what came before the container had answered, of which we have been told already."""
        for each in self._directions:
            each.move(ENDS)
        return self._is_unfinished(*self._directions)

    def _is_unfinished(self, one: Direction, other: Direction) -> bool:
        """Return whether there may be more to do at once; close what is finished."""
        if one.finished and other.finished:
            self.close()
        return self.is_open and (one.has_more or other.has_more)

    def _begin(self) -> bool:
        """Return whether the container has answered. Raises OSError if it refuses."""
        _, server = self.ends
        if error := server.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        try:
            server.getpeername()
        except OSError:  # not yet
            return False
        self._is_connected = True
        return True

    def close(self, *, reset: bool = False) -> None:
        """Close both ends; `reset` tells them that it was not in order."""
        if not self.is_open:
            return
        self._is_connected = self.is_open = False
        self._on_close(self)
        for direction in self._directions:
            direction.close()
        for each in self.ends:
            if reset:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            each.close()


class Sessions:
    """A udp port: each client's datagrams go to the container by a socket of the client's own, until nothing comes any more."""

    def __init__(self, port: socket.socket, target: tuple[str, int], poller: "Poller") -> None:
        self.port, self._target, self._poller = port, target, poller
        self._sessions: OrderedDict[object, _Session] = OrderedDict()
        port.setsockopt(*RECEIVE_INFO[port.family], 1)
        poller.add(port, self.move, select.EPOLLIN)

    def move(self, _events: int) -> bool:
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

    def move(self, _events: int) -> bool:
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
