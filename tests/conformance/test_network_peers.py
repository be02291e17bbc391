"""The reachability matrix: who reaches what on docker's networks and on ours, in two worlds that are built alike."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labcore.network import NetworkDriver, namespace_of
from labcore.spec.network import AddressPool, EndpointOptions, NetworkOptions, PortBinding
from tests.conformance.conftest import LIMITS, running_dockerd
from tests.conftest import needs, needs_root
from tests.network import Namespace, ask, namespace, serving
from tests.network_rig import HOST, HOST6, NEIGHBOR, NEIGHBOR6, host_and_neighbor
from tests.peers import Peers

DOCUMENT = Path(__file__).parents[2] / "labcore" / "network" / "SECURITY.md"
BEGIN, END = "<!-- matrix: LABCORE_WRITE=1 pytest tests/conformance/test_network_peers.py -->\n", "<!-- end of matrix -->\n"
NETWORKS = {  # subnets, and whether it is internal
    "blue": (("172.30.1.0/24", "fd00:1::/64"), False),
    "green": (("172.30.2.0/24",), False),
    "inner": (("172.30.3.0/24",), True),
}
ON_ALL = (("", 8080, "tcp"), ("", 8080, "udp"))
CONTAINERS = {  # network, and what it publishes: host address, port of the host, protocol
    "web": ("blue", (*ON_ALL, ("127.0.0.1", 8081, "tcp"), (HOST, 8082, "tcp"), ("::1", 8083, "tcp"))),
    "web4": ("green", (("", 8090, "tcp"), ("", 8090, "udp"))),
    "hidden": ("inner", (("", 8099, "tcp"),)),
    "same": ("blue", ()),
    "other": ("green", ()),
    "alone": ("inner", ()),
}
ADDRESSES = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}"
HOST_PORT, LOOPBACK_PORT = 7000, 7001  # services of the host's: on all addresses, and on its loopback only
GATEWAYS = {"172.30.1.1": "blue", "fd00:1::1": "blue", "172.30.2.1": "green", "172.30.3.1": "inner"}
OUTSIDE = {HOST: "host", HOST6: "host", NEIGHBOR: "neighbor", NEIGHBOR6: "neighbor"}
Answers = dict[tuple[str, str], str]  # (who asks, what) -> what came of it


class World:
    """Hosts and containers, and how containers are called by their addresses."""

    def __init__(self, host: Namespace, neighbor: Namespace) -> None:
        self.places = {"host": host, "neighbor": neighbor}
        self.addresses: dict[str, list[str]] = {}  # of containers

    def targets(self) -> dict[str, str]:
        """Return what is asked for, by how it is called in the matrix."""
        found = {
            f"{protocol} {address}:{port}": f"{protocol}:{address}:{port}"
            for protocol in ("tcp", "udp")
            for address in ("127.0.0.1", "::1", HOST, HOST6)
            for port in (8080, 8090)
        }
        for address, port in (("127.0.0.1", 8081), (HOST, 8081), (HOST, 8082), ("::1", 8083), (HOST6, 8083), (HOST, 8099)):
            found[f"tcp {address}:{port}"] = f"tcp:{address}:{port}"
        for name in ("web", "web4", "hidden"):
            for version, address in zip(("", " v6"), self.addresses[name], strict=False):
                for port, kind in ((80, "published"), (81, "unpublished")):
                    found[f"{name}{version}, {kind}"] = f"tcp:{address}:{port}"
        found |= {"host": f"tcp:{HOST}:{HOST_PORT}", "host v6": f"tcp:{HOST6}:{HOST_PORT}"}
        found |= {"host's loopback": f"tcp:{HOST}:{LOOPBACK_PORT}", "inner's gateway": f"tcp:172.30.3.1:{HOST_PORT}"}
        return found | {"neighbor": f"tcp:{NEIGHBOR}:80", "neighbor v6": f"tcp:{NEIGHBOR6}:80"}

    def matrix(self) -> Answers:
        """Ask everything from everywhere."""
        names = {address: name for name, addresses in self.addresses.items() for address in addresses}
        targets = self.targets()
        with ExitStack() as stack:
            stack.enter_context(serving(self.places["host"], "host", HOST_PORT))
            stack.enter_context(serving(self.places["host"], "loopback", LOOPBACK_PORT, addresses=("127.0.0.1", "::1")))
            stack.enter_context(serving(self.places["neighbor"], "neighbor", 80))
            for name in self.addresses:
                stack.enter_context(serving(self.places[name], name, 80, 81))
            found: Answers = {}
            for asker, place in self.places.items():
                answers = ask(place, *targets.values())
                found |= {(asker, what): called(answers[target], names) for what, target in targets.items()}
        return found


def called(answer: str, names: Mapping[str, str]) -> str:
    """Write an answer without addresses: `web sees same`."""
    server, _, peer = answer.partition(" ")
    if not peer:
        return answer
    gateway = f"gateway of {GATEWAYS[peer]}" if peer in GATEWAYS else ""
    return f"{server} sees {names.get(peer) or OUTSIDE.get(peer) or gateway or peer}"


@contextmanager
def hosts() -> Iterator[World]:
    with host_and_neighbor() as (host, neighbor):
        neighbor.ip("route add 172.30.0.0/16 via 192.0.2.1", f"route add fd00:1::/64 via {HOST6}")  # as a neighbor may do
        yield World(host, neighbor)


@contextmanager
def dockerd(peer: Peers, host: Namespace, archive: Path, home: Path) -> Iterator[list[str]]:
    """Run a dockerd on a host, with networks and the image `bb`; yield the words that begin docker's command to it."""
    options = ["--iptables=true", "--ip6tables=true", "--bridge", "", "--exec-opt", "native.cgroupdriver=cgroupfs"]
    with running_dockerd(Peers(host.words(*peer.prefix)), home, *options) as docker:
        output(docker, "import", str(archive), "bb")
        yield docker


def output(words: list[str], *more: str) -> str:
    return subprocess.run([*words, *more], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def dockers(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What reaches what with dockerd."""
    needs("ip", "nsenter")
    with hosts() as world:
        host = world.places["host"]
        with dockerd(peer, host, archive, tmp_path_factory.mktemp("docker")) as docker:
            for name, (pools, internal) in NETWORKS.items():
                words = [f"--subnet={pool}" for pool in pools] + ["--internal"] * internal + ["--ipv6"] * (len(pools) > 1)
                output(docker, "network", "create", *words, name)
            for name, (network, published) in CONTAINERS.items():
                words = [f"--publish={ip and f'[{ip}]:'}{port}:80/{kind}" for ip, port, kind in published]
                words += ["--detach", f"--name={name}", f"--network={network}", *LIMITS]
                output(docker, "run", *words, "bb", "sleep", "1000")
                asked = f"{{{{.State.Pid}}}} {ADDRESSES}"
                pid, *addresses = output(docker, "inspect", "-f", asked, name).split()
                world.places[name], world.addresses[name] = Namespace(int(pid)), addresses
            yield world.matrix()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What reaches what with the network driver."""
    needs_root()
    needs("ip", "nsenter")
    with hosts() as world, ExitStack() as stack, world.places["host"].entered():
        driver = NetworkDriver(tmp_path_factory.mktemp("labcore"))
        for name, (pools, internal) in NETWORKS.items():
            driver.create(NetworkOptions(name, pools=tuple(map(AddressPool, pools)), ipv6=len(pools) > 1, internal=internal))
        for name, (network, published) in CONTAINERS.items():
            place = stack.enter_context(namespace())
            wanted = [PortBinding(80, kind, ip, port) for ip, port, kind in published]
            endpoint = driver.reserve(EndpointOptions(network), name, ports=wanted)
            stack.callback(driver.release, name)
            with namespace_of(place.pid) as inside:
                driver.attach([endpoint], inside)
            world.places[name] = place
            world.addresses[name] = [text.partition("/")[0] for text in (endpoint.ipv4, endpoint.ipv6) if text]
        yield world.matrix()


def test_who_reaches_what_and_is_seen_as_whom_is_as_with_docker(dockers: Answers, ours: Answers) -> None:
    assert {key: (dockers[key], ours[key]) for key in ours if dockers[key] != ours[key]} == {}


def test_the_matrix_in_the_documentation_is_current(ours: Answers) -> None:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("LABCORE_WRITE"):
        DOCUMENT.write_text(f"{before}{BEGIN}{as_table(ours)}{END}{after}")
        return
    assert written == as_table(ours)


def test_beside_a_live_dockerd_both_keep_working(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("d")
    with host_and_neighbor() as (host, neighbor), ExitStack() as stack:
        host.set("net.ipv4.ip_forward=0")  # dockerd switches it on, and then drops what is forwarded for others
        docker = stack.enter_context(dockerd(peer, host, archive, home / "docker"))
        output(docker, "network", "create", "theirs")
        words = ["--detach", "--name=theirs", "--network=theirs", "--publish=9090:80", *LIMITS, "bb", "sleep", "1000"]
        output(docker, "run", *words)
        assert "-P FORWARD DROP" in host("iptables", "-S", "FORWARD")
        theirs = Namespace(int(output(docker, "inspect", "-f", "{{.State.Pid}}", "theirs")))
        ours = stack.enter_context(namespace())
        stack.enter_context(host.entered())
        driver = NetworkDriver(home / "labcore")
        driver.create(NetworkOptions("ours"))
        endpoint = driver.reserve(EndpointOptions("ours"), "ours", ports=[PortBinding(80, "tcp", "", 8080)])
        stack.callback(driver.release, "ours")
        with namespace_of(ours.pid) as inside:
            driver.attach([endpoint], inside)
        for name, place in (("theirs", theirs), ("ours", ours), ("neighbor", neighbor)):
            stack.enter_context(serving(place, name, 80))
        output(docker, "network", "create", "later")
        assert ask(neighbor, f"tcp:{HOST}:9090") == {f"tcp:{HOST}:9090": f"theirs {NEIGHBOR}"}
        assert ask(neighbor, f"tcp:{HOST}:8080") == {f"tcp:{HOST}:8080": f"ours {NEIGHBOR}"}
        for place, other in ((ours, "9090"), (theirs, "8080")):
            answers = ask(place, f"tcp:{NEIGHBOR}:80", f"tcp:{HOST}:{other}")
            assert answers.pop(f"tcp:{NEIGHBOR}:80") == f"neighbor {HOST}"
            assert answers.popitem()[1].split()[0] == ("theirs" if place is ours else "ours")
        assert set(ask(theirs, f"tcp:{endpoint.ipv4.partition('/')[0]}:80").values()) == {"timeout"}
        assert set(ask(ours, f"tcp:{output(docker, 'inspect', '-f', ADDRESSES, 'theirs')}:80").values()) == {"timeout"}


def as_table(answers: Answers) -> str:
    askers = list(dict.fromkeys(asker for asker, _ in answers))
    lines = [f"| asked for | from {' | from '.join(askers)} |\n", f"| --- |{' --- |' * len(askers)}\n"]
    for what in dict.fromkeys(what for _, what in answers):
        lines.append(f"| {what} | " + " | ".join(answers[asker, what] for asker in askers) + " |\n")
    return "".join(lines)
