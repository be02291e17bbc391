"""Unix sockets: pairs that pass descriptors, and paths of any length (sun_path has room for 107 bytes, unix(7)).

Light, as procfs.py is: `socket` and what it imports take as long as a third of Python's own start.
"""

from __future__ import annotations

import os
import struct
from _socket import (
    AF_UNIX,
    CMSG_LEN,
    MSG_CMSG_CLOEXEC,
    SCM_RIGHTS,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOL_SOCKET,
    socketpair,
)
from _socket import socket as Socket
from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self


INT = struct.calcsize("i")


class Channel(Socket):
    """A unix socket, closed at the block's end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send_fds(self, message: bytes, descriptors: Sequence[int]) -> None:
        """Send a message, and descriptors with it: unix(7), SCM_RIGHTS. Raises OSError."""
        self.sendmsg([message], [(SOL_SOCKET, SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))])

    def recv_fds(self, size: int, most: int) -> tuple[bytes, list[int]]:
        """Receive a message of up to `size` bytes, and up to `most` descriptors, close-on-exec. Raises OSError."""
        message, ancillary, _, _ = self.recvmsg(size, CMSG_LEN(most * INT), MSG_CMSG_CLOEXEC)
        found: list[int] = []
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                found += struct.unpack(f"{len(data) // INT}i", data[: len(data) // INT * INT])
        return message, found


def channel(*, packets: bool = False, fileno: int | None = None) -> Channel:
    """Return a socket, a new one or that of a descriptor: for a stream, or for a sequence of `packets`."""
    return Channel(AF_UNIX, SOCK_SEQPACKET if packets else SOCK_STREAM, 0, fileno)


def channel_pair(*, packets: bool = False) -> tuple[Channel, Channel]:
    """Return two connected ends: socketpair(2)."""
    one, other = socketpair(AF_UNIX, SOCK_SEQPACKET if packets else SOCK_STREAM)
    return channel(packets=packets, fileno=one.detach()), channel(packets=packets, fileno=other.detach())


@contextmanager
def short_path(directory: str) -> Iterator[str]:
    """Yield a short name of a directory, good for as long as the block lasts. Raises OSError."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def bind_beside(bound: socket.socket, path: Path) -> Path:
    """Bind a socket to a new name in the directory of `path`; return that name's path. Raises OSError.

    It is to be linked or renamed to `path` when it listens: then whoever sees the path finds somebody who answers.
    """
    import secrets

    name = f".{secrets.token_hex(8)}.sock"
    with short_path(str(path.parent)) as place:
        bound.bind(f"{place}/{name}")
    return path.parent / name


def remove_unfinished(path: Path) -> None:
    """Remove what killed ones have left who were binding a socket beside `path`; nobody else may be doing so now."""
    for each in path.parent.glob(".*.sock"):
        each.unlink(missing_ok=True)


def connect(connection: Socket, path: Path | str) -> None:
    """Connect to the socket at a path. Raises OSError, of which ConnectionRefusedError says that nobody listens there."""
    fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
