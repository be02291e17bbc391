"""The client of a connection: its address, its credentials (SO_PEERCRED), and whether it is still there (POLLRDHUP)."""

import logging
import os
import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Final

from labcore.record import Record

LOG: Final = logging.getLogger(__name__)
UCRED: Final = struct.Struct("iII")


class Credentials(Record):
    """Who connected to a unix socket: the process, user and group as they were at that time (unix(7)).

    `pid` is 0 for a process that is not seen from here.
    """

    pid: int
    uid: int
    gid: int


class Client:
    """Who is at the other end of a connection. `address` is empty and `credentials` are known if it came by a unix socket."""

    def __init__(self, connection: socket.socket, address: Any, watch: "DisconnectWatch") -> None:
        by_unix = connection.family == socket.AF_UNIX
        self.address = "" if by_unix else str(address[0])
        self.credentials = credentials_of(connection) if by_unix else None
        self._fd = connection.fileno()
        self._watch = watch
        self._events = select.POLLRDHUP
        self._lock = Lock()
        self._callbacks: list[Callable[[], object]] = []

    def is_disconnected(self) -> bool:
        """Return whether the client has gone. One that has only ended what it sends counts as gone, until an upgrade."""
        if self._fd < 0:
            return True
        poll = select.poll()
        poll.register(self._fd, self._events)
        return bool(poll.poll(0))

    def on_disconnect(self, callback: Callable[[], object]) -> None:
        """Have it called, once and from another thread, when the client goes before its request is answered.

        It must return at once: close a queue, set an event. When the client has gone already, it is called now.
        """
        with self._lock:
            self._callbacks.append(callback)
            if len(self._callbacks) == 1:
                self._watch.add(self._fd, self._events, self.notify)
        if self.is_disconnected():
            self.notify()

    def notify(self) -> None:
        """Call what is to be called."""
        for callback in self._take():
            try:
                callback()
            except Exception:
                LOG.exception("a callback for a client that has gone has failed")

    def allow_half_close(self) -> None:
        """From now on an end of what it sends is no sign that the client has gone."""
        with self._lock:
            self._events = 0  # of POLLHUP and POLLERR poll(2) tells always
            if self._callbacks:
                self._watch.change(self._fd, self._events)

    def forget(self) -> None:
        """Call nobody any more: the request is answered."""
        if self._callbacks:
            self._take()

    def disconnect(self) -> None:
        """End the connection, as if the client had gone. It may be called from any thread."""
        with self._lock:
            if self._fd >= 0:
                with socket.socket(fileno=os.dup(self._fd)) as connection, suppress(OSError):  # the client was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Forget all, before the connection is closed."""
        self.forget()
        with self._lock:
            self._fd = -1

    def _take(self) -> list[Callable[[], object]]:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            if callbacks:
                self._watch.remove(self._fd)
        return callbacks


class DisconnectWatch:
    """Watches over clients for whoever has to know when they go. Its descriptor is readable when `notify` is to be called."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, Callable[[], None]] = {}

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._epoll.fileno()

    def add(self, fd: int, events: int, callback: Callable[[], None]) -> None:
        """Watch over a connection."""
        self._watched[fd] = callback
        self._epoll.register(fd, events | select.EPOLLONESHOT)

    def change(self, fd: int, events: int) -> None:
        """Watch out for something else."""
        self._epoll.modify(fd, events | select.EPOLLONESHOT)

    def remove(self, fd: int) -> None:
        """Watch no more."""
        if self._watched.pop(fd, None):
            with suppress(OSError):  # the watch is closed
                self._epoll.unregister(fd)

    def notify(self) -> None:
        """Call the callbacks of those that have gone."""
        for fd, _ in () if self._epoll.closed else self._epoll.poll(0):
            if callback := self._watched.get(fd):
                callback()

    def close(self) -> None:
        """Let go of the descriptor."""
        self._epoll.close()


def credentials_of(connection: socket.socket) -> Credentials:
    """Return who is at the other end of a unix socket: who connected, or who listened when this end did: SO_PEERCRED."""
    return Credentials(*UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)))
