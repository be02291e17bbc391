"""Faults at the daemon: it is killed while clients work, clients vanish in the middle. Nothing is lost, doubled or left behind.

`LABCORE_ENDURANCE=1000` is the long form, with a tenth of that in kills. Their moments are drawn from a seed, which is printed;
`LABCORE_SEED` names it.
"""

import io
import os
import random
import re
import signal
import socket
import tarfile
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
from labcore.engine import Engine
from labcore.engine.containers import remove
from labcore.network import nftables
from labcore.network.proxy import PROCESS
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
    top = Path("/sys/fs/cgroup")  # of version 1 each directory there is a hierarchy
    return {str(each) for each in (*top.glob("labcore/*"), *top.glob("*/labcore/*")) if each.is_dir()}


def links() -> set[str]:
    """Return the links of containers."""
    return {name for _, name in socket.if_nameindex() if name.startswith("veth")}


def elements() -> set[str]:
    """Return the elements of the firewall's sets and maps."""
    found = re.findall(r"\b(?:set|map) (\S+) \{[^{}]*elements = \{([^{}]*)\}", nftables.run("list ruleset"))
    return {f"{name} {element.strip()}" for name, listed in found for element in listed.split(",")}


def listeners() -> set[str]:
    """Return the TCP ports that somebody listens on: proc_net(5)."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return {fields[1] for fields in lines if fields[3] == "0A"}


def records(root: Path) -> set[str]:
    """Return what a state root has of containers."""
    found = [*root.glob("containers/*"), *root.glob("storage/upper/*"), *root.glob("network/endpoints/*/*")]
    return {str(each) for each in found if not each.name.startswith(("records.db", "reserve"))}


class Traces:
    """What there is of containers on this machine and in a state root, now and before."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before = self._now()

    def _now(self) -> dict[str, set[str]]:
        mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
        running = {f"{pid} {name}" for pid, name in processes().items() if pid != os.getpid()}
        return {
            "processes": running,
            "cgroups": cgroups(),
            "links": links(),
            "mounts": mounts,
            "elements": elements(),
            "listeners": listeners(),
            "records": records(self._root),
        }

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
        on_bridge = self._drawn.random() < 0.3
        container = self._client.containers.create(
            "busybox",
            ["sh", "-c", script],
            name=name,
            network="bridge" if on_bridge else "none",
            ports={"80/tcp": None, "80/udp": None} if on_bridge else {},
        )
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
        made.docker("run", "--rm", "-p", "80", "busybox", "true")
    traces = Traces(tmp_path / "root")
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


def proxies() -> list[int]:
    """Return the processes that hold published ports."""
    return [pid for pid, name in processes().items() if name == PROCESS]


def test_the_port_proxy_is_kept_for_the_next_container_and_ends_with_a_killed_daemon(tmp_path: Path) -> None:
    needs_root()
    with running_daemon(tmp_path / "root") as daemon:
        daemon.docker("run", "-d", "busybox", "sleep", "1000")  # which keeps nothing of the daemon's
        daemon.docker("run", "--rm", "-p", "80", "busybox", "true")
        kept = proxies()
        assert len(kept) == 1
        daemon.docker("run", "-d", "-p", "80", "--name", "next", "busybox", "sleep", "1000")
        daemon.end(signal.SIGKILL)
        assert proxies() == kept
        remove(Engine(daemon.root), "next", force=True)
        deadline = time.monotonic() + SETTLE_SECONDS
        while proxies():
            assert time.monotonic() < deadline
            time.sleep(0.1)


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

    Connections to the records are left out, if there is one for a thread at most: how many are open at once is luck.
    """
    place = Path(f"/proc/{daemon.process.pid}")
    found: Counter[str] = Counter()
    for each in (place / "fd").iterdir():
        with suppress(FileNotFoundError):
            found[re.sub(r":\[\d+\]$", "", str(each.readlink()))] += 1
    threads = len(list((place / "task").iterdir()))
    for each in [each for each in found if "/records.db" in each]:  # the database, its log (-wal) and the log's index (-shm)
        assert found.pop(each) <= threads, each
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


def sent(daemon: RunningDaemon, target: str, body: bytes, *, size: int) -> socket.socket:
    """Return a connection on which a request was sent whose body is to be of that size, and is not sent to its end."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(WAIT_SECONDS)
    client.connect(str(daemon.socket))
    head = f"{target} HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-tar\r\nContent-Length: {size}\r\n\r\n"
    client.sendall(head.encode() + body)
    return client


def settled_paths(daemon: RunningDaemon) -> set[str]:
    """Return the files of a daemon that does nothing but what it did before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while lasting(daemon):
        assert time.monotonic() < deadline, (lasting(daemon), daemon.said())
        time.sleep(0.02)
    return {str(each) for each in daemon.root.rglob("*") if "/records.db-" not in str(each)}


def image_archive(daemon: RunningDaemon) -> bytes:
    """Return an image as `docker save` writes it, which is not there any more."""
    files = io.BytesIO()
    with tarfile.open(fileobj=files, mode="w") as tar:
        info = tarfile.TarInfo("file")
        info.size = 1 << 20
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    image = daemon.client.images.get(daemon.client.api.import_image_from_data(files.getvalue(), "files", "v1").split('"')[-2])
    saved = b"".join(image.save(named=True))
    daemon.client.images.remove("files:v1")
    return saved


def test_a_client_that_vanishes_while_it_loads_an_image_leaves_nothing_of_it(daemon: RunningDaemon) -> None:
    archive = image_archive(daemon)
    before = settled_paths(daemon)
    for part in (0, 1 << 10, 1 << 19, len(archive) - 1):
        sent(daemon, "POST /v1.51/images/load", archive[:part], size=len(archive)).close()
        assert settled_paths(daemon) - before == set()
    assert [each.tags for each in daemon.client.images.load(archive)] == [["files:v1"]]
    daemon.client.images.remove("files:v1")
    assert "Traceback" not in daemon.said(), daemon.said()


def test_a_client_that_vanishes_while_it_copies_lets_go_of_the_container(daemon: RunningDaemon) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("copied")
        info.size = 1 << 20
        tar.addfile(info, io.BytesIO(os.urandom(info.size)))
    for name in ("one", "two"):
        target = f"PUT /v1.51/containers/{name}/archive?path=/tmp"
        for part in (0, 100, 1 << 19):
            sent(daemon, target, archive.getvalue()[:part], size=len(archive.getvalue())).close()
        for target in (f"GET /v1.51/containers/{name}/archive?path=/bin", f"GET /v1.51/containers/{name}/export"):
            client = sent(daemon, target, b"", size=0)
            assert client.recv(9) == b"HTTP/1.1 "
            client.close()
        settled_paths(daemon)
        assert daemon.client.containers.get(name).put_archive("/tmp", archive.getvalue())
        stream, stat = daemon.client.containers.get(name).get_archive("/tmp/copied")
        assert len(b"".join(stream)) > 1 << 20
        assert stat["size"] == 1 << 20
    assert "Traceback" not in daemon.said(), daemon.said()


def test_a_client_that_vanishes_leaves_a_whole_commit_or_none(daemon: RunningDaemon) -> None:
    daemon.docker("exec", "one", "sh", "-c", "head -c 8000000 /dev/urandom > /changed")
    for number, rest_seconds in enumerate((0, 0.02, 0.1)):
        client = sent(daemon, f"POST /v1.51/commit?container=one&repo=committed&tag=v{number}", b"", size=0)
        time.sleep(rest_seconds)
        client.close()
        settled_paths(daemon)
        deadline = time.monotonic() + WAIT_SECONDS
        while daemon.client.containers.get("one").attrs["State"][
            "Paused"
        ]:  # it may have been read only after its client had gone
            assert time.monotonic() < deadline
            time.sleep(0.05)
    for tag in [tag for each in daemon.client.images.list() for tag in each.tags if tag.startswith("committed")]:
        assert daemon.docker("run", "--rm", "--network=none", tag, "stat", "-c", "%s", "/changed").stdout == "8000000\n"
        daemon.docker("rmi", tag)
    assert not list((daemon.root / "images" / "leases").iterdir())
    assert "Traceback" not in daemon.said(), daemon.said()


MANY: Final = 200


def test_many_clients_at_once_are_all_answered_and_leave_no_descriptor(daemon: RunningDaemon) -> None:
    wanted = {"Image": "busybox", "Cmd": ["echo", "hello"], "HostConfig": {"NetworkMode": "none"}}

    def live(number: int) -> list[int]:
        found = [daemon.request("GET", "/_ping"), daemon.request("GET", "/v1.51/containers/json?all=1")]
        if number % 4 == 0:
            place = f"/v1.51/containers/many{number}"
            found.append(daemon.request("POST", f"/v1.51/containers/create?name=many{number}", wanted))
            found += [daemon.request("POST", f"{place}/{verb}") for verb in ("start", "wait")]
            logs = daemon.request("GET", f"{place}/logs?stdout=1")
            assert logs.content.endswith(b"hello\n")
            found += [logs, daemon.request("DELETE", place)]
        return [each.status for each in found]

    def settled() -> Counter[str]:
        time.sleep(0.3)
        return descriptors(daemon)

    with ThreadPoolExecutor(MANY) as pool:
        list(pool.map(live, range(MANY)))  # threads are made once
        before = settled()
        answered = list(pool.map(live, range(MANY)))
    assert {tuple(each) for each in answered} == {(200, 200), (200, 200, 201, 204, 200, 200, 204)}
    deadline = time.monotonic() + WAIT_SECONDS
    while (more := settled() - before).total() > FEW and time.monotonic() < deadline:
        pass
    assert more.total() <= FEW, (before, more)
    assert {each.name for each in daemon.client.containers.list(all=True)} == {"one", "two"}
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


ANOTHER_BOOT: Final = (
    'echo 11111111-2222-3333-4444-555555555555 > "$0"; mount --bind "$0" /proc/sys/kernel/random/boot_id; exec "$@"'
)


def die_with_the_machine(daemon: RunningDaemon) -> None:
    """Kill a daemon and all that runs of its containers, and nobody notes how they end."""
    pids = [each.attrs["State"]["Pid"] for each in daemon.client.containers.list()]
    daemon.end(signal.SIGKILL)
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        (shim,) = re.findall(r"^PPid:\t(\d+)", status, re.MULTILINE)
        os.kill(int(shim), signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while not all(procfs.has_ended(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def await_logs(daemon: RunningDaemon, name: str, logs: bytes) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := daemon.client.containers.get(name).logs()) != logs:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_after_a_reboot_containers_have_ended_gone_or_begun_anew(tmp_path: Path) -> None:
    needs_root()
    run = ("run", "-d", "busybox", "sh", "-c", "echo begun; sleep 100000")
    with running_daemon(tmp_path / "root", clears=False) as before:
        for name, options in {
            "plain": ["-p", "80"],
            "goes": ["--rm", "-v", "/volume"],
            "always": ["--restart=always", "-p", "80"],
            "fails": ["--restart=on-failure:3"],
            "stopped": ["--restart=unless-stopped", "--stop-signal=KILL"],
        }.items():
            before.docker(*run[:2], f"--name={name}", *options, *run[2:])
        before.docker("stop", "stopped")
        ended = before.client.containers.get("stopped").attrs["State"]
        for name in ("always", "fails"):
            await_logs(before, name, b"begun\n")
        die_with_the_machine(before)
    enter = ("unshare", "-m", "--propagation=private", "sh", "-c", ANOTHER_BOOT, str(tmp_path / "boot"))
    with running_daemon(tmp_path / "root", enter=enter) as after:
        states = {each.name: each.attrs["State"] for each in after.client.containers.list(all=True, ignore_removed=True)}
        assert states.keys() - {"goes"} == {"plain", "always", "fails", "stopped"}
        assert (states["plain"]["Status"], states["plain"]["ExitCode"]) == ("exited", 255)
        assert states["stopped"] == ended
        for name in ("always", "fails"):
            await_logs(after, name, b"begun\n" * 2)
            assert after.client.containers.get(name).attrs["State"]["Status"] == "running"
        deadline = time.monotonic() + WAIT_SECONDS
        while after.client.containers.list(all=True, filters={"name": "goes"}, ignore_removed=True):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert after.client.volumes.list() == []
        after.docker("start", "plain", "stopped")
        after.docker("rm", "-f", "plain", "stopped", "always", "fails")
        assert "Traceback" not in after.said(), after.said()
