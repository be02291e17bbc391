"""Gateway modes and trusted host interfaces: who reaches what on docker's networks and on ours, in two worlds built alike."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from labcore.network import NetworkDriver, namespace_of
from labcore.spec.network import AddressPool, EndpointOptions, NetworkOptions, PortBinding
from tests.conformance.conftest import LIMITS
from tests.conformance.test_network_peers import ADDRESSES, Answers, World, dockerd, output
from tests.conftest import needs, needs_root
from tests.network import Namespace, namespace
from tests.network_rig import HOST, HOST6, NEIGHBOR, NEIGHBOR6, host_and_neighbor
from tests.peers import Peers

BRIDGE = "com.docker.network.bridge."
NETWORKS = {  # options
    "routed": {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"},
    "half": {"gateway_mode_ipv6": "routed"},
    "open": {"gateway_mode_ipv4": "nat-unprotected", "gateway_mode_ipv6": "nat-unprotected"},
    "trusting": {"trusted_host_interfaces": "eth0"},
    "apart": {"gateway_mode_ipv4": "routed", "enable_icc": "false"},
    "plain": {},
}
FIRST_PORT = 8080  # each network's container publishes one port, tcp and udp


class Modes(World):
    """A container on each network."""

    def targets(self) -> dict[str, str]:
        found = {"neighbor": f"tcp:{NEIGHBOR}:80", "neighbor v6": f"tcp:{NEIGHBOR6}:80"}
        for number, name in enumerate(NETWORKS):
            for kind in ("tcp", "udp"):
                for address in ("127.0.0.1", "::1", HOST, HOST6):
                    found[f"{kind} {name} at {address}"] = f"{kind}:{address}:{FIRST_PORT + number}"
                for version, address in zip(("v4", "v6"), self.addresses[name], strict=True):
                    for port in (80, 81):
                        found[f"{kind} {name}, {version}, {port}"] = f"{kind}:{address}:{port}"
                    found[f"icmp {name}, {version}"] = f"icmp:{address}"
        return found


def pools(number: int) -> list[str]:
    return [f"172.30.{number}.0/24", f"fd00:1:0:{number}::/64"]


@pytest.fixture(scope="module")
def dockers(peer: Peers, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What reaches what with dockerd."""
    needs("ip", "nsenter")
    with host_and_neighbor() as (host, neighbor), dockerd(peer, host, archive, tmp_path_factory.mktemp("docker")) as docker:
        world = ready(host, neighbor)
        for number, (name, options) in enumerate(NETWORKS.items()):
            words = [f"--subnet={pool}" for pool in pools(number)] + [
                f"--opt={BRIDGE}{key}={of}" for key, of in options.items()
            ]
            output(docker, "network", "create", "--ipv6", *words, name)
            published = [f"--publish={FIRST_PORT + number}:80/{kind}" for kind in ("tcp", "udp")]
            output(docker, "run", *published, "--detach", f"--name={name}", f"--network={name}", *LIMITS, "bb", "sleep", "1000")
            pid, *addresses = output(docker, "inspect", "-f", f"{{{{.State.Pid}}}} {ADDRESSES}", name).split()
            world.places[name], world.addresses[name] = Namespace(int(pid)), addresses
        yield world.matrix()


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """What reaches what with the network driver."""
    needs_root()
    needs("ip", "nsenter")
    with host_and_neighbor() as (host, neighbor), ExitStack() as stack, host.entered():
        world = ready(host, neighbor)
        driver = NetworkDriver(tmp_path_factory.mktemp("labcore"))
        for number, (name, options) in enumerate(NETWORKS.items()):
            named = tuple((f"{BRIDGE}{key}", of) for key, of in options.items())
            driver.create(NetworkOptions(name, pools=tuple(map(AddressPool, pools(number))), ipv6=True, options=named))
            place = stack.enter_context(namespace())
            wanted = [PortBinding(80, kind, "", FIRST_PORT + number) for kind in ("tcp", "udp")]
            endpoint = driver.reserve(EndpointOptions(name), name, ports=wanted)
            stack.callback(driver.release, name)
            with namespace_of(place.pid) as inside:
                driver.attach([endpoint], inside)
            world.places[name] = place
            world.addresses[name] = [text.partition("/")[0] for text in (endpoint.ipv4, endpoint.ipv6)]
        yield world.matrix()


def ready(host: Namespace, neighbor: Namespace) -> Modes:
    neighbor.ip(f"route add 172.30.0.0/16 via {HOST}", f"route add fd00:1::/32 via {HOST6}")  # as a neighbor may do
    with host.entered():
        for limit in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):  # else what is refused soon after another is silence
            Path("/proc/sys/net", limit).write_text("0")
    return Modes(host, neighbor)


def test_gateway_modes_let_through_what_docker_lets_through(dockers: Answers, ours: Answers) -> None:
    different = [
        f"{asker}: {what}: {dockers[asker, what]}, {found}"
        for (asker, what), found in ours.items()
        if found != dockers[asker, what]
    ]
    assert different == []
