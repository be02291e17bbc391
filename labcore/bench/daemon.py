"""Daemon benchmark: the stock docker command at labcore's daemon and at dockerd, in turn; and the daemons' memory."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from labcore.bench.measure import Result, Subject, environment, measure
from labcore.bench.memory import pss_kib, working_below
from labcore.bench.network import WIRE
from labcore.bench.peers import WITH_NETWORKS, PeerFailed, archive_of, own_daemon, own_dockerd, timed, version
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.spec import OverlayRoot

OURS, THEIRS = "labcore daemon", "dockerd"
IMAGE, NAME, RUNNING = "labcore-bench", "labcore-bench", "labcore-bench-running"
MANY: Final = 200  # containers in a list
AT_ONCE: Final = 8
IN_ALL: Final = 20  # containers, so many at once
PINGS: Final = 400  # requests on one connection
CONNECTIONS: Final = 16
OUTPUT_MIB: Final = 16
PING: Final = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
PUTS_OUT: Final = "yes 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
SETUP: Final = f"{PUTS_OUT} | head -c {OUTPUT_MIB}m; head -c {OUTPUT_MIB}m /dev/zero > /big; exec sleep 100000"

Docker = list[str]  # the words that begin a command to a daemon
Action = Callable[[Docker], float]


def bench_daemon(rounds: int) -> Iterator[Result]:
    """Measure each kind of request, and yield its results after every round. Raises PeerFailed without the docker command."""
    if not shutil.which("docker"):
        raise PeerFailed("docker: not installed; tools/peers make, and it is found")
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        daemons = {OURS: undo.enter_context(_own_labcore(work))}
        remarks = []
        try:
            daemons[THEIRS] = undo.enter_context(own_dockerd(work, *WITH_NETWORKS))
        except (PeerFailed, OSError) as error:
            remarks.append(f"dockerd: {error}")
        archive = _busybox(work)
        for docker in daemons.values():
            timed([*docker, "import", archive, IMAGE])
        remarks.append(_memory(work))
        for docker in daemons.values():
            timed([*docker, "run", "-d", "--name", RUNNING, IMAGE, "/bin/sh", "-c", SETUP])
        where = environment(work, {"docker": version("docker")})
        for title, action in ACTIONS.items():
            if title in PREPARED:
                for docker in daemons.values():
                    PREPARED[title](docker)
            subjects = [Subject(name, partial(action, docker)) for name, docker in daemons.items()]
            for measured in measure(title, subjects, rounds, OURS):
                yield Result(title, OURS, where, measured.rows(), remarks)
            remarks = []


def _own_labcore(work: Path) -> AbstractContextManager[Docker]:
    home = work / "labcore"
    home.mkdir()
    url = f"unix://{home}/labcore.sock"
    command = [sys.executable, "-P", "-m", "labcore", "--root", str(home / "state"), "daemon", "-H", url]
    return own_daemon(command, url, home / "log")


def _busybox(work: Path) -> str:
    engine = Engine(work / "seed")
    engine.seed("busybox")
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    return str(archive_of(Path(root.directory, root.layers[0]), work))


def _memory(work: Path) -> str:
    """Say what the idle daemons take of memory: PSS, dockerd's with its containerd."""
    ours = working_below(str(work / "labcore"), "python")
    theirs = [*working_below(str(work / "docker"), "dockerd"), *working_below(str(work / "docker"), "containerd")]
    said = [f"{name} {pss_kib(pids) / 1024:.0f} MiB" for name, pids in ((OURS, ours), (THEIRS, theirs)) if pids]
    return f"memory of the idle daemons (PSS): {', '.join(said)}"


def _command(*words: str) -> Action:
    return lambda docker: timed([*docker, *words])


def _and_removed(*words: str) -> Action:
    """Return the measurement of a command that makes a container, which is removed afterwards."""

    def measured(docker: Docker) -> float:
        seconds = timed([*docker, *words, IMAGE, "/bin/sleep", "1000"])
        timed([*docker, "rm", "-f", NAME])
        return seconds

    return measured


def _network(docker: Docker) -> float:
    return timed([*docker, "network", "create", NAME]) + timed([*docker, "network", "rm", NAME])


def _many_runs(docker: Docker) -> float:
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: timed([*docker, "run", "--rm", IMAGE, "/bin/true"]), range(IN_ALL)))
    return time.perf_counter() - start


def _pings(connections: int) -> Action:
    """Return the measurement of so many requests, on each of some connections at once; of one request."""

    def measured(docker: Docker) -> float:
        path = docker[2].removeprefix("unix://")
        start = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(lambda _: _ping(path), range(connections)))
        return (time.perf_counter() - start) / connections / PINGS

    return measured


def _ping(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        for _ in range(PINGS):
            connection.sendall(PING)
            answer = b""
            while not answer.endswith(b"OK"):
                if not (more := connection.recv(4096)):
                    raise PeerFailed("a connection was closed in the middle of its requests")
                answer += more


def _create_many(docker: Docker) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: timed([*docker, "create", IMAGE, "/bin/true"]), range(MANY)))


def _copied_in(docker: Docker) -> float:
    """Copy a file of zeros into the container."""
    with Path(docker[2].removeprefix("unix://")).with_name("big").open("wb") as file:
        os.truncate(file.fileno(), OUTPUT_MIB << 20)
    return timed([*docker, "cp", file.name, f"{RUNNING}:/copied"])


ACTIONS: Final[dict[str, Action]] = {
    "docker version": _command("version"),
    "ping, one connection": _pings(1),
    f"ping, {CONNECTIONS} connections": _pings(CONNECTIONS),
    "docker run --rm, bridge": _command("run", "--rm", IMAGE, "/bin/true"),
    "docker run --rm --network none": _command("run", "--rm", "--network", "none", IMAGE, "/bin/true"),
    "docker run -d": _and_removed("run", "-d", "--name", NAME),
    "docker run -d -p": _and_removed("run", "-d", "-p", "80", "--name", NAME),
    f"{IN_ALL} x docker run --rm, {AT_ONCE} at a time": _many_runs,
    "docker exec": _command("exec", RUNNING, "/bin/true"),
    "docker ps": _command("ps"),
    "docker network create, rm": _network,
    f"docker logs of {OUTPUT_MIB} MiB": _command("logs", RUNNING),
    f"docker cp of {OUTPUT_MIB} MiB, out": _command("cp", f"{RUNNING}:/big", "-"),
    f"docker cp of {OUTPUT_MIB} MiB, in": _copied_in,
    f"docker ps -a, {MANY} containers": _command("ps", "-a"),
}
PREPARED: Final[dict[str, Callable[[Docker], None]]] = {f"docker ps -a, {MANY} containers": _create_many}
