"""Faults at the daemon: it is killed while clients work, clients vanish in the middle. Nothing is lost, doubled or left behind.

`LABCORE_ENDURANCE=1000` is the long form, with a tenth of that in kills. Their moments are drawn from a seed, which is printed;
`LABCORE_SEED` names it.
"""

import os
import random
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Final

import pytest
import requests
from docker.errors import APIError, DockerException

from labcore import procfs
from tests.conftest import needs_root
from tests.daemon import WAIT_SECONDS, RunningDaemon, running_daemon

KILLS: Final = max(int(os.environ.get("LABCORE_ENDURANCE", "0")) // 10, 4)
CLIENTS: Final = 8
SETTLE_SECONDS: Final = 15
ANSWER_SECONDS: Final = 2.0
GONE: Final = (
    DockerException,
    requests.exceptions.RequestException,
    OSError,
    ValueError,
)  # what a client says of a killed daemon
LINES: Final = 40
FEW: Final = 2  # descriptors that a daemon is in the middle of something with


def processes() -> dict[int, str]:
    """Return the processes that there are; a test has a box."""
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return {pid: procfs.command_name(pid) for pid in pids if not procfs.has_ended(pid)}


def cgroups() -> set[str]:
    """Return the cgroups of containers."""
    return {str(each) for each in Path("/sys/fs/cgroup").glob("*/labcore/*") if each.is_dir()}


def links() -> set[str]:
    """Return the links of containers."""
    return {name for _, name in socket.if_nameindex() if name.startswith("veth")}


class Traces:
    """What there is of containers on this machine, now and before."""

    def __init__(self) -> None:
        self._before = self._now()

    def _now(self) -> dict[str, set[str]]:
        mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        running = {f"{pid} {name}" for pid, name in processes().items() if pid != os.getpid()}
        return {"processes": running, "cgroups": cgroups(), "links": links(), "mounts": mounts}

    def left(self) -> dict[str, set[str]]:
        """Return what is there that was not."""
        now = self._now()
        return {what: found for what in now if (found := now[what] - self._before[what])}

    def are_gone(self) -> None:
        """Wait until nothing is left."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while left := self.left():
            assert time.monotonic() < deadline, left
            time.sleep(0.1)


class Work:
    """A client that makes, starts, asks and removes containers, and knows what it was told by a daemon that may be killed."""

    def __init__(self, daemon: RunningDaemon, number: int, seed: str) -> None:
        self._client = daemon.client_of("1.51")
        self._drawn = random.Random(f"{seed}-{number}")
        self._number = number
        self.there: dict[str, int] = {}  # names of containers that were started, with the exit codes that they are to have
        self.removed: set[str] = set()
        self.asked: set[str] = set()  # names of all that were asked for
        self.refused: list[str] = []

    def run(self, ends: Event) -> None:
        """Work until the end; what the daemon's death breaks off is tried no more."""
        count = 0
        while not ends.is_set():
            count += 1
            with suppress(*GONE):
                self._cycle(f"c{self._number}-{time.monotonic_ns()}-{count}")

    def _cycle(self, name: str) -> None:
        code = self._drawn.randrange(1, 100)
        script = f"for i in $(seq {LINES}); do echo {name} $i; done; sleep 0.{self._drawn.randrange(10)}; exit {code}"
        self.asked.add(name)
        network = "bridge" if self._drawn.random() < 0.3 else "none"
        container = self._client.containers.create("busybox", ["sh", "-c", script], name=name, network=network)
        try:
            container.start()
        except APIError as error:
            self.refused.append(str(error))
            raise
        self.there[name] = code
        if self._drawn.random() < 0.3:
            with suppress(APIError):  # it has ended
                container.exec_run(["true"])
        if self._drawn.random() < 0.5:
            found = container.wait(timeout=WAIT_SECONDS)["StatusCode"]
            assert found == code, (name, found, code)
            assert container.logs().decode().splitlines() == [f"{name} {each + 1}" for each in range(LINES)]
            del self.there[name]
            container.remove(force=True)
            self.removed.add(name)


def test_a_daemon_that_is_killed_loses_doubles_and_leaves_nothing(tmp_path: Path) -> None:
    needs_root()
    seed = os.environ.get("LABCORE_SEED") or os.urandom(4).hex()
    print(f"LABCORE_SEED={seed}, {KILLS} kills, {CLIENTS} clients")
    moments = random.Random(seed)
    with running_daemon(tmp_path / "root") as made:  # what it makes once is no container's
        made.docker("run", "--rm", "busybox", "true")
    traces = Traces()
    for _ in range(KILLS):
        with running_daemon(tmp_path / "root", clears=False) as daemon, ThreadPoolExecutor(CLIENTS) as pool:
            ends, workers = Event(), [Work(daemon, number, seed) for number in range(CLIENTS)]
            done = [pool.submit(worker.run, ends) for worker in workers]
            time.sleep(moments.uniform(0.2, 2.5))
            daemon.process.send_signal(signal.SIGKILL)
            daemon.process.wait()
            ends.set()
            for each in done:
                each.result()
            assert "Traceback" not in daemon.said(), daemon.said()
        with running_daemon(tmp_path / "root", clears=False) as daemon:
            check(daemon, workers)
            daemon.clear()
    traces.are_gone()


def check(daemon: RunningDaemon, workers: list[Work]) -> None:
    """Compare what a daemon has with what clients were told by the one before it."""
    found = daemon.client.containers.list(all=True)
    names = [each.name for each in found]
    assert len(names) == len(set(names))
    known = {each.name: each for each in found}
    for worker in workers:
        assert worker.refused == []
        assert not worker.removed & known.keys()
        for name, code in worker.there.items():
            if name not in known:
                assert name in worker.asked  # its removal was asked for when the daemon died
                pytest.fail(f"{name} is lost")
            assert known[name].wait(timeout=WAIT_SECONDS)["StatusCode"] == code, name
            assert known[name].logs().decode().splitlines() == [f"{name} {each + 1}" for each in range(LINES)]
    assert known.keys() <= set().union(*(worker.asked for worker in workers))


def descriptors(daemon: RunningDaemon) -> Counter[str]:
    """Return what the descriptors of a daemon are of; sockets are one kind, pipes another.

    Connections to the records are left out, if there is one for a thread at most: which threads of its pools have one is luck.
    """
    place = Path(f"/proc/{daemon.process.pid}")
    found: Counter[str] = Counter()
    for each in (place / "fd").iterdir():
        with suppress(FileNotFoundError):
            found[re.sub(r":\[\d+\]$", "", str(each.readlink()))] += 1
    (records,) = (each for each in found if each.endswith("/records.db"))
    assert found.pop(records) <= len(list((place / "task").iterdir()))
    return found


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    needs_root()
    with running_daemon(Path(tmp_path_factory.mktemp("daemon"), "root")) as made:
        made.docker("run", "-d", "--name=one", "-i", "busybox", "sh", "-c", "while sleep 0.2; do echo line; done")
        made.docker("create", "--name=two", "busybox")
        yield made


LASTING: Final = {
    "attach": "POST /containers/one/attach?stream=1&stdout=1&stdin=1",
    "attach to what was not started": "POST /containers/two/attach?stream=1&stdout=1",
    "logs": "GET /containers/one/logs?follow=1&stdout=1",
    "events": "GET /events",
    "stats": "GET /containers/one/stats",
    "wait": "POST /containers/one/wait",
    "wait for the removal": "POST /containers/one/wait?condition=removed",
    "exec": "POST /exec/{exec}/start",
}


def begin(daemon: RunningDaemon, what: str) -> socket.socket:
    """Return a connection on which a request was sent."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(WAIT_SECONDS)
    client.connect(str(daemon.socket))
    method, target = what.split()
    if "{exec}" in target:
        made = daemon.request("POST", "/containers/one/exec", {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True})
        target = target.format(exec=made.json["Id"])
    head = f"{method} /v1.51{target} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
    client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode())
    return client


def lasting(daemon: RunningDaemon) -> list[str]:
    """Return the jobs that run, but for the one that asks."""
    running = [each["Kind"] for each in daemon.request("GET", "/labcore/jobs").json if each["State"] == "running"]
    return [each for each in running if "/labcore/jobs" not in each]


@pytest.mark.parametrize("what", LASTING)
def test_a_client_that_vanishes_leaves_no_job_thread_or_descriptor(daemon: RunningDaemon, what: str) -> None:
    before: Counter[str] = Counter()
    for number in range(3):
        clients = [begin(daemon, LASTING[what]) for _ in range(20)]
        for each, client in enumerate(clients):
            if (each + number) % 2:  # the others go before their answers begin
                assert client.recv(9) == b"HTTP/1.1 "
            client.close()
        deadline = time.monotonic() + WAIT_SECONDS
        while lasting(daemon):
            assert time.monotonic() < deadline, (lasting(daemon), daemon.said())
            time.sleep(0.02)
        time.sleep(0.3)
        before = before or descriptors(daemon)
    deadline = time.monotonic() + WAIT_SECONDS
    while (more := descriptors(daemon) - before).total() > FEW and time.monotonic() < deadline:
        time.sleep(0.05)  # the server looks after those that rest once in a while
    assert more.total() <= FEW, (before, more)
    assert "Traceback" not in daemon.said(), daemon.said()


def test_a_restarted_daemon_answers_soon_with_200_containers(tmp_path: Path) -> None:
    needs_root()
    root = tmp_path / "root"
    with running_daemon(root, clears=False) as first, ThreadPoolExecutor(CLIENTS) as pool:
        names = [f"n{number}" for number in range(200)]
        list(pool.map(lambda name: first.client.containers.create("busybox", ["true"], name=name), names))
        for name in names[:8]:
            first.client.containers.get(name).start()
        first.end(signal.SIGKILL)
    with running_daemon(root) as again:
        assert len(again.request("GET", "/containers/json?all=1").json) == len(names)
        fields = Path(f"/proc/{again.process.pid}/stat").read_text().rpartition(")")[2].split()
        used = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")  # of a processor, which a busy machine changes least
        assert used < ANSWER_SECONDS
