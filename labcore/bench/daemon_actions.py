"""The actions of the daemon benchmark: requests by the docker command and on the socket, logs and archives in bulk.

Each goal is what labcore may take at most, as a multiple of dockerd's time.
"""

import os
import selectors
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from labcore.bench.peers import PeerFailed, timed
from labcore.record import Record

IMAGE, NAME, RUNNING = "labcore-bench", "labcore-bench", "labcore-bench-running"
LISTED: Final = "labcore-bench-listed-"
AT_ONCE: Final = 8
AT_ONCE_PART: Final = 10  # of a list's containers, one in so many is run beside others
PINGS: Final = 480  # of all connections together
CONNECTIONS: Final = 16
PING: Final = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
LINES: Final = {"100 B": 100, "4 KB": 4096}
WRITER: Final = ("/bin/sh", "-c", 'yes "$0" | head -c "$1"')
BUFFER_SIZE: Final = 1 << 20
SELDOM: Final = 5  # what takes seconds is measured in every fifth round

Docker = list[str]  # the words that begin a command to a daemon


class Action(Record):
    """What is measured at each daemon: `once` does it and returns the seconds; `is_bulk`: in constant memory.

    `prepare` and `undo` are done before and after all rounds, `every` is which of them count.
    """

    title: str
    goal: float | None
    once: Callable[[Docker], float]
    prepare: Callable[[Docker], object] = lambda _: None
    undo: Callable[[Docker], object] = lambda _: None
    every: int = 1
    is_bulk: bool = False


def actions(size_mib: int, containers: int) -> list[Action]:
    """Return all actions; logs and what is copied have that size, a list has so many containers."""
    run = ("run", "--rm", IMAGE, "/bin/true")
    in_all = max(1, containers // AT_ONCE_PART)
    return [
        Action("docker version", None, _command("version")),
        Action("ping, one connection", 1.0, _pings(1)),
        Action(f"ping, {CONNECTIONS} connections", 1.0, _pings(CONNECTIONS)),
        Action("docker run --rm, bridge", 0.25, _command(*run)),
        Action("docker run --rm --network none", 0.35, _command("run", "--rm", "--network", "none", IMAGE, "/bin/true")),
        Action("docker run -d", 0.3, _and_removed("run", "-d", "--name", NAME)),
        Action("docker run -d -p", 0.3, _and_removed("run", "-d", "-p", "80", "--name", NAME)),
        Action(f"{in_all} x docker run --rm, {AT_ONCE} at a time", 0.35, lambda d: _together(d, [run] * in_all), every=SELDOM),
        Action("docker exec", 0.5, _command("exec", RUNNING, "/bin/true")),
        Action("docker network create, rm", 0.35, _network),
        Action(
            f"docker ps -a, {containers} containers", 1.1, _command("ps", "-a"),
            prepare=lambda docker: _create(docker, containers),
            undo=lambda docker: timed([*docker, "rm", *_listed(containers)]),
        ),
        *(action for name, length in LINES.items() for action in _logs(f"{size_mib} MiB, lines of {name}", length, size_mib)),
        Action(f"docker cp of {size_mib} MiB, in", 1.0, partial(_copied_in, size_mib), every=SELDOM, is_bulk=True),
        Action(
            f"docker cp of {size_mib} MiB, out", 1.0, lambda docker: _drained([*docker, "cp", f"{RUNNING}:/big", "-"]),
            prepare=partial(_copied_in, size_mib), every=SELDOM, is_bulk=True,
        ),
    ]  # fmt: skip


def _logs(what: str, length: int, size_mib: int) -> list[Action]:
    """Return the actions with a log of lines of that length, each with its newline."""
    size = size_mib << 20
    writes = (IMAGE, *WRITER, "x" * (length - 1), str(size))

    def write(docker: Docker) -> None:
        timed([*docker, "run", "-d", "--name", NAME, *writes])
        timed([*docker, "wait", NAME])

    def written(docker: Docker) -> float:
        return _then_removed(docker, lambda: write(docker))

    def followed(docker: Docker) -> float:
        def follow() -> None:
            timed([*docker, "run", "-d", "--name", NAME, *writes])
            _drained([*docker, "logs", "-f", NAME], size)

        return _then_removed(docker, follow)

    def read(docker: Docker) -> float:
        return _drained([*docker, "logs", NAME], size)

    return [
        Action(f"log written: {what}", 1.0, written, every=SELDOM, is_bulk=True),
        Action(f"log written and followed: {what}", 1.0, followed, every=SELDOM, is_bulk=True),
        Action(f"docker logs: {what}", 1.0, read, prepare=write, undo=_removed, every=SELDOM, is_bulk=True),
    ]


def _listed(containers: int) -> list[str]:
    return [f"{LISTED}{number}" for number in range(containers)]


def _command(*words: str) -> Callable[[Docker], float]:
    return lambda docker: timed([*docker, *words])


def _and_removed(*words: str) -> Callable[[Docker], float]:
    """Return the measurement of a command that makes a container, which is removed afterwards."""
    return lambda docker: _then_removed(docker, lambda: timed([*docker, *words, IMAGE, "/bin/sleep", "1000"]))


def _then_removed(docker: Docker, make: Callable[[], object]) -> float:
    start = time.perf_counter()
    make()
    elapsed = time.perf_counter() - start
    _removed(docker)
    return elapsed


def _removed(docker: Docker) -> None:
    timed([*docker, "rm", "-f", NAME])


def _network(docker: Docker) -> float:
    return timed([*docker, "network", "create", NAME]) + timed([*docker, "network", "rm", NAME])


def _together(docker: Docker, commands: list[tuple[str, ...]]) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda words: timed([*docker, *words]), commands))
    return time.perf_counter() - start


def _create(docker: Docker, containers: int) -> None:
    _together(docker, [("create", "--name", name, IMAGE, "/bin/true") for name in _listed(containers)])


def _socket_of(docker: Docker) -> Path:
    return Path(docker[2].removeprefix("unix://"))


def _pings(connections: int) -> Callable[[Docker], float]:
    """Return the measurement of a request among many, on each of some connections one after the other; of one of them."""

    def measured(docker: Docker) -> float:
        with selectors.DefaultSelector() as selector:
            made = [socket.socket(socket.AF_UNIX) for _ in range(connections)]
            for connection in made:
                connection.connect(str(_socket_of(docker)))
                selector.register(connection, selectors.EVENT_READ, [PINGS // connections, b""])
            start = time.perf_counter()
            for connection in made:
                connection.sendall(PING)
            while selector.get_map():
                for key, _ in selector.select():
                    _answered(selector, key)
            return (time.perf_counter() - start) / PINGS

    return measured


def _answered(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """Take what has come on a connection; ask again when an answer is whole, and end it after the last one."""
    connection, state = key.fileobj, key.data
    assert isinstance(connection, socket.socket)
    if not (more := connection.recv(4096)):
        raise PeerFailed("a connection was closed in the middle of its requests")
    state[1] += more
    if not state[1].endswith(b"OK"):
        return
    state[0], state[1] = state[0] - 1, b""
    if state[0]:
        connection.sendall(PING)
    else:
        selector.unregister(connection)
        connection.close()


def _drained(command: list[str], expected: int | None = None) -> float:
    """Run a command to its end, reading what it says; return the seconds. Raises PeerFailed if that is not `expected` bytes."""
    buffer, size, start = bytearray(BUFFER_SIZE), 0, time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout
        while got := process.stdout.readinto(buffer):  # type: ignore[attr-defined]
            size += got
    if process.returncode or expected not in (None, size):
        raise PeerFailed(f"{' '.join(command)}: status {process.returncode}, {size} bytes instead of {expected}")
    return time.perf_counter() - start


def _copied_in(size_mib: int, docker: Docker) -> float:
    """Copy a file of zeros into the container."""
    with _socket_of(docker).with_name("big").open("wb") as file:
        os.truncate(file.fileno(), size_mib << 20)
    return timed([*docker, "cp", file.name, f"{RUNNING}:/big"])
