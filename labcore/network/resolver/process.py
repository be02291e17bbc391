"""The resolver's process: started when somebody needs it, told to look again, ended when nobody does.

::

    ROOT/network/resolver/OWNER.json   its clients (clients.py)
                          sock         whoever connects has it read them again, and is told `ok` when they are answered
                          lock         it holds this as long as it lives
                          log          what went wrong, of the last one
"""

import asyncio
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore.errors import InUse, LabcoreError, Unavailable
from labcore.locks import Lock
from labcore.network.resolver import clients
from labcore.network.resolver.clients import Client
from labcore.unix_sockets import bind_beside, connect

PACKAGE: Final = "labcore.network.resolver"
DIRECTORY: Final = "resolver"
SOCKET: Final = "sock"
LOG = logging.getLogger(__name__)
READY: Final = b"ok\n"
REFRESH_SECONDS: Final = 20.0
START_SECONDS: Final = 30.0
LINGER_SECONDS: Final = 2.0  # without clients: the next may come soon
RETRY_SECONDS: Final = 0.05
NOBODY: Final = (FileNotFoundError, ConnectionRefusedError, ConnectionResetError)


def answer(root: Path, client: Client) -> None:
    """Have a client answered from now on, until its process ends. `root` is the network driver's. Raises Unavailable."""
    clients.save(root / DIRECTORY, client)
    _have_refreshed(root)


def repair(root: Path) -> None:
    """Have the clients answered that are there, also if the server was killed; without any, remove what it has left."""
    directory = root / DIRECTORY
    if not directory.exists():
        return
    if any(clients.load(directory)):
        _have_refreshed(root)
        return
    with Lock(directory / "lock", os.O_CREAT) as lock:
        if lock.try_acquire():  # nobody serves
            (directory / SOCKET).unlink(missing_ok=True)


def _have_refreshed(root: Path) -> None:
    directory = root / DIRECTORY
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _refresh(directory)
        except NOBODY as error:
            if time.monotonic() > deadline:
                raise Unavailable(f"the DNS server of {root} does not answer ({error}): see {directory}/log") from None
            _start(root)
            time.sleep(RETRY_SECONDS)


def forget(root: Path, owner: str) -> None:
    """Have a client answered no longer."""
    directory = root / DIRECTORY
    with suppress(FileNotFoundError):
        clients.remove(directory, owner)
        with suppress(*NOBODY):
            _refresh(directory)


def _refresh(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(REFRESH_SECONDS)
        connect(connection, directory / SOCKET)
        said = b"".join(iter(lambda: connection.recv(4096), b""))
    if not said:
        raise ConnectionResetError("it has just ended")
    if said != READY:
        raise Unavailable(f"DNS server: {said.decode(errors='replace').strip()}")


def _start(root: Path) -> None:
    """Start the process; it listens when this returns, or another one does."""
    command = [sys.executable, "-P", "-m", PACKAGE, str(root)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if done.returncode:
        raise Unavailable(f"the DNS server cannot be started: {done.stderr.strip().rpartition(chr(10))[2]}")


def main(root: Path) -> int:
    """Be the resolver, in a process of its own that nobody waits for; return when that listens."""
    directory = root / DIRECTORY
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader, "rb") as said:
            how = said.read()
        sys.stderr.write(how.decode())
        return 1 if how else 0
    os.close(reader)
    os.setsid()
    logging.basicConfig(format="%(asctime)s %(message)s")
    os.chdir("/")
    try:
        with suppress(InUse), Lock(directory / "lock", os.O_CREAT).acquire(timeout_seconds=LINGER_SECONDS):
            asyncio.run(_serve(directory, lambda: _detach(directory, writer)))
    except BaseException as error:
        with suppress(OSError):
            os.write(writer, f"{type(error).__name__}: {error}\n".encode())
        raise
    return 0


def _detach(directory: Path, writer: int) -> None:
    """Let go of whoever has started it."""
    log = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number, of in ((0, null), (1, log), (2, log)):
        os.dup2(of, number)
    for fd in (log, null, writer):
        os.close(fd)


async def _serve(directory: Path, listening: Callable[[], None]) -> None:
    """Answer until nobody needs it; `listening` is called when it can be reached."""
    from labcore.network import nftables
    from labcore.network.resolver.server import Resolver
    from labcore.network.resolver.source import Source

    idle = asyncio.Event()
    source = Source(directory.parent)
    resolver = Resolver(directory, source.answers, nftables.run, idle.set)

    def refresh() -> bytes:
        try:
            source.forget()
            resolver.refresh()
        except (OSError, LabcoreError) as error:
            LOG.warning("%s", error)
            return f"{error}\n".encode()
        return READY

    async def control(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(refresh())
        writer.close()

    to_tell = [listening]
    while not idle.is_set():
        with socket.socket(socket.AF_UNIX) as bound:
            name = bind_beside(bound, directory / SOCKET)
            server = await asyncio.start_unix_server(control, sock=bound)
            name.rename(directory / SOCKET)
            while to_tell:
                to_tell.pop()()
            refresh()
            await _until_idle(idle, refresh)
            (directory / SOCKET).unlink(missing_ok=True)
            server.close()
        idle.clear()
        refresh()  # somebody may have come in between, who has seen the socket


async def _until_idle(idle: asyncio.Event, refresh: Callable[[], bytes]) -> None:
    """Return when nobody has needed an answer for a while."""
    while True:
        await idle.wait()
        await asyncio.sleep(LINGER_SECONDS)
        idle.clear()
        refresh()
        if idle.is_set():
            return
