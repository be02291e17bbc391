"""Network benchmark: the network's part of a container's start, and networks made and removed, beside dockerd.

dockerd is asked through its API, so that no client's start counts.
"""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from labcore.bench.measure import Result, Row, Subject, environment, measure
from labcore.bench.peers import WITH_NETWORKS, PeerFailed, archive_of, own_dockerd, timed, version
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.network import NetworkDriver, namespace_of
from labcore.spec import OverlayRoot
from labcore.spec.network import EndpointOptions, NetworkOptions

RESERVE_AND_ATTACH = "labcore: reserve, attach"
OURS = "labcore"
WITH, WITHOUT = "docker: start, bridge", "docker: start, none"
IN_A_ROW = 5  # networks, made and removed
DELETED_SECONDS = 1.0  # until labcore and the kernel have deleted their bridges
PAUSE_SECONDS = 0.1  # until the kernel has removed the last namespace: it makes others wait meanwhile
WIRE = """
ip link add wire type veth peer name other
ip address add 198.51.100.2/24 dev wire
ip link set wire up
ip link set other up
ip route add default via 198.51.100.1
"""


class Docker:
    """A dockerd's API, on its socket, as far as it is needed here."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request, and return what it answers. Raises PeerFailed."""
        connection = HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(self._path)
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        with connection.getresponse() as answer:
            content = answer.read()
            if answer.status >= 400:
                raise PeerFailed(f"dockerd, {method} {path}: {content.decode(errors='replace')[:200]}")
            return json.loads(content or b"null")

    def start(self, network: str) -> float:
        """Start a container; return the seconds of that request."""
        wanted = {"Image": "labcore-bench", "Cmd": ["/bin/true"], "HostConfig": {"NetworkMode": network}}
        container = self("POST", "/containers/create", wanted)["Id"]
        try:
            start = time.perf_counter()
            self("POST", f"/containers/{container}/start")
            elapsed = time.perf_counter() - start
            self("POST", f"/containers/{container}/wait")
        finally:
            self("DELETE", f"/containers/{container}?force=1")
        time.sleep(PAUSE_SECONDS)
        return elapsed

    def create_and_remove(self) -> None:
        """Make a network and remove it."""
        network = self("POST", "/networks/create", {"Name": "labcore-bench"})["Id"]
        self("DELETE", f"/networks/{network}")


def bench_network(rounds: int) -> Iterator[Result]:
    """Measure, and yield the results after every round."""
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        driver = NetworkDriver(work / "state")
        driver.create(NetworkOptions(name="bench"))
        starts = [Subject(RESERVE_AND_ATTACH, lambda: _connect(driver))]
        networks = [Subject(OURS, lambda: _in_a_row(lambda: driver.remove(driver.create(NetworkOptions(name="other")).id)))]
        remarks = []
        try:
            docker = own_docker(work, undo)
            starts += [Subject(name, partial(docker.start, network)) for name, network in ((WITH, "bridge"), (WITHOUT, "none"))]
            networks.append(Subject("docker", lambda: _in_a_row(docker.create_and_remove)))
        except (PeerFailed, OSError) as error:
            remarks.append(f"dockerd: {error}")
        where = environment(work, {"dockerd": version("dockerd")} if len(networks) > 1 else {})
        for measured in measure("network start", starts, rounds, RESERVE_AND_ATTACH):
            rows = measured.rows()
            yield Result("the network's part of a start", RESERVE_AND_ATTACH, where, rows, remarks + _difference(rows))
        for measured in measure("network create", networks, rounds, OURS):
            yield Result("a network made and removed, in a row", OURS, where, measured.rows(), remarks)


def _connect(driver: NetworkDriver) -> float:
    """Give a new network namespace what a container has; return the seconds."""
    with subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"], stdin=-1, stdout=-1) as container:
        assert container.stdout
        container.stdout.readline()
        with namespace_of(container.pid) as namespace:
            start = time.perf_counter()
            endpoint = driver.reserve(EndpointOptions("bench"), "bench")
            driver.attach([endpoint], namespace)
            elapsed = time.perf_counter() - start
    driver.release("bench")
    time.sleep(PAUSE_SECONDS)
    return elapsed


def _in_a_row(create_and_remove: Callable[[], None]) -> float:
    """Make and remove networks one after the other; return the seconds of one."""
    start = time.perf_counter()
    for _ in range(IN_A_ROW):
        create_and_remove()
    elapsed = (time.perf_counter() - start) / IN_A_ROW
    time.sleep(DELETED_SECONDS)
    return elapsed


def own_docker(work: Path, undo: ExitStack) -> Docker:
    """Start a dockerd with networks, and give it an image. Raises PeerFailed."""
    if not shutil.which("dockerd"):
        raise PeerFailed("not installed")
    engine = Engine(work / "seed")
    engine.seed("busybox")
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    words = undo.enter_context(own_dockerd(work, *WITH_NETWORKS))
    timed([*words, "import", str(archive_of(Path(root.directory, root.layers[0]), work)), "labcore-bench"])
    return Docker(words[2].removeprefix("unix://"))


def _difference(rows: list[Row]) -> list[str]:
    medians = {row.subject: row.median_ms for row in rows}
    if WITH not in medians:
        return []
    more = medians[WITH] - medians[WITHOUT]
    return [
        f"a bridge costs docker {more:.1f} ms more than none: labcore takes {medians[RESERVE_AND_ATTACH] / more:.3f} of that"
    ]
