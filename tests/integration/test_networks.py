"""Networks and endpoints on a host of the test's own: what containers have, what is refused, what killed processes leave."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labcore.errors import Forbidden, InUse, InvalidInput, LabcoreError, NotFound, StoreDamaged, Unavailable
from labcore.network import NetlinkError, NetworkDriver, in_namespace, namespace_of, namespaces
from labcore.spec.network import AddressPool, Endpoint, EndpointOptions, Network, NetworkOptions
from tests.conftest import needs_root
from tests.hosts import Host, cable

ROUNDS = int(os.environ.get("LABCORE_NETWORK_ROUNDS", "8"))  # of creating and removing; of killing


class Machine(Host):
    """A host with a driver, which works there."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.notes: list[str] = []
        self.containers = ExitStack()
        self.driver = self.run(lambda: NetworkDriver(root, self.notes.append))

    def do(self, what: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a method of the driver there."""
        return self.run(partial(what, *arguments, **options))

    def create(self, name: str, *subnets: str, **options: Any) -> Network:
        pools = tuple(AddressPool(subnet) for subnet in subnets)
        made = self.do(self.driver.create, NetworkOptions(name=name, pools=pools, **options))
        assert isinstance(made, Network)
        return made

    def container(self) -> Host:
        """Return a namespace that is no container's yet."""
        return self.containers.enter_context(Host())

    def reserve(self, owner: str, network: str, **options: Any) -> Endpoint:
        found = self.do(self.driver.reserve, EndpointOptions(network, **options), owner)
        assert isinstance(found, Endpoint)
        return found

    def connect(self, owner: str, network: str, container: Host, **options: Any) -> Endpoint:
        endpoint = self.reserve(owner, network, **options)
        self.do(self.driver.attach, [endpoint], container.namespace)
        return endpoint

    def other_driver(self) -> NetworkDriver:
        """Return a driver as another process has it."""
        return self.run(lambda: NetworkDriver(self.root))

    def files(self) -> set[str]:
        """Return the files that stand for an address or a link."""
        found = (path for path in (self.root / "network/endpoints").rglob("*") if path.is_file())
        return {path.name for path in found}

    def wait_for(self, condition: Callable[[set[str]], bool]) -> None:
        """Wait until the names of the links are as they should be."""
        end = time.monotonic() + 60
        while not condition(self.links()):
            assert time.monotonic() < end, self.links()
            time.sleep(0.02)

    def settled(self) -> None:
        """Wait until the kernel has removed the links of containers that have ended."""
        self.wait_for(lambda links: not any(name.startswith("veth") for name in links))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    needs_root()
    with Machine(tmp_path) as made, made.containers:
        yield made


# --- what a container has


def test_a_container_has_an_address_and_a_default_route(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/16")
    one = machine.container()
    endpoint = machine.connect("one", "blue", one)
    assert (endpoint.interface, endpoint.ipv4, endpoint.ipv4_gateway) == ("eth0", "10.5.0.2/16", "10.5.0.1")
    assert one.sh("ip -oneline -4 address show eth0").split()[3] == "10.5.0.2/16"
    assert one.sh("ip route show default").split()[:5] == ["default", "via", "10.5.0.1", "dev", "eth0"]
    assert "02:42:0a:05:00:02" in one.sh("ip link show eth0")
    assert one.reaches(machine, "10.5.0.1")
    assert machine.reaches(one, "10.5.0.2")


def test_containers_on_a_network_reach_one_another(machine: Machine) -> None:
    machine.create("blue")
    one, two = machine.container(), machine.container()
    machine.connect("one", "blue", one)
    address = machine.connect("two", "blue", two).ipv4.partition("/")[0]
    assert one.reaches(two, address)


def test_the_links_on_the_host_say_whose_they_are(machine: Machine) -> None:
    network = machine.create("blue")
    endpoint = machine.connect("one", "blue", machine.container())
    links = {each["ifname"]: each for each in json.loads(machine.sh("ip -json -details link"))}
    assert f":{network.id}:" in links[network.bridge]["ifalias"]
    assert links[network.bridge]["ifalias"].endswith(f":{machine.root}/network")
    assert links[endpoint.host_link]["ifalias"].startswith("labcore:")
    assert links[endpoint.host_link]["ifalias"].endswith(f":{endpoint.id}")
    assert links[endpoint.host_link]["master"] == network.bridge
    assert links[endpoint.host_link].get("inet6_addr_gen_mode") == "none"


def test_a_network_of_both_versions(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16", "fd00:5::/64", ipv6=True)
    assert [pool.gateway for pool in network.wanted.pools] == ["10.5.0.1", "fd00:5::1"]
    one, two = machine.container(), machine.container()
    endpoint = machine.connect("one", "blue", one)
    machine.connect("two", "blue", two)
    assert (endpoint.ipv6, endpoint.ipv6_gateway) == ("fd00:5::2/64", "fd00:5::1")
    assert "default via fd00:5::1" in one.sh("ip -6 route")
    assert two.reaches(one, "fd00:5::2")
    assert machine.reaches(one, "fd00:5::2")
    assert one.sh("cat /proc/sys/net/ipv6/conf/eth0/accept_ra") == "0\n"


def test_a_network_of_ipv6_alone(machine: Machine) -> None:
    machine.create("blue", ipv4=False, ipv6=True)
    one = machine.container()
    endpoint = machine.connect("one", "blue", one)
    assert endpoint.ipv4 == ""
    assert endpoint.ipv6.startswith("fd")
    assert one.sh("ip -oneline -4 address show eth0") == ""
    assert one.reaches(machine, endpoint.ipv6_gateway)


def test_a_network_without_ipv6_has_none_of_it(machine: Machine) -> None:
    network = machine.create("blue")
    one = machine.container()
    machine.connect("one", "blue", one)
    assert one.sh("ip -6 -oneline address show eth0") == ""
    assert machine.sh(f"ip -6 -oneline address show {network.bridge}") == ""
    assert one.sh("cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6") == "1\n"
    assert one.sh("cat /proc/sys/net/ipv6/conf/default/disable_ipv6") == "0\n"  # of links that it makes itself
    one.sh("sysctl -qw net.ipv6.conf.default.disable_ipv6=1")
    machine.create("red", ipv6=True)
    assert machine.connect("one", "red", one).interface == "eth1"
    assert one.sh("cat /proc/sys/net/ipv6/conf/eth1/disable_ipv6 /proc/sys/net/ipv6/conf/default/disable_ipv6") == "0\n1\n"


def test_an_internal_network_leads_nowhere(machine: Machine) -> None:
    machine.create("inner", internal=True, ipv6=True)
    one = machine.container()
    endpoint = machine.connect("one", "inner", one)
    assert (endpoint.ipv4_gateway, endpoint.ipv6_gateway) == ("", "")
    assert one.sh("ip route show default; ip -6 route show default") == ""


def test_mtu_and_names_of_interfaces(machine: Machine) -> None:
    options = (("com.docker.network.driver.mtu", "1400"), ("com.docker.network.container_iface_prefix", "lan"), ("x", "y"))
    network = machine.create("blue", options=options)
    machine.create("red")
    one = machine.container()
    assert machine.connect("one", "blue", one).interface == "lan0"
    machine.connect("one", "red", one, driver_options=(("com.docker.network.endpoint.ifname", "wan"),))
    assert "mtu 1400" in one.sh("ip link show lan0")
    assert "mtu 1400" in machine.sh(f"ip link show {network.bridge}")
    assert "mtu 1500" in one.sh("ip link show wan")


def test_sysctls_of_an_interface(machine: Machine) -> None:
    machine.create("blue")
    one = machine.container()
    sysctls = "net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.neigh.IFNAME.base_reachable_time_ms=20000"
    machine.connect("one", "blue", one, driver_options=(("com.docker.network.endpoint.sysctls", sysctls),))
    assert one.sh("cat /proc/sys/net/ipv4/conf/eth0/log_martians") == "1\n"
    assert one.sh("cat /proc/sys/net/ipv4/neigh/eth0/base_reachable_time_ms") == "20000\n"


def test_an_isolated_gateway_is_no_address_of_the_host(machine: Machine) -> None:
    options = (("com.docker.network.bridge.gateway_mode_ipv4", "isolated"),)
    network = machine.create("inner", internal=True, options=options)
    assert machine.sh(f"ip -oneline -4 address show {network.bridge}") == ""


def test_another_machine_may_be_the_gateway(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16", options=(("com.docker.network.bridge.inhibit_ipv4", "1"),))
    one = machine.container()
    machine.connect("one", "blue", one)
    assert machine.sh(f"ip -oneline -4 address show {network.bridge}") == ""
    assert "via 10.5.0.1" in one.sh("ip route show default")


def test_fixed_addresses(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/16", "fd00:5::/64", ipv6=True)
    one = machine.container()
    machine.connect("one", "blue", one, ipv4="10.5.7.7", ipv6="fd00:5::77", mac_address="02:00:00:00:00:77")
    shown = one.sh("ip address show eth0")
    assert all(word in shown for word in ("10.5.7.7/16", "fd00:5::77/64", "02:00:00:00:00:77"))


def test_priority_then_name_decide_who_has_the_default_route(machine: Machine) -> None:
    for name, third in (("alpha", 1), ("beta", 2), ("gamma", 3), ("delta", 4)):
        machine.create(name, f"10.{third}.0.0/16", internal=name == "delta")
    one = machine.container()
    endpoints = [
        machine.reserve("one", name, priority=priority) for name, priority in (("delta", 9), ("gamma", 0), ("beta", 0))
    ]
    machine.do(machine.driver.attach, endpoints, one.namespace)
    assert [endpoint.interface for endpoint in endpoints] == ["eth0", "eth1", "eth2"]
    assert "via 10.2.0.1 dev eth2" in one.sh("ip route show default")
    machine.connect("one", "alpha", one, priority=5)
    assert one.sh("ip route show default").count("via") == 1
    assert "via 10.1.0.1 dev eth3" in one.sh("ip route show default")
    machine.do(machine.driver.disconnect, "one", "alpha", one.namespace)
    assert "via 10.2.0.1 dev eth2" in one.sh("ip route show default")
    assert one.sh("ip -oneline link").count("eth") == 3 * 2  # name, and link/ether
    machine.do(machine.driver.disconnect, "one", "beta", one.namespace)
    machine.do(machine.driver.disconnect, "one", "gamma", one.namespace)
    assert one.sh("ip route show default") == ""


def test_the_callers_thread_stays_where_it_is(machine: Machine) -> None:
    machine.create("blue")
    before = os.readlink("/proc/thread-self/ns/net")
    machine.connect("one", "blue", machine.container())
    assert os.readlink("/proc/thread-self/ns/net") == before
    with pytest.raises(ZeroDivisionError):
        in_namespace(machine.namespace, lambda: 1 // 0)
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_the_namespace_of_a_process_that_has_ended() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(NotFound, match="has ended"), namespace_of(process.pid):
        pass


# --- networks


def test_networks_that_are_always_there(machine: Machine) -> None:
    networks = machine.do(machine.driver.networks)
    assert [(each.wanted.name, each.wanted.driver) for each in networks] == [
        ("bridge", "bridge"),
        ("host", "host"),
        ("none", "null"),
    ]
    assert machine.do(machine.driver.networks) == networks
    assert machine.links() == set()  # its bridge is made when it is needed
    machine.connect("one", "bridge", machine.container())
    assert networks[0].bridge in machine.links()


def test_a_network_is_found_by_name_id_and_beginning_of_its_id(machine: Machine) -> None:
    network = machine.create("blue")
    for word in ("blue", network.id, network.id[:12]):
        assert machine.do(machine.driver.find, word) == network
    with pytest.raises(NotFound, match="there: blue, bridge, host, none"):
        machine.do(machine.driver.find, "red")
    with pytest.raises(NotFound):
        machine.do(machine.driver.find, "")


def test_the_beginning_of_several_ids_is_refused(machine: Machine) -> None:
    for number in range(14):
        machine.create(f"n{number}", f"10.{number}.0.0/24")  # with those that are always there they are 17, of 16 digits
    ids = machine.run(lambda: [each.id for each in machine.driver.networks()])
    twice = next(each[0] for each in ids if sum(other[0] == each[0] for other in ids) > 1)
    with pytest.raises(InvalidInput, match="write more of it"):
        machine.do(machine.driver.find, twice)


def test_subnets_that_are_chosen_avoid_networks_routes_and_resolvers(machine: Machine) -> None:
    machine.sh("ip link add wan type bridge; ip address add 172.17.3.1/24 dev wan; ip link set wan up")
    machine.sh("ip route add 172.19.0.0/16 via 172.17.3.9")
    machine.create("one")
    networks = machine.do(machine.driver.networks)
    subnets = [(each.wanted.name, each.wanted.pools[0].subnet) for each in networks if each.bridge]
    assert subnets == [("bridge", "172.18.0.0/16"), ("one", "172.20.0.0/16")]


REFUSED: list[tuple[dict[str, Any], type[LabcoreError], str]] = [
    ({"name": "blue"}, InUse, "network with name blue already exists"),
    ({"name": "host"}, Forbidden, "not permitted on predefined host network"),
    ({"name": "default"}, Forbidden, "predefined"),
    ({"name": ""}, InvalidInput, "name is empty"),
    ({"name": "x" * 181}, InvalidInput, "at most 180"),
    ({"name": "ï" * 31}, InvalidInput, "each other byte counts for three"),
    ({"driver": "macvlan"}, InvalidInput, "macvlan: its containers are on the host's own wire"),
    ({"driver": "ipvlan"}, InvalidInput, "ipvlan: its containers are on the host's own wire"),
    ({"driver": "overlay"}, InvalidInput, "overlay: it connects the machines of a swarm"),
    ({"driver": "bridged"}, NotFound, 'plugin "bridged" not found'),
    ({"driver": "host"}, Forbidden, "only one instance"),
    ({"ipv4": False}, InvalidInput, "needs IPv4 or IPv6"),
    ({"pools": (AddressPool("10.5.128.0/24"),)}, Forbidden, "overlaps 10.5.0.0/16, which is network blue's"),
    ({"pools": (AddressPool("10.0.0.0/8"),)}, Forbidden, "overlaps"),
    ({"pools": (AddressPool("198.51.100.0/25"),)}, InUse, "route to 198.51.100.0/24"),
    ({"pools": (AddressPool("10.6.0.0/16"), AddressPool("10.7.0.0/16"))}, InvalidInput, "one of each version"),
    ({"pools": (AddressPool("10.6.0.0/32"),)}, InvalidInput, "no room"),
    ({"options": (("com.docker.network.bridge.name", "a/b"),)}, InvalidInput, "interface name"),
    ({"options": (("com.docker.network.bridge.name", "lo"),)}, InUse, "no bridge"),
    ({"options": (("com.docker.network.bridge.name", "blue0"),)}, InUse, "network blue's"),
    ({"options": (("com.docker.network.driver.mtu", "many"),)}, InvalidInput, "com.docker.network.driver.mtu='many'"),
    ({"options": (("com.docker.network.driver.mtu", "1000"),), "ipv6": True}, InvalidInput, "IPv6 needs 1280"),
    ({"options": (("com.docker.network.bridge.enable_icc", "perhaps"),)}, InvalidInput, "true or false"),
    ({"options": (("com.docker.network.bridge.gateway_mode_ipv4", "isolated"),)}, InvalidInput, "--internal"),
]


@pytest.mark.parametrize(("wanted", "kind", "why"), REFUSED, ids=[why for *_, why in REFUSED])
def test_a_network_that_cannot_be(machine: Machine, wanted: dict[str, Any], kind: type[LabcoreError], why: str) -> None:
    machine.create("blue", "10.5.0.0/16", options=(("com.docker.network.bridge.name", "blue0"),))
    machine.sh("ip link add wan type bridge; ip address add 198.51.100.1/24 dev wan; ip link set wan up")
    before = machine.links(), machine.do(machine.driver.networks)
    with pytest.raises(kind, match=why):
        machine.do(machine.driver.create, NetworkOptions(**({"name": "new"} | wanted)))
    assert (machine.links(), machine.do(machine.driver.networks)) == before


@pytest.mark.parametrize("subnet", ["10.5.0.1/16", "10.5.0.0/33", "ten", "10.5.0.0/16/3", ""])
def test_what_is_no_subnet(subnet: str) -> None:
    with pytest.raises(InvalidInput, match="write it as"):
        AddressPool(subnet)


def test_default_pools_run_out(machine: Machine) -> None:
    machine.sh("ip link add wan type bridge; ip link set wan up; ip route add 172.16.0.0/12 dev wan")
    machine.sh(
        "ip route add 192.168.0.0/17 dev wan; ip route add 192.168.128.0/18 dev wan; ip route add 192.168.192.0/19 dev wan"
    )
    assert machine.create("a").wanted.pools[0].subnet == "192.168.240.0/20"  # `bridge` has 192.168.224.0/20
    with pytest.raises(Unavailable, match="--subnet"):
        machine.create("b")
    machine.do(machine.driver.remove, "a")
    assert machine.create("b").wanted.pools[0].subnet == "192.168.240.0/20"


def gone_root(machine: Machine, path: Path, *, container: Host | None = None) -> str:
    """Make a network of another state root, and remove that root; return its bridge."""
    other = machine.run(lambda: NetworkDriver(path))
    bridge = machine.do(other.create, NetworkOptions("lost")).bridge
    if container:
        endpoint = machine.do(other.reserve, EndpointOptions("lost"), "one")
        machine.do(other.attach, [endpoint], container.namespace)
    shutil.rmtree(path)
    assert isinstance(bridge, str)
    return bridge


def tables(machine: Machine) -> list[str]:
    return machine.sh("nft list tables").splitlines()


def test_bridges_and_rules_of_state_roots_that_are_gone_are_pruned(machine: Machine, tmp_path: Path) -> None:
    machine.create("blue")
    own = tables(machine)
    bridge = gone_root(machine, tmp_path / "other")
    assert len(tables(machine)) == 2 * len(own)
    assert bridge in machine.links()
    machine.do(machine.driver.prune, needed=["blue"])
    assert bridge not in machine.links()
    assert tables(machine) == own
    assert machine.notes[-1] == f"removed bridge {bridge}: its state root is gone: {tmp_path / 'other'}"


def test_a_bridge_that_a_container_is_on_stays_though_its_state_root_is_gone(machine: Machine, tmp_path: Path) -> None:
    bridge = gone_root(machine, tmp_path / "other", container=machine.container())
    machine.do(machine.driver.repair)
    assert bridge in machine.links()


def test_a_bridge_of_another_mount_namespace_stays(machine: Machine, tmp_path: Path) -> None:
    machine.create("blue")  # before, or the numbers of its root are those of the one that goes
    bridge = gone_root(machine, tmp_path / "other")
    alias = json.loads(machine.sh(f"ip -json link show {bridge}"))[0]["ifalias"]
    machine.sh(f"ip link set {bridge} alias {alias.replace(str(os.stat('/proc/self/ns/mnt').st_ino), '1')}")
    machine.do(machine.driver.repair)
    assert bridge in machine.links()


def test_subnets_of_state_roots_that_are_gone_are_used_again(machine: Machine, tmp_path: Path) -> None:
    machine.sh("ip link add wan type bridge; ip link set wan up; ip route add 172.16.0.0/12 dev wan")
    machine.sh("ip route add 192.168.0.0/17 dev wan; ip route add 192.168.128.0/18 dev wan")
    machine.create("one")  # and `bridge`
    bridge = gone_root(machine, tmp_path / "other")  # and its `bridge`, which is not made
    machine.create("two")
    assert bridge in machine.links()
    assert machine.create("three").wanted.pools[0].subnet == "192.168.224.0/20"
    assert bridge not in machine.links()
    with pytest.raises(Unavailable, match="all predefined address pools have been fully subnetted"):
        machine.create("four")


def test_a_kernel_without_ipv6(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "IPV6", "/proc/sys/net/nothing")  # a kernel has it or not: for all namespaces
    with pytest.raises(Unavailable, match="no IPv6"):
        machine.create("six", ipv6=True)
    machine.create("four")
    one = machine.container()
    assert one.reaches(machine, machine.connect("one", "four", one).ipv4_gateway)


def test_removing(machine: Machine) -> None:
    network = machine.create("blue")
    machine.connect("one", "blue", machine.container())
    with pytest.raises(Forbidden, match=r"network blue has active endpoints \(name:\"one\" id:\"[0-9a-f]{12}\"\)"):
        machine.do(machine.driver.remove, "blue")
    machine.do(machine.driver.release, "one")
    machine.do(machine.driver.remove, network.id[:10])
    machine.wait_for(lambda links: network.bridge not in links)
    machine.do(machine.driver.repair)
    assert machine.files() == set()
    with pytest.raises(NotFound):
        machine.do(machine.driver.remove, "blue")
    with pytest.raises(InvalidInput, match="pre-defined network"):
        machine.do(machine.driver.remove, "bridge")


def test_a_bridges_name_and_subnet_can_be_used_again_at_once(machine: Machine) -> None:
    for _ in range(5):
        network = machine.create("blue", "10.5.0.0/16", options=(("com.docker.network.bridge.name", "lab1"),))
        assert not network.is_adopted
        machine.do(machine.driver.remove, "blue")
    machine.wait_for(lambda links: "lab1" not in links)


def test_bridges_of_removed_networks_go_later_or_with_the_process(machine: Machine) -> None:
    """Whoever makes and removes networks does not wait while the kernel deletes bridges, and rules in dockerd's chain."""
    machine.sh("iptables-nft --new-chain DOCKER-USER")
    bridges = {machine.create(name).bridge for name in ("blue", "red")}
    script = """
        from labcore.network import removals
        removals.QUIET_SECONDS = 60
        for name in ('blue', 'red'): d.remove(name)
        print(flush=True); sys.stdin.readline()"""
    with running(machine, script) as process:
        links = {link["ifname"]: link for link in json.loads(machine.sh("ip -json link"))}
        assert not any("UP" in links[bridge]["flags"] for bridge in bridges)
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
        process.wait()
    assert not bridges & machine.links()
    assert machine.files() == set()
    assert machine.sh("iptables-nft --list-rules DOCKER-USER").split() == ["-N", "DOCKER-USER"]


def test_a_half_made_bridge_goes_with_its_network(machine: Machine) -> None:
    network = machine.create("blue")
    machine.sh(f"ip link set {network.bridge} alias ''")
    machine.do(machine.driver.remove, "blue")
    machine.wait_for(lambda links: network.bridge not in links)


def test_a_removal_that_was_killed_is_finished(machine: Machine) -> None:
    network = machine.create("blue")
    script = """
        from labcore.network import removals
        removals.QUIET_SECONDS = 60
        d.remove('blue')
        os.kill(os.getpid(), 9)"""
    with running(machine, script, wait=False) as process:
        assert process.wait() == -signal.SIGKILL
    assert network.bridge in machine.links()
    machine.do(machine.driver.repair)
    assert network.bridge not in machine.links()
    assert machine.files() == set()


def test_prune(machine: Machine) -> None:
    for name in ("used", "needed", "free"):
        machine.create(name)
    machine.connect("one", "used", machine.container())
    removed = machine.do(machine.driver.prune, needed=["needed"])
    assert [network.wanted.name for network in removed] == ["free"]
    assert [each.wanted.name for each in machine.do(machine.driver.networks)] == ["bridge", "host", "needed", "none", "used"]


def test_a_bridge_that_was_there_before_is_used_and_stays(machine: Machine) -> None:
    machine.sh("ip link add mine type bridge; ip address add 10.8.0.77/16 dev mine; ip link set mine up")
    network = machine.create("blue", "10.8.0.0/16", options=(("com.docker.network.bridge.name", "mine"),))
    assert network.is_adopted
    one = machine.container()
    machine.connect("one", "blue", one)
    assert one.reaches(machine, "10.8.0.1")
    assert one.reaches(machine, "10.8.0.77")
    machine.do(machine.driver.release, "one")
    machine.do(machine.driver.remove, "blue")
    assert "mine" in machine.links()


def test_the_bridge_of_another_state_root_is_not_used(machine: Machine, tmp_path: Path) -> None:
    options = (("com.docker.network.bridge.name", "lab1"),)
    machine.create("blue", options=options)
    other = machine.run(lambda: NetworkDriver(tmp_path / "other"))
    with pytest.raises(InUse, match="somebody else's"):
        machine.do(other.create, NetworkOptions(name="blue", options=options))
    assert [each.wanted.name for each in machine.do(other.networks)] == ["bridge", "host", "none"]
    network = machine.do(other.create, NetworkOptions(name="blue"))
    assert machine.do(other.repair) == [f"made bridge {machine.do(other.find, 'bridge').bridge} of network bridge"]
    assert {"lab1", network.bridge} <= machine.links()


def test_forwarding_is_switched_on_by_the_first_network_that_needs_it(machine: Machine) -> None:
    machine.sh("echo 0 > /proc/sys/net/ipv4/ip_forward; ip link add wan type bridge; ip link set wan up")
    machine.create("inner", internal=True, ipv6=True)
    assert machine.sh("cat /proc/sys/net/ipv4/ip_forward") == "0\n"
    assert machine.notes == []
    machine.create("outer")
    assert machine.sh("cat /proc/sys/net/ipv4/ip_forward") == "1\n"
    assert machine.notes == ["network outer: switched on net.ipv4.ip_forward"]
    assert machine.sh("cat /proc/sys/net/ipv6/conf/all/forwarding") == "0\n"
    machine.create("six", ipv6=True)
    assert machine.sh("cat /proc/sys/net/ipv6/conf/all/forwarding /proc/sys/net/ipv6/conf/wan/accept_ra") == "1\n2\n"
    assert machine.notes[-1] == "network six: switched on net.ipv6.conf.all.forwarding"
    machine.do(machine.driver.remove, "outer")
    assert machine.sh("cat /proc/sys/net/ipv4/ip_forward") == "1\n"


def test_containers_reach_other_hosts_that_know_the_way(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/16")
    one = machine.container()
    machine.connect("one", "blue", one)
    with Host() as neighbour, cable(machine, neighbour) as (_, address):
        assert one.reaches(neighbour, address)


# --- endpoints


def test_the_lowest_free_address_is_given_out(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/24")
    addresses = [machine.reserve(f"c{number}", "blue").ipv4 for number in range(4)]
    assert addresses == [f"10.5.0.{number}/24" for number in (2, 3, 4, 5)]
    machine.do(machine.driver.release, "c1")
    assert machine.reserve("again", "blue").ipv4 == "10.5.0.3/24"


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        ({"ipv4": "10.6.0.9"}, InvalidInput, "no configured subnet .* 10.6.0.9: network blue has 10.5.0.0/16"),
        ({"ipv4": "10.5.0.1"}, InvalidInput, "gateway"),
        ({"ipv4": "10.5.255.255"}, InvalidInput, "for itself"),
        ({"ipv4": "10.5.0.2"}, InUse, "another container on network blue has it"),
        ({"ipv6": "fd00::2"}, InvalidInput, "user configured subnets: leave it out"),
        ({"driver_options": (("com.docker.network.endpoint.ifname", "a b"),)}, InvalidInput, "interface name"),
        ({"driver_options": (("com.docker.network.endpoint.sysctls", "kernel.x=1"),)}, InvalidInput, "write it as"),
        ({"driver_options": (("com.docker.network.endpoint.sysctls", "net.../x.IFNAME.y=1"),)}, InvalidInput, "write it as"),
    ],
)
def test_an_endpoint_that_cannot_be(machine: Machine, options: dict[str, Any], kind: type[LabcoreError], why: str) -> None:
    machine.create("blue", "10.5.0.0/16")
    machine.reserve("one", "blue")
    before = machine.files()
    with pytest.raises(kind, match=why):
        machine.reserve("two", "blue", **options)
    assert machine.files() == before


def test_an_owner_is_on_a_network_once(machine: Machine) -> None:
    machine.create("blue")
    machine.create("red")
    machine.reserve("one", "blue")
    with pytest.raises(InUse, match="connected to it already"):
        machine.reserve("one", "blue")
    with pytest.raises(InUse, match="interface eth0"):
        machine.reserve("one", "red", driver_options=(("com.docker.network.endpoint.ifname", "eth0"),))
    with pytest.raises(NotFound, match="not connected"):
        machine.do(machine.driver.disconnect, "one", "red")
    with pytest.raises(InvalidInput, match="host"):
        machine.reserve("one", "host")


@pytest.mark.parametrize("owner", ["", "a/b", "a,b", ".", "x" * 101, "a\n"])
def test_an_owner_with_an_odd_name(machine: Machine, owner: str) -> None:
    machine.create("blue")
    with pytest.raises(InvalidInput, match="owner"):
        machine.reserve(owner, "blue")


def test_a_small_network_is_full(machine: Machine) -> None:
    machine.create("small", "10.5.0.0/29")
    for number in range(5):
        machine.reserve(f"c{number}", "small")
    with pytest.raises(InUse, match=r"all addresses of 10\.5\.0\.0/29 are in use"):
        machine.reserve("c5", "small")


def test_what_is_kept_of_an_endpoint_is_read_again(machine: Machine) -> None:
    network = machine.create("blue")
    endpoint = machine.reserve("one", "blue", aliases=("web",), links=(("db", "database"),))
    other = machine.other_driver()
    assert machine.do(other.endpoints, network=network.id) == [endpoint]
    assert machine.do(other.endpoints, owner="one") == [endpoint]
    assert machine.do(other.endpoints, owner="on") == []


def test_release_and_the_death_of_the_namespace_leave_nothing(machine: Machine) -> None:
    machine.create("blue")
    one = machine.container()
    machine.connect("one", "blue", one)
    one.kill()
    machine.do(machine.driver.release, "one")
    machine.do(machine.driver.release, "one")
    machine.settled()
    machine.do(machine.driver.remove, "blue")
    machine.do(machine.driver.repair)
    assert machine.files() == set()


def test_a_released_link_carries_nothing_though_its_namespace_lives(machine: Machine) -> None:
    machine.create("blue")
    one = machine.container()
    endpoint = machine.connect("one", "blue", one)
    machine.do(machine.driver.release, "one")
    assert not machine.reaches(one, endpoint.ipv4.partition("/")[0], wait_seconds=0.3)
    machine.do(machine.driver.repair)
    assert endpoint.host_link not in machine.links()
    assert machine.files() == set()


def test_an_attach_that_fails_leaves_nothing(machine: Machine) -> None:
    machine.create("blue")
    machine.create("red")
    one = machine.container()
    one.sh("ip link add eth1 type bridge")
    endpoints = [machine.reserve("one", name) for name in ("blue", "red")]
    with pytest.raises(NetlinkError, match=r"eth1.*EEXIST"):
        machine.do(machine.driver.attach, endpoints, one.namespace)
    assert not any(name.startswith("veth") for name in machine.links())
    machine.do(machine.driver.release, "one")
    assert machine.files() == set()


def test_an_attach_whose_sysctl_the_kernel_refuses_leaves_nothing(machine: Machine) -> None:
    machine.create("blue")
    one = machine.container()
    options = (("com.docker.network.endpoint.sysctls", "net.ipv4.conf.IFNAME.nonsense=1"),)
    endpoint = machine.reserve("one", "blue", driver_options=options)
    with pytest.raises(InvalidInput, match=r"net\.ipv4\.conf\.eth0\.nonsense: there is no such"):
        machine.do(machine.driver.attach, [endpoint], one.namespace)
    assert endpoint.host_link not in machine.links()
    assert "eth0" not in one.sh("ip link")


# --- faults


def test_a_bridge_that_was_removed_behind_our_back_is_made_again(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16")
    machine.sh(f"ip link del {network.bridge}")
    one = machine.container()
    machine.connect("one", "blue", one)
    assert one.reaches(machine, "10.5.0.1")
    machine.sh(f"ip link del {network.bridge}")
    assert f"made bridge {network.bridge} of network blue" in machine.do(machine.driver.repair)
    assert machine.sh(f"ip -oneline -4 address show {network.bridge}").split()[3] == "10.5.0.1/16"


def test_a_bridge_that_lost_its_address_or_was_set_down_is_mended(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16")
    machine.sh(f"ip address flush dev {network.bridge}; ip link set {network.bridge} down")
    one = machine.container()
    machine.connect("one", "blue", one)
    assert one.reaches(machine, "10.5.0.1")


def test_a_bridge_half_made_is_completed(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16")
    machine.sh(f"ip link del {network.bridge}; ip link add {network.bridge} type bridge")
    one = machine.container()
    machine.connect("one", "blue", one)
    assert one.reaches(machine, "10.5.0.1")


def test_a_link_that_took_the_bridges_name(machine: Machine) -> None:
    network = machine.create("blue", "10.5.0.0/16")
    machine.sh(f"ip link del {network.bridge}; ip link add {network.bridge} type veth")
    with pytest.raises(InUse, match="is no bridge"):
        machine.reserve("one", "blue")
    assert machine.files() == set()


def test_an_address_whose_owner_was_killed_is_given_out_again(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/24")
    script = "d.reserve(EndpointOptions('blue'), 'killed'); print(flush=True); time.sleep(60)"
    with running(machine, script) as process:
        assert machine.reserve("other", "blue").ipv4 == "10.5.0.3/24"
        process.kill()
        process.wait()
    assert machine.reserve("next", "blue").ipv4 == "10.5.0.2/24"


def test_of_many_endpoints_none_is_lost(machine: Machine) -> None:
    """A start looks at few of them; before it refuses it looks at all."""
    machine.create("blue", "10.5.0.0/26")
    script = "for n in range(60): d.reserve(EndpointOptions('blue'), f'killed{n}')\nprint(flush=True); time.sleep(60)"
    with running(machine, script) as process:
        machine.reserve("last", "blue")
        with pytest.raises(InUse, match=r"all addresses of 10\.5\.0\.0/26"):
            machine.reserve("full", "blue")
        process.kill()
        process.wait()
    assert machine.reserve("fixed", "blue", ipv4="10.5.0.61").ipv4 == "10.5.0.61/26"
    for number in range(59):
        machine.reserve(f"again{number}", "blue")


def test_an_endpoint_outlives_the_process_that_has_attached_it(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/24")
    one = machine.container()
    script = f"""
        e = d.reserve(EndpointOptions('blue'), 'one')
        with namespace_of({one.pid}) as ns: d.attach([e], ns)
        print(flush=True); os.kill(os.getpid(), 9)"""
    with running(machine, script) as process:
        process.wait()
    assert machine.reserve("two", "blue").ipv4 == "10.5.0.3/24"
    assert machine.reaches(one, "10.5.0.2")
    one.kill()
    machine.settled()
    assert machine.do(machine.driver.repair)[0] == "released 10.5.0.2 of one"
    assert machine.reserve("three", "blue").ipv4 == "10.5.0.2/24"


def test_endpoints_of_another_boot_are_forgotten(machine: Machine) -> None:
    network = machine.create("blue")
    machine.reserve("one", "blue")
    now = next((machine.root / "network/endpoints").iterdir())
    before = now.with_name("00000000-0000-0000-0000-000000000000.4026531840")
    now.rename(before)
    assert machine.do(machine.driver.endpoints, network=network.id) == []
    machine.do(machine.driver.repair)
    assert not before.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99, "network": {}}', '{"format": 1, "network": {"id": 5}}'])
def test_a_damaged_network_is_named_with_the_cure(machine: Machine, content: str) -> None:
    network = machine.create("blue")
    path = machine.root / "network/networks" / f"blue,{network.id}.json"
    path.write_text(content)
    other = machine.other_driver()
    with pytest.raises(StoreDamaged, match=rf"{path}.*remove the file"):
        machine.do(other.find, "blue")
    assert machine.do(other.find, "bridge").wanted.name == "bridge"


def test_a_damaged_endpoint_is_named_with_the_cure(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/24")
    machine.reserve("one", "blue")
    (path,) = (machine.root / "network/endpoints").glob("*/*.json")
    path.write_text("{}")
    with pytest.raises(StoreDamaged, match=rf"{path}.*remove the file"):
        machine.do(machine.driver.endpoints)
    assert machine.reserve("two", "blue").ipv4 == "10.5.0.3/24"  # its address is still its own
    machine.do(machine.driver.release, "one")
    assert not path.exists()


def test_several_processes_at_once_give_nothing_out_twice(machine: Machine) -> None:
    machine.create("blue", "10.5.0.0/24")
    script = (
        "for n in range(25): print(d.reserve(EndpointOptions('blue'), f'{os.getpid()}-{n}').ipv4)\nprint(flush=True)\ninput()"
    )
    with ExitStack() as stack:
        processes = [stack.enter_context(running(machine, script, wait=False)) for _ in range(4)]
        given = [line for process in processes for line in lines_of(process)]
    assert sorted(given) == sorted(f"10.5.0.{number}/24\n" for number in range(2, 102))


def test_networks_made_by_several_processes_at_once_do_not_overlap(machine: Machine) -> None:
    script = (
        "for n in range(4): print(d.create(NetworkOptions(f'n{os.getpid()}-{n}')).wanted.pools[0].subnet)\nprint(flush=True)"
    )
    with ExitStack() as stack:
        processes = [stack.enter_context(running(machine, script, wait=False)) for _ in range(3)]
        given = [line for process in processes for line in lines_of(process)]
    assert len(set(given)) == 12


def test_a_state_root_whose_maker_was_killed_is_completed(machine: Machine) -> None:
    """Between the directory, in which the lock is, and what is in it."""
    (machine.root / "network").mkdir()
    assert machine.create("blue").bridge in machine.links()


def lines_of(process: "subprocess.Popen[str]") -> Iterator[str]:
    """Yield what a process says until its empty line; fails if it ends before."""
    assert process.stdout is not None
    while (line := process.stdout.readline()) != "\n":
        assert line, f"it has ended with {process.wait()}"
        yield line


# --- cycles


def test_cycles_leave_nothing(machine: Machine) -> None:
    machine.create("red")
    before = set(os.listdir("/proc/self/fd"))
    for number in range(ROUNDS):
        machine.create("blue", ipv6=bool(number % 2))
        one = Host()
        machine.connect("one", "blue", one)
        one.kill()
        machine.do(machine.driver.release, "one")
        machine.do(machine.driver.remove, "blue")
    bridges = {machine.do(machine.driver.find, name).bridge for name in ("bridge", "red")}
    machine.wait_for(lambda links: links <= bridges)
    machine.do(machine.driver.repair)
    assert machine.links() == bridges
    assert machine.files() == set()
    assert set(os.listdir("/proc/self/fd")) <= before


CYCLE = """
while True:
    d.create(NetworkOptions('blue', ipv6=True))
    child = subprocess.Popen(['sleep', 'infinity'], preexec_fn=begin, stdout=subprocess.DEVNULL)
    while os.readlink(f'/proc/{child.pid}/ns/net') == os.readlink('/proc/self/ns/net'): time.sleep(0.001)
    ends = [d.reserve(EndpointOptions(name), str(child.pid)) for name in ('blue', 'bridge')]
    print(flush=True)
    with namespace_of(child.pid) as ns: d.attach(ends, ns)
    d.disconnect(str(child.pid), 'blue', None)
    child.kill(); child.wait()
    d.release(str(child.pid))
    d.remove('blue')
"""


def test_kill_at_random_moments_leaves_nothing(machine: Machine) -> None:
    moments = random.Random(5)
    for _ in range(ROUNDS):
        with running(machine, CYCLE) as process:
            time.sleep(moments.uniform(0, 0.15))
            process.send_signal(signal.SIGKILL)
            process.wait()
        driver = machine.other_driver()
        machine.settled()
        machine.do(driver.repair)
        if "blue" in [each.wanted.name for each in machine.do(driver.networks)]:
            machine.do(driver.remove, "blue")
        bridge = machine.do(driver.find, "bridge").bridge
        machine.wait_for(lambda links, bridge=bridge: links <= {bridge})  # type: ignore[misc]
        machine.do(driver.repair)
        assert machine.links() == {bridge}
        assert machine.files() == set()
    left = {path.name for path in (machine.root / "network/networks").iterdir()}
    assert {name.partition(",")[0] for name in left} == {"bridge", "host", "none"}


PROLOGUE = """
import ctypes, os, subprocess, sys, time
from labcore.network import NetworkDriver, namespace_of
from labcore.spec.network import EndpointOptions, NetworkOptions
libc, starter = ctypes.CDLL(None), os.getpid()
def begin():  # in a network namespace of its own, and never without its starter: it would hold that one's pipe open
    libc.prctl(1, 9)
    libc.unshare(0x40000000)
    os.getppid() == starter or os._exit(1)
d = NetworkDriver(sys.argv[1])
"""


class running:
    """A process on the machine's host that runs a script with a driver `d`; ended at the block's end."""

    def __init__(self, machine: Machine, script: str, *, wait: bool = True) -> None:
        from textwrap import dedent

        words = [*machine.enter(), sys.executable, "-c", PROLOGUE + dedent(script), str(machine.root)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._wait = wait

    def __enter__(self) -> "subprocess.Popen[str]":
        assert self._process.stdout
        if self._wait:
            assert self._process.stdout.readline() == "\n"
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
