"""The bytes of a connection, as they come."""

import socket
import time
from http import HTTPStatus
from typing import Final

from labcore.http.message import BadRequest

PIECE: Final = 1 << 18
PATIENCE: Final = 60.0  # seconds that the other side may say nothing in the middle of something


class Wire:
    """The bytes that come on a connection, with what was read of them before it was wanted."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._read = b""
        self._at = 0

    @property
    def ahead(self) -> bool:
        """Return whether more has come than was taken."""
        return self._at < len(self._read)

    def some(self, most: int) -> bytes:
        """Return some bytes; nothing at the end, or if nothing came in time."""
        if not self.ahead:
            return self._receive(most, PATIENCE)
        piece = self._read[self._at : self._at + most]
        self._at += len(piece)
        return piece

    def first(self, patience: float) -> bytes:
        """Return the byte that comes next, which stays; nothing at the end, or if nothing came in time."""
        if not self.ahead:
            self._read, self._at = self._receive(PIECE, patience), 0
        return self._read[self._at : self._at + 1]

    def line(self, most: int, deadline: float) -> bytes:
        """Return a line with its end. Raises BadRequest for one that is longer, breaks off or takes too long."""
        searched = 0
        while (end := self._read.find(b"\n", self._at + searched) + 1) == 0:
            searched = len(self._read) - self._at
            if searched > most:
                break
            data = self._receive(PIECE, deadline - time.monotonic())
            if not data:
                raise BadRequest("the request breaks off, or takes too long", HTTPStatus.REQUEST_TIMEOUT)
            self._read, self._at = self._read[self._at :] + data, 0
        line = self._read[self._at : end or None]
        if len(line) > most:
            raise BadRequest("the head is too long", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._at = end
        return line

    def rests(self, patience: float) -> bool:
        """Return whether the other side is silent for so long. Raises ConnectionError if it has gone."""
        if self.ahead:
            return False
        self._connection.settimeout(patience)
        try:
            self._read, self._at = self._connection.recv(PIECE), 0
        except TimeoutError:
            return True
        if not self._read:
            raise ConnectionError("the other side has gone")
        return False

    def say(self, data: bytes) -> None:
        """Send bytes."""
        self._connection.settimeout(PATIENCE)
        self._connection.sendall(data)

    def _receive(self, most: int, patience: float) -> bytes:
        self._connection.settimeout(max(patience, 0.001))
        try:
            return self._connection.recv(most)
        except TimeoutError:
            return b""
