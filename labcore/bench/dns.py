"""DNS benchmark: how fast the embedded DNS servers of labcore and dockerd answer a hundred names, asked by sixteen at once.

Both are asked from a container's network namespace, by the same program.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from labcore import procfs
from labcore.bench.measure import Result, Subject, environment, measure
from labcore.bench.network import WIRE, Docker, own_docker
from labcore.bench.peers import PeerFailed, version
from labcore.bench.workspace import workspace
from labcore.network import NetworkDriver, namespace_of
from labcore.network.resolver import process as resolver
from labcore.network.resolver.clients import Client
from labcore.spec.network import EndpointOptions, NetworkOptions

NAMES = [f"name{number}" for number in range(100)]
ASKERS, QUESTIONS = 16, 4000
OURS = "labcore"
# Each asker asks again as soon as it is answered. Written: the seconds that all questions took, and each one's milliseconds.
ASK = """
import json, select, socket, sys, time
names, askers, questions = json.loads(sys.argv[1])
wires = [b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(name)]) + name.encode() + b"\\0\\0\\1\\0\\1" for name in names]
ready, sockets, began, took = select.epoll(), {}, {}, []
def ask(fd):
    began[fd] = time.perf_counter()
    sockets[fd].send(wires[(len(took) + fd) % len(wires)])
start = time.perf_counter()
for _ in range(askers):
    asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asker.connect(("127.0.0.11", 53))
    sockets[asker.fileno()] = asker
    ready.register(asker, select.EPOLLIN)
    ask(asker.fileno())
while len(took) < questions:
    for fd, _ in ready.poll(5) or sys.exit("no answer comes"):
        answer = sockets[fd].recv(512)
        if answer[3] & 15 or answer[6:8] != b"\\0\\1":
            sys.exit("a name is not found")
        took.append((time.perf_counter() - began[fd]) * 1e3)
        ask(fd)
print(json.dumps([time.perf_counter() - start, took]))
"""


class Asking:
    """Questions from a process's network namespace; `latencies` are those of all that were answered, in milliseconds."""

    def __init__(self, pid: int) -> None:
        self._words = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-I", "-S", "-c", ASK]
        self._words.append(json.dumps([NAMES, ASKERS, QUESTIONS]))
        self.latencies: list[float] = []
        self.seconds = 0.0

    def once(self) -> float:
        """Ask all questions; return the seconds that they took. Raises PeerFailed."""
        done = subprocess.run(self._words, capture_output=True, text=True)
        if done.returncode:
            raise PeerFailed(f"DNS: {done.stderr.strip()}")
        seconds, latencies = json.loads(done.stdout)
        self.latencies += latencies
        self.seconds += seconds
        return float(seconds)

    def __str__(self) -> str:
        p99 = statistics.quantiles(self.latencies, n=100)[98]
        return f"{len(self.latencies) / self.seconds:,.0f} queries/s, 99th percentile {p99:.2f} ms"


def bench_dns(rounds: int) -> Iterator[Result]:
    """Measure, and yield the results after every round."""
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        askings, remarks = {OURS: Asking(_in_labcore(work / "state", undo))}, []
        try:
            askings["docker"] = Asking(_in_docker(own_docker(work, undo), undo))
        except (PeerFailed, OSError) as error:
            remarks.append(f"dockerd: {error}")
        where = environment(work, {"dockerd": version("dockerd")} if "docker" in askings else {})
        subjects = [Subject(name, asking.once) for name, asking in askings.items()]
        for measured in measure("dns", subjects, rounds, OURS):
            said = [f"{name}: {asking}" for name, asking in askings.items()]
            yield Result(f"{QUESTIONS:,} questions by {ASKERS} askers", OURS, where, measured.rows(), [*said, *remarks])


def _in_labcore(root: Path, undo: ExitStack) -> int:
    """Return the process of a container whose network has all the names."""
    driver = NetworkDriver(root)
    driver.create(NetworkOptions(name="bench"))
    container = undo.enter_context(subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1))
    undo.callback(container.kill)
    assert container.stdout
    container.stdout.readline()
    endpoint = driver.reserve(EndpointOptions("bench"), "bench", names=NAMES)
    undo.callback(driver.release, "bench")
    with namespace_of(container.pid) as namespace:
        driver.attach([endpoint], namespace)
    resolver.answer(Path(driver.directory), Client("bench", container.pid, procfs.start_time(container.pid) or 0))
    return container.pid


def _in_docker(docker: Docker, undo: ExitStack) -> int:
    network = docker("POST", "/networks/create", {"Name": "bench"})["Id"]
    undo.callback(docker, "DELETE", f"/networks/{network}")
    wanted = {
        "Image": "labcore-bench",
        "Cmd": ["/bin/sleep", "1000"],
        "HostConfig": {"NetworkMode": "bench"},
        "NetworkingConfig": {"EndpointsConfig": {"bench": {"Aliases": NAMES}}},
    }
    container = docker("POST", "/containers/create", wanted)["Id"]
    undo.callback(docker, "DELETE", f"/containers/{container}?force=1")
    docker("POST", f"/containers/{container}/start")
    return int(docker("GET", f"/containers/{container}/json")["State"]["Pid"])
