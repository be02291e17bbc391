"""Endurance of networks: containers come and go on them, and what does the work is killed at random moments. Nothing is left.

`LABCORE_ENDURANCE=1000` is the long form: so many cycles, and a tenth of that kills. Their moments are drawn from a seed, which
is printed; `LABCORE_SEED` names it.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from ipaddress import ip_network
from itertools import combinations, count
from pathlib import Path
from typing import Any

import pytest
import requests
from docker.errors import DockerException

from labcore import procfs
from labcore.locks import Lock
from labcore.network.proxy import PROCESS
from tests.conftest import needs, needs_root
from tests.daemon import RunningDaemon, running_daemon
from tests.hosts import WITH_ENGINE, EngineHost

CYCLES = int(os.environ.get("LABCORE_ENDURANCE", "6"))
KILLS = max(CYCLES // 10, 3)
WORKERS = 2
SETTLE_SECONDS = 15
RESOLVER = "labcore.network.resolver"
# A network and a container on it come and go: its addresses and what it publishes are written while it runs.
WORK = """
import json, os
from labcore.engine.container.create import create
from labcore.engine.container.start import start
from labcore.engine.containers import remove
from labcore.options.create import create_options
from labcore.engine.container.network_connect import connect, disconnect
from labcore.engine.network.objects import remove_network
from labcore.spec.network import EndpointOptions, NetworkOptions

for number in range(int(sys.argv[2])):
    name = f"n{os.getpid()}-{number}"
    engine.networks.create(NetworkOptions(name, ipv6=bool(number % 2)))
    networks = [name, "bridge"] if number % 3 else [name]
    options = create_options("busybox", ["sleep", "1000"], network=networks, publish=["80", "53/udp"])
    container = create(engine, options)
    start(engine, container.id).release()
    found = engine.networks.endpoints(owner=container.id)
    print(json.dumps([[each.ipv4 for each in found], [port.host_port for port in found[0].ports]]), flush=True)
    if number % 3 == 0:
        connect(engine, EndpointOptions("bridge"), container.id)
        disconnect(engine, "bridge", container.id)
    remove(engine, container.id, force=True)
    remove_network(engine, name)
"""

PIDS = """
from labcore.engine.containers import every
print(*(each.state.pid for each in every(engine) if each.state.status == "running"))
"""


class Machine(EngineHost):
    """A host on which workers are let loose."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.before = processes()

    def worker(self, cycles: int) -> "subprocess.Popen[str]":
        words = [*self.enter(), sys.executable, "-P", "-c", WITH_ENGINE + WORK, str(self.root), str(cycles)]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def containers(self) -> list[int]:
        """Return the first processes of the containers that run."""
        return [int(pid) for pid in self.engine(PIDS).split()]

    def addresses(self) -> list[str]:
        """Return the addresses that containers have."""
        return [address for pid in self.containers() for address in addresses_in(pid)]

    def left(self) -> dict[str, object]:
        """Return what there is that should not be there."""
        network = self.root / "network"
        told = "found = engine.networks.find('bridge'); print(found.bridge, found.wanted.pools[0].gateway)"
        bridge, gateway = self.engine(told).split()
        ruleset = json.loads(self.sh("nft -j list ruleset"))["nftables"]
        sets = [item[kind] for item in ruleset for kind in ("set", "map") if kind in item]
        elements = [(each["name"], element) for each in sets for element in each.get("elem", ())]
        return {
            "links": self.links() - {bridge},
            "endpoints": {path.name for path in (network / "endpoints").rglob("*") if path.is_file()},
            "networks": {path.name.partition(",")[0] for path in (network / "networks").iterdir()} - {"bridge", "host", "none"},
            "elements": [each for each in elements if bridge not in json.dumps(each) and each != ("gateways4", gateway)],
            "clients": [path.name for path in network.glob("resolver/*.json")],
            "sockets": [path.name for path in network.rglob("*sock")],
            "processes": {name for pid, name in processes().items() if pid not in self.before},
            "locks": [path.name for path in network.glob("*.lock") if not _is_free(path)],
        }


def addresses_in(pid: int) -> list[str]:
    """Return the addresses that a container has, as its own namespace tells."""
    words = ["ip", "-json", "address", "show", "scope", "global"]
    shown = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", *words], capture_output=True, text=True)
    links = json.loads(shown.stdout) if shown.returncode == 0 else []  # it may have just ended
    # Of addresses that are filtered out ip(8) leaves an empty object.
    return [each["local"] for link in links for each in link.get("addr_info", ()) if each]


def _is_free(path: Path) -> bool:
    with Lock(path) as lock:
        return lock.try_acquire()


def processes() -> dict[int, str]:
    """Return the processes that there are; a test has a box."""
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return {pid: procfs.command_name(pid) for pid in pids if not procfs.has_ended(pid)}


def commands(part: str) -> list[int]:
    """Return the processes whose command line has a part."""
    found = []
    for pid in processes():
        with suppress(OSError):
            if part in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"):
                found.append(pid)
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    needs_root()
    needs("nft", "ip", "nsenter")
    with Machine(tmp_path / "root") as made:
        yield made
        made.clear()


def nothing_is_left(machine: Machine) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while left := {what: found for what, found in machine.left().items() if found}:
        assert time.monotonic() < deadline, f"{left}"
        time.sleep(0.2)


def test_containers_come_and_go_and_leave_nothing(machine: Machine) -> None:
    with ExitStack() as stack:
        workers = [stack.enter_context(machine.worker(CYCLES // WORKERS)) for _ in range(WORKERS)]
        said = [worker.communicate() for worker in workers]
    assert [(worker.returncode, errors) for worker, (_, errors) in zip(workers, said, strict=True)] == [(0, "")] * WORKERS
    assert sum(len(lines.splitlines()) for lines, _ in said) == CYCLES // WORKERS * WORKERS
    machine.clear()
    nothing_is_left(machine)


def victims(machine: Machine, workers: "list[subprocess.Popen[str]]") -> dict[str, list[int]]:
    return {
        "command": [worker.pid for worker in workers],
        "resolver": commands(RESOLVER),
        "proxy": [pid for pid, name in processes().items() if name == PROCESS],
        "container": machine.containers(),
    }


def test_what_is_killed_at_random_moments_leaves_nothing(machine: Machine) -> None:
    seed = os.environ.get("LABCORE_SEED") or os.urandom(4).hex()
    print(f"LABCORE_SEED={seed}, {KILLS} kills")
    moments = random.Random(seed)
    for number in range(KILLS):
        with ExitStack() as stack:
            workers = [stack.enter_context(machine.worker(1000)) for _ in range(WORKERS)]
            for worker in workers:
                stack.callback(worker.kill)
            time.sleep(moments.uniform(0.3, 1.5))
            kind = ("command", "resolver", "proxy", "container")[number % 4]
            for pid in victims(machine, workers)[kind][:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(moments.uniform(0, 0.3))
        addresses = machine.addresses()
        assert len(addresses) == len(set(addresses)), addresses
        machine.clear()
        nothing_is_left(machine)
    with running_daemon(machine.root, enter=machine.enter(), clears=False) as daemon:
        daemon.docker("run", "-d", "--name=web", "-p", "8080:80", "busybox", "sleep", "1000")
        assert daemon.docker("port", "web").stdout.splitlines()[0] == "80/tcp -> 0.0.0.0:8080"


HALF = """
from labcore.engine.container.create import create
from labcore.engine.container.start import start
from labcore.options.create import create_options
from labcore.network import namespace_of
from labcore.spec.network import EndpointOptions, NetworkOptions

container = create(engine, create_options("busybox", ["sleep", "1000"], name="half", network=["bridge"]))
process = start(engine, "half")
process.release()
engine.networks.create(NetworkOptions("net"))
endpoint = engine.networks.reserve(EndpointOptions("net"), container.id)
with namespace_of(process.pid) as namespace:
    engine.networks.attach([endpoint], namespace)
"""


CHANGE = """
import sys
from labcore.engine.container.network_connect import connect, disconnect
from labcore.errors import LabcoreError
from labcore.spec.network import EndpointOptions

try:
    if sys.argv[2] == "connect":
        connect(engine, EndpointOptions("net"), "half")
    else:
        disconnect(engine, "net", "half", force=False)
except LabcoreError as error:
    print(error)
"""


@pytest.mark.parametrize("verb", ["connect", "disconnect"])
def test_who_next_changes_a_containers_networks_undoes_what_a_killed_process_had_begun(machine: Machine, verb: str) -> None:
    """It was killed after the container had got its link, and before its record said so."""
    machine.engine(HALF)
    (pid,) = machine.containers()
    assert len(addresses_in(pid)) == 2
    said = machine.engine(CHANGE, verb)
    assert said == "" if verb == "connect" else "is not connected to network net" in said
    assert len(addresses_in(pid)) == (2 if verb == "connect" else 1)
    if verb == "connect":
        assert machine.engine(CHANGE, "disconnect") == ""
    machine.clear()
    nothing_is_left(machine)


GONE = (DockerException, requests.exceptions.RequestException, OSError, ValueError)  # what a client says of a killed daemon
CLIENTS = 4


def networks_come_and_go(daemon: RunningDaemon, container: str) -> None:
    """Make networks, connect a container to them, disconnect it, and remove them, until the daemon is killed."""
    client = daemon.client_of("1.51")
    with suppress(*GONE):
        for number in count():
            network = client.networks.create(f"{container}-{time.monotonic_ns()}", enable_ipv6=bool(number % 2))
            network.connect(container, aliases=["alias"])
            network.disconnect(container)
            network.remove()


def connected(daemon: RunningDaemon, name: str) -> dict[str, Any]:
    """Return what a daemon says of the networks of a container, which runs: they are those that its namespace has."""
    shown = daemon.client.containers.get(name).attrs
    networks: dict[str, Any] = shown["NetworkSettings"]["Networks"]
    told = [each[key] for each in networks.values() for key in ("IPAddress", "GlobalIPv6Address") if each[key]]
    assert sorted(told) == sorted(addresses_in(shown["State"]["Pid"])), (networks, daemon.said())
    return networks


def all_come_apart(daemon: RunningDaemon, names: list[str]) -> None:
    """Compare what a daemon has with what runs, and have it take all containers from the networks and remove those."""
    made = daemon.client.networks.list(filters={"type": "custom"})
    subnets = [ip_network(pool["Subnet"]) for each in made for pool in each.attrs["IPAM"]["Config"]]
    assert not [pair for pair in combinations(subnets, 2) if pair[0].version == pair[1].version and pair[0].overlaps(pair[1])]
    for name in names:
        for network in connected(daemon, name).keys() - {"bridge"}:
            daemon.client.networks.get(network).disconnect(name)
        assert connected(daemon, name).keys() == {"bridge"}
    for network in made:
        network.remove()


def test_a_daemon_that_is_killed_while_networks_come_and_go_leaves_whole_ones_or_none(machine: Machine) -> None:
    seed = os.environ.get("LABCORE_SEED") or os.urandom(4).hex()
    print(f"LABCORE_SEED={seed}, {KILLS} kills, {CLIENTS} clients")
    moments, names = random.Random(seed), [f"c{number}" for number in range(CLIENTS)]
    for number in range(KILLS + 1):
        with running_daemon(machine.root, enter=machine.enter(), clears=False) as daemon:
            if not number:
                for name in names:
                    daemon.docker("run", "-d", f"--name={name}", "busybox", "sleep", "100000")
            all_come_apart(daemon, names)
            if number == KILLS:
                daemon.docker("rm", "-f", *names)
                daemon.client.networks.create("last").remove()
                break
            with ThreadPoolExecutor(CLIENTS) as pool:
                done = [pool.submit(networks_come_and_go, daemon, name) for name in names]
                time.sleep(moments.uniform(0.1, 1.5))
                daemon.end(signal.SIGKILL)
            for each in done:
                each.result()
            assert "Traceback" not in daemon.said(), daemon.said()
        addresses = machine.addresses()
        assert len(addresses) == len(set(addresses)), addresses
    assert "Traceback" not in daemon.said(), daemon.said()
    assert machine.left()["links"] == set()
    machine.clear()
    nothing_is_left(machine)
