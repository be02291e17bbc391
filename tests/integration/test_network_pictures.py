"""Pictures of networks: what they show is what the kernel has, and a packet is seen wherever it passes."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.errors import InvalidInput, NotFound
from labcore.network import in_namespace, namespace_of
from tests.conftest import as_learner, needs, needs_root
from tests.hosts import Host, cable
from tests.threads import running

pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")

from labcore import lab
from labcore.lab.pictures import net_namespaces, packets
from labcore.lab.pictures.net_namespaces import Namespace
from labcore.lab.pictures.packet_trace import Trace

pytestmark = pytest.mark.usefixtures("nothing_left")


class Machine(Host):
    """A host with an engine of its own; LABCORE_ROOT is its state root."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.engine = Engine(root)
        self._undo = ExitStack()
        self._undo.callback(self.kill)

    def labcore(self, *words: str) -> str:
        command = [*self.enter(), sys.executable, "-m", "labcore", *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def network(self, *words: str) -> None:
        self.labcore("network", "create", *words)
        self._undo.callback(self.labcore, "network", "rm", words[-1])

    def start(self, name: str, *words: str) -> None:
        """Start a container that answers on port 80."""
        self.labcore("run", "-d", "--name", name, *words, "busybox", "sleep", "1000")
        self._undo.callback(self.labcore, "rm", "-f", name)
        with namespace_of(self.pid_of(name)) as namespace:
            self.serve(namespace)

    def serve(self, namespace: int) -> None:
        server = in_namespace(namespace, lambda: socket.create_server(("", 80), family=socket.AF_INET6, dualstack_ipv6=True))
        self._undo.callback(server.close)

    def pid_of(self, name: str) -> int:
        return get(self.engine, name).state.pid

    def close(self) -> None:
        self._undo.close()


@pytest.fixture(scope="module")
def machine(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A host with containers on two networks: web on one, with a port published, shop on both, lonely on the other."""
    needs_root()
    root = tmp_path_factory.mktemp("pictures")
    (root / "images").symlink_to(engine.root / "images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABCORE_ROOT", str(root))
        made = Machine(root)
        try:
            made.network("--ipv6", "--subnet=10.61.0.0/16", "--subnet=fd00:61::/64", "blue")
            made.network("--subnet=10.62.0.0/16", "red")
            made.start("web", "--network", "blue", "-p", "8080:80", "-p", "127.0.0.1:8081:81/udp")
            made.start("shop", "--network", "blue", "--network", "red")
            made.start("lonely", "--network", "red")
            yield made
        finally:
            made.close()


@pytest.fixture
def outside(machine: Machine) -> Iterator[Host]:
    """Another host, on one cable with the machine, which answers on port 80."""
    with Host() as made, cable(machine, made):
        server = made.run(lambda: socket.create_server(("0.0.0.0", 80)))
        yield made
        server.close()


def read(machine: Machine, *containers: net_namespaces.Container) -> list[Namespace]:
    def inside() -> list[Namespace]:
        with net_namespaces.opened(containers, machine.engine) as opened:
            return net_namespaces.read(opened)

    return machine.run(inside)


def address_of(machine: Machine, name: str, begin: str = "10.") -> str:
    """Return the address of a container that begins so."""
    addresses = [address for each in read(machine, name)[1].interfaces for address in each.addresses]
    return next(address for address in addresses if address.startswith(begin)).partition("/")[0]


# --- what the kernel has


def listed(words: list[str], what: str) -> list[dict[str, Any]]:
    """Return what ip(8) says in a namespace."""
    command = [*words, "ip", "-json", "-details", *what.split()]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def test_interfaces_are_those_of_the_kernel(machine: Machine) -> None:
    namespaces = read(machine, "web", "shop", machine.pid_of("lonely"))
    assert [one.label for one in namespaces] == ["host", "web", "shop", "sleep"]
    for one, pid in zip(namespaces, (machine.pid, *map(machine.pid_of, ("web", "shop", "lonely"))), strict=True):
        assert one.inode == Path(f"/proc/{pid}/ns/net").stat().st_ino
        words = ["nsenter", f"--target={pid}", "--net"]
        links = {each["ifindex"]: each for each in listed(words, "address")}
        assert {each.index for each in one.interfaces} == links.keys()
        names = {each["ifname"]: index for index, each in links.items()}
        for each in one.interfaces:
            link = links[each.index]
            assert (each.name, each.is_up) == (link["ifname"], "UP" in link["flags"])
            assert each.mac_address == ("" if each.name == "lo" else link["address"])
            assert each.kind == link.get("linkinfo", {}).get("info_kind", "")
            assert each.bridge == names.get(link.get("master", ""), 0)
            wide = [address for address in link["addr_info"] if address["scope"] != "link"]
            assert list(each.addresses) == [f"{address['local']}/{address['prefixlen']}" for address in wide]
        routes = [route for family in ("-4", "-6") for route in listed(words, f"{family} route") if "gateway" in route]
        assert [(way.destination, way.gateway, way.interface) for way in one.ways] == [
            ("" if route["dst"] == "default" else route["dst"], route["gateway"], route["dev"]) for route in routes
        ]


def test_each_pair_is_found_from_both_of_its_ends(machine: Machine) -> None:
    namespaces = read(machine, "web", "shop", "lonely")
    links = [listed(["nsenter", f"--target={machine.pid_of(name)}", "--net"], "link") for name in ("web", "shop", "lonely")]
    pairs = {
        (place, each["ifindex"]): each["link_index"]
        for place, those in enumerate(links, 1)
        for each in those
        if "link_index" in each
    }
    assert len(pairs) == 4
    for (place, index), peer in pairs.items():
        inside, outside = namespaces[place].interface(index), namespaces[0].interface(peer)
        assert inside is not None
        assert outside is not None
        assert (inside.peer, outside.peer) == ((0, peer), (place, index))


def test_one_whose_peer_is_not_drawn_has_none(machine: Machine) -> None:
    host, web = read(machine, "web")
    assert sum(each.peer is not None for each in host.interfaces) == 1
    assert [each.peer is not None for each in web.interfaces] == [False, True]


def test_a_pair_between_two_containers_and_one_in_a_single_namespace(machine: Machine) -> None:
    with Host() as one, Host() as two:
        one.sh(f"ip link add here type veth peer name there netns {two.pid}; ip link add left type veth peer name right")
        namespaces = read(machine, one.pid, two.pid)
        names = {(place, each.index): each.name for place, one in enumerate(namespaces) for each in one.interfaces}
        found = {each.name: names[each.peer] for one in namespaces[1:] for each in one.interfaces if each.peer}
    assert found == {"here": "there", "there": "here", "left": "right", "right": "left"}


# --- pictures


def test_a_picture_of_all_that_our_bridges_connect(machine: Machine) -> None:
    with Host() as stranger:
        stranger.sh("ip link add eth0 type veth peer name eth1")
        alt = machine.run(lab.network).alt
    begins = [sentence.partition(":")[0] for sentence in alt.split(". ")]
    assert begins[:4] == ["host", "lonely", "shop", "web"]
    assert "bridge of network blue" in alt
    assert "bridge of network red" in alt
    address = address_of(machine, "web")
    assert f"0.0.0.0:8080/tcp → {address}:80" in alt
    assert f"127.0.0.1:8081/udp → {address}:81" in alt


def test_rules_that_somebody_has_flushed_are_not_shown(machine: Machine) -> None:
    machine.sh("nft flush ruleset")
    flushed = machine.run(lab.network).alt
    machine.labcore("network", "repair")
    assert "Published" not in flushed
    assert "Masqueraded" not in flushed
    assert "Published" in machine.run(lab.network).alt


def test_the_calling_thread_stays_where_it_is(machine: Machine) -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    lab.network(machine.pid_of("web"), labels=["web"])
    lab.packet(machine.pid_of("web"), machine.pid_of("shop"), 80)
    assert os.readlink("/proc/thread-self/ns/net") == before


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: lab.network("nobody"), NotFound, "No such container: nobody"),
        (lambda: lab.network(*["web"] * 5), InvalidInput, "up to 4 containers can be drawn, not 5"),
        (lambda: lab.network("web", labels=["a", "b"]), InvalidInput, "2 labels for 1 columns"),
        (lambda: lab.packet("web", "shop", 65536), InvalidInput, "port 65536: ports go from 1 to 65535"),
        (lambda: lab.packet("10.0.0.1", "shop", 80), InvalidInput, "by a container or by the host, not by 10.0.0.1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(machine: Machine, draw: Callable[[], object], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        machine.run(draw)


def test_one_in_the_hosts_own_namespace_is_refused(machine: Machine) -> None:
    with pytest.raises(InvalidInput, match="mine is in the host's own network namespace"):
        machine.run(lambda: lab.network(machine.pid, labels=["mine"]))


def test_no_packet_goes_to_one_without_an_address(machine: Machine) -> None:
    with Host() as bare, pytest.raises(InvalidInput, match="blank has no address"):
        machine.run(lambda: lab.packet("web", bare.pid, 80, labels=["web", "blank"]))


def test_one_that_does_not_run_is_refused(machine: Machine) -> None:
    machine.labcore("create", "--name", "idle", "busybox", "true")
    with pytest.raises(InvalidInput, match="container idle is not running: `labcore start idle`"):
        machine.run(lambda: lab.network("idle"))
    machine.labcore("rm", "idle")


# --- the way of a packet


Traces = list[tuple[list[Namespace], Trace]]


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Traces:
    """Whatever is drawn of packets, in their order."""
    drawn: Traces = []
    draw = packets.draw

    def keep(namespaces: list[Namespace], found: Trace) -> lab.Picture:
        drawn.append((namespaces, found))
        return draw(namespaces, found)

    monkeypatch.setattr(packets, "draw", keep)
    return drawn


def hops(traces: Traces) -> list[tuple[str, str]]:
    """Return where the last packet was seen, by namespace and kind of interface, and what was rewritten there."""
    namespaces, found = traces[-1]
    kinds = {(place, each.name): each.kind for place, one in enumerate(namespaces) for each in one.interfaces}
    rows = []
    for step in packets.steps(namespaces, found)[1:]:
        assert step.sighting
        name = step.sighting.interface
        kind = name if name in ("eth0", "eth1", "lo", "wire") else kinds[step.place, name]
        way = f"{namespaces[step.place].label} {kind} {'out' if step.sighting.is_outgoing else 'in'}"
        rows.append((way, " ".join(filter(None, (step.source_by, step.destination_by)))))
    times = [each.time_us for each in found.sightings]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < found.outcome_us
    return rows


def test_from_a_container_to_another(machine: Machine, traces: Traces) -> None:
    picture = machine.run(lambda: lab.packet("shop", "web", 80))
    assert hops(traces) == [("shop eth0 out", ""), ("host veth in", ""), ("host veth out", ""), ("web eth0 in", "")]
    assert traces[-1][1].outcome == "answered"
    assert "Outcome: answered" in picture.alt


def test_to_a_published_port_on_the_loopback(machine: Machine, traces: Traces) -> None:
    machine.run(lambda: lab.packet("host", "127.0.0.1", 8080))
    assert hops(traces) == [("host bridge out", "masquerade DNAT"), ("host veth out", ""), ("web eth0 in", "")]
    assert traces[-1][1].source.startswith("127.0.0.1:")


def test_to_a_published_port_from_another_host(machine: Machine, outside: Host, traces: Traces) -> None:
    machine.run(lambda: lab.packet(outside.pid, "198.51.100.1", 8080, labels=["outside"]))
    assert hops(traces) == [
        ("outside wire out", ""),
        ("host wire in", ""),
        ("host bridge out", "DNAT"),
        ("host veth out", ""),
        ("web eth0 in", ""),
    ]


def test_to_another_host(machine: Machine, outside: Host, traces: Traces) -> None:
    machine.run(lambda: lab.packet("web", "198.51.100.2", 80, watch=[outside.pid], labels=["web", "outside"]))
    assert hops(traces) == [
        ("web eth0 out", ""),
        ("host veth in", ""),
        ("host bridge in", ""),
        ("host wire out", "masquerade"),
        ("outside wire in", ""),
    ]


def test_ipv6(machine: Machine, traces: Traces) -> None:
    machine.run(lambda: lab.packet("shop", address_of(machine, "web", "fd00:"), 80))
    assert [way for way, _ in hops(traces)] == ["shop eth0 out", "host veth in", "host veth out", "web eth0 in"]
    machine.run(lambda: lab.packet("host", "::1", 8080))  # which the proxy answers
    assert [way for way, _ in hops(traces)] == ["host lo out", "host lo in"]


def test_networks_are_kept_apart(machine: Machine, traces: Traces) -> None:
    picture = machine.run(lambda: lab.packet("lonely", "web", 80))
    namespaces, found = traces[-1]
    assert [namespaces[each.place].label for each in found.sightings] == ["lonely", "host", "host"]
    assert found.outcome == "timeout"
    assert "Outcome: no answer: seen last on lc-" in picture.alt


def test_a_port_on_which_nobody_listens(machine: Machine, traces: Traces) -> None:
    machine.run(lambda: lab.packet("shop", "web", 7))
    assert hops(traces)[-1] == ("web eth0 in", "")
    assert traces[-1][1].outcome == "refused"


def test_a_packet_that_goes_nowhere(machine: Machine, traces: Traces) -> None:
    with Host() as alone:
        picture = machine.run(lambda: lab.packet(alone.pid, "203.0.113.1", 80))
    assert traces[-1][1].sightings == ()
    assert picture.alt.endswith("Outcome: no answer: the packet was on no interface.")


def test_only_the_packet_itself_is_seen(machine: Machine, traces: Traces) -> None:
    """Others that go the same way at the same time are other packets."""
    address = address_of(machine, "web")

    def connect() -> None:
        for _ in range(50):  # nobody accepts them: the server's queue has room for more
            socket.create_connection((address, 80)).close()
            time.sleep(0.002)

    with namespace_of(machine.pid_of("shop")) as namespace, running(lambda: in_namespace(namespace, connect)):
        machine.run(lambda: lab.packet("shop", "web", 80))
    assert len(hops(traces)) == 4


REFUSED = """
from labcore import lab
from labcore.errors import Unavailable
for draw in (lab.network, lambda: lab.network(1), lambda: lab.packet("host", "127.0.0.1", 80)):
    try:
        draw()
    except Unavailable as error:
        print(error)
"""


def test_an_ordinary_user_may_not_look_into_the_machines_networks() -> None:
    done = as_learner(sys.executable, "-P", "-c", REFUSED)
    assert done.stdout.splitlines() == [
        "the network of host may not be looked into from here: run this as root",
        "process 1 may not be looked into from here: run this as root, or choose one of your own",
        "the network of host may not be looked into from here: run this as root",
    ], done.stderr


DRAWN = """
from labcore import lab
print(lab.network().alt)
print(lab.packet("host", "web", 80).alt)
"""


def test_an_ordinary_users_networks_are_in_the_namespace_that_they_share() -> None:
    needs("pasta")
    labcore = shlex.join([sys.executable, "-P", "-m", "labcore"])
    script = f"""
    {labcore} seed busybox; {labcore} run -d --name web -p 18080:80 busybox httpd -f -p 80
    {labcore} rootless {sys.executable} -P -c {shlex.quote(DRAWN)}
    {labcore} rm -f web"""
    done = as_learner("sh", "-ec", script)
    assert done.returncode == 0, done.stderr
    assert "your containers' host: lo 127.0.0.1/8" in done.stdout
    assert "wired to eth0 of web" in done.stdout
    assert re.search(r"your containers' host \S+ out, \S+ → \S+:80. After \S+ µs: web eth0 in, ", done.stdout), done.stdout
