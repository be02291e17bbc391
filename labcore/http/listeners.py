"""Listening sockets: TCP, and unix with mode and group; a stale socket file is replaced, a live one is not."""

import grp
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.errors import InUse, InvalidInput
from labcore.unix_sockets import bind_beside, connect

BACKLOG: Final = 1024


def listen_tcp(address: str, port: int) -> socket.socket:
    """Return a socket that listens on a TCP port (0: any that is free). Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=BACKLOG, reuse_port=False)


@contextmanager
def listen_unix(path: Path, *, mode: int = 0o660, group: str | int | None = None) -> Iterator[socket.socket]:
    """Yield a socket that listens at a path, of any length; the file is gone afterwards.

    It appears with its mode and group, and when it listens: nobody is refused, or let in, too early. Raises InUse if somebody
    listens there already, InvalidInput if something else is there, or no such directory or group, OSError.
    """
    gid = _group(group)
    with ExitStack() as undo, socket.socket(socket.AF_UNIX) as listener:
        bound = _bind(listener, path)
        undo.callback(bound.unlink, missing_ok=True)
        os.chown(bound, -1, gid)
        bound.chmod(mode)
        listener.listen(BACKLOG)
        ours = bound.lstat()
        _publish(bound, path)
        undo.callback(_unlink_same, path, ours)
        yield listener


def _bind(listener: socket.socket, path: Path) -> Path:
    try:
        return bind_beside(listener, path)
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidInput(f"{path}: the directory of that socket is not there\n  cure: make it") from None


def _group(group: str | int | None) -> int:
    if not isinstance(group, str):
        return -1 if group is None else group
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise InvalidInput(f"there is no group {group}\n  cure: `groupadd {group}`, or name another one") from None


def _publish(bound: Path, path: Path) -> None:
    """Give the socket its name, once nobody answers there."""
    try:
        os.link(bound, path)
    except FileExistsError:
        stale = _stale(path)
        _unlink_same(path, stale)
        try:
            os.link(bound, path)
        except FileExistsError:
            raise _in_use(path) from None
    bound.unlink()


def _stale(path: Path) -> os.stat_result:
    """Return the status of a socket file that nobody listens at. Raises InUse, InvalidInput."""
    status = path.lstat()
    if not stat.S_ISSOCK(status.st_mode):
        raise InvalidInput(f"{path} is there, and no socket\n  cure: remove it, or name another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)  # whoever is too busy to accept (EAGAIN) lives, too
        try:
            connect(probe, path)
        except ConnectionRefusedError:
            return status
        except OSError:
            raise _in_use(path) from None
    raise _in_use(path)


def _in_use(path: Path) -> InUse:
    return InUse(f"somebody listens at {path} already\n  cure: end that server, or name another path")


def _unlink_same(path: Path, status: os.stat_result) -> None:
    """Remove a file, if it is still the one that it was."""
    with suppress(FileNotFoundError):
        if os.path.samestat(path.lstat(), status):
            path.unlink()
