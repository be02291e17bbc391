"""The raw stream of an upgraded (hijacked) connection: read, write and half-close, also by TLS."""

import fcntl
import os
import select
import socket
import ssl
import struct
import termios
import time
import weakref
from contextlib import suppress
from threading import Lock
from typing import Final

CHUNK_SIZE: Final = 1 << 16
HEAD_SECONDS: Final = 1.0  # for the client to read the answer's head
HEAD_POLL_MILLISECONDS: Final = 1


class RawStream:
    """Bytes both ways. One thread may read while others write; each write goes out whole.

    Calls block as long as it takes, until `close`, or until the server is closed.
    """

    def __init__(self, connection: socket.socket, read_ahead: bytes) -> None:
        self._socket = connection
        self._read_ahead = read_ahead
        self._call = Lock()  # OpenSSL wants one call at a time; none of them blocks
        self._writing = Lock()
        self._head_is_read = connection.family != socket.AF_UNIX
        self._closed = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)  # readable, from `close` on
        weakref.finalize(self, os.close, self._closed)  # not before the last thread has let go
        connection.setblocking(False)

    def read(self, size: int = CHUNK_SIZE) -> bytes:
        """Return some bytes; nothing at the end, which the client's half-close is, too. Raises OSError."""
        if self._read_ahead:
            piece, self._read_ahead = self._read_ahead[:size], self._read_ahead[size:]
            return piece
        while True:
            with self._call:
                try:
                    return self._socket.recv(size)
                except ssl.SSLZeroReturnError:  # so the end of the other side is told once ours was sent
                    return b""
                except ssl.SSLWantWriteError:
                    events = select.POLLOUT
                except (BlockingIOError, ssl.SSLWantReadError):
                    events = select.POLLIN
            if not self._await(events):
                return b""

    def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        left = memoryview(data)
        with self._writing:
            if not self._head_is_read:
                self._await_head_read()
            while left:
                left = left[self._send(left[:CHUNK_SIZE]) :]

    def _await_head_read(self) -> None:
        """Wait a moment until all that was sent, the answer's head, has been read, unix(7), SIOCOUTQ.

        A client that reads the head through a buffer, as docker-py does, loses what comes with it.
        """
        self._head_is_read = True
        poll, deadline = select.poll(), time.monotonic() + HEAD_SECONDS
        with suppress(OSError, ValueError):  # the connection has just been closed: `send` says so
            poll.register(self._socket, 0)  # a hangup
            poll.register(self._closed, select.POLLIN)
            while _unread(self._socket) and time.monotonic() < deadline and not poll.poll(HEAD_POLL_MILLISECONDS):
                pass

    def _send(self, data: memoryview) -> int:
        while True:
            with self._call:
                try:
                    return self._socket.send(data)
                except ssl.SSLWantReadError:
                    events = select.POLLIN
                except (BlockingIOError, ssl.SSLWantWriteError):
                    events = select.POLLOUT
            if not self._await(events):
                raise BrokenPipeError("the stream was closed")

    def close_write(self) -> None:
        """End what is sent; the client can still send.

        By TLS that is the alert close_notify (RFC 8446, 6.1). What the client sends at that moment may be lost then, and `read`
        end: Python's `unwrap` wants to see the client's alert, too, and gives up for good at anything else.
        """
        with self._writing, self._call, suppress(OSError, ValueError):  # it has gone, or has not sent its own alert
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.unwrap()
            else:
                self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """End what is sent, and wake whoever reads or writes."""
        os.eventfd_write(self._closed, 1)
        self.close_write()

    def _await(self, events: int) -> bool:
        """Wait until the socket is ready; return whether it is not too late."""
        poll = select.poll()
        poll.register(self._socket, events)
        poll.register(self._closed, select.POLLIN)
        return self._closed not in (fd for fd, _ in poll.poll())


def _unread(connection: socket.socket) -> int:
    """Return how much of what was sent by a unix socket the other end has not read, in bytes of kernel memory."""
    return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0])
