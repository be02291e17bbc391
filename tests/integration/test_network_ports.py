"""Published ports: reserved, held, reachable; the proxy serves what no rule translates; rules that somebody has flushed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from labcore import procfs
from labcore.errors import InUse, InvalidInput, Unavailable
from labcore.network import ports, relays
from labcore.network.proxy import PROCESS, Proxy
from labcore.network.proxy_server import Poller
from labcore.spec.network import Network, PortBinding
from tests.conftest import needs, needs_root
from tests.network import Namespace, ask, serving
from tests.network_rig import HOST, HOST6, NEIGHBOR, Container, Rig, rig

WAIT_SECONDS = 30
MEGABYTES = 32


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Rig]:
    needs_root()
    needs("nft", "ip", "nsenter")
    with rig(tmp_path / "r") as made:
        yield made


@pytest.fixture
def network(made: Rig) -> Network:
    return made.network("first", "172.30.1.0/24")


def published(port: int, host_port: int = 0, host_ip: str = "", last: int = 0) -> PortBinding:
    return PortBinding(port, "tcp", host_ip, host_port, last)


OTHERS: set[int] = set()  # the proxies of other state roots: a daemon that other tests share keeps its own


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(proxies())


def proxies() -> list[int]:
    """Return the proxies that have come since the test began: it has a box, and one state root."""
    pids = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    there = [pid for pid in pids if procfs.command_name(pid) == PROCESS and not procfs.has_ended(pid)]
    return [pid for pid in there if pid not in OTHERS]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- which ports


def bound_ports(place: Namespace, *wanted: PortBinding) -> list[tuple[str, int]]:
    with place.entered(), ports.bind(wanted) as bound:
        return [(port.host_ip, port.host_port) for port in bound.ports]


def test_a_port_is_bound_on_all_addresses_of_both_families(made: Rig) -> None:
    assert bound_ports(made.host, published(80, 8080)) == [("0.0.0.0", 8080), ("::", 8080)]


def test_without_ipv6_a_port_is_bound_on_all_addresses_of_ipv4(made: Rig) -> None:
    made.host.set("net.ipv6.conf.all.disable_ipv6=1")
    assert bound_ports(made.host, published(80, 8080)) == [("0.0.0.0", 8080)]


def test_a_random_port_is_the_same_for_both_families_and_ephemeral(made: Rig) -> None:
    made.host.set("net.ipv4.ip_local_port_range=50000 50003")
    taken = bound_ports(made.host, published(80), published(81))
    assert {port for _, port in taken} <= {50000, 50001, 50002, 50003}
    assert [port for _, port in taken[::2]] == [port for _, port in taken[1::2]]
    assert taken[0] != taken[2]


def test_of_a_range_the_first_free_port_is_bound(made: Rig) -> None:
    with serving(made.host, "host", 8080):
        assert bound_ports(made.host, published(80, 8080, last=8082), published(81, 8080, last=8082))[::2] == [
            ("0.0.0.0", 8081),
            ("0.0.0.0", 8082),
        ]
        with pytest.raises(InUse, match=r"8080-8080|taken"):
            bound_ports(made.host, published(80, 8080, last=8080))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["0.0.0.0", "::", "127.0.0.1"])
def test_a_port_on_which_a_process_listens_is_refused_with_its_name(made: Rig, protocol: str, address: str) -> None:
    with serving(made.host, "host", 8080, addresses=(address,)), pytest.raises(InUse, match=r"8080.*by process \d+ \(python"):
        bound_ports(made.host, PortBinding(80, ports.checked_protocol(protocol), "", 8080))


def test_addresses_have_ports_of_their_own(made: Rig) -> None:
    both = published(80, 8080, "127.0.0.1"), published(80, 8080, HOST), published(80, 8080, "::1")
    assert len(bound_ports(made.host, *both)) == 3
    with pytest.raises(InUse, match="8080"):
        bound_ports(made.host, *both, published(80, 8080))


def test_all_or_none_is_bound(made: Rig) -> None:
    with serving(made.host, "host", 8081), pytest.raises(InUse):
        bound_ports(made.host, published(80, 8080), published(81, 8081))
    assert bound_ports(made.host, published(80, 8080))


def test_what_cannot_be_published_is_refused_by_name(made: Rig) -> None:
    with pytest.raises(InvalidInput, match=r"no address 198\.51\.100\.7"):
        bound_ports(made.host, published(80, 8080, "198.51.100.7"))
    with pytest.raises(InvalidInput, match="sctp"):
        bound_ports(made.host, PortBinding(80, "sctp"))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="sctp"):
        ports.publish_all([(80, "sctp")], [])


def test_publish_all_leaves_what_is_published() -> None:
    assert ports.publish_all([(80, "tcp"), (53, "udp"), (80, "udp")], [published(80, 8080)]) == [
        PortBinding(53, "udp"),
        PortBinding(80, "udp"),
    ]


# --- held, and by whom


def test_a_published_port_is_held_and_free_again_when_it_is_released(made: Rig, network: Network) -> None:
    made.container("c", network, published(80, 8080), serve=False)
    wait_until(proxies)
    with pytest.raises(InUse, match="by another container"):
        bound_ports(made.host, published(80, 8080))
    endpoint = made.endpoints.pop()
    with made.host.entered():
        made.proxy.release(endpoint.id)
    assert bound_ports(made.host, published(80, 8080))


def test_the_proxy_ends_when_nothing_is_published(made: Rig, network: Network, tmp_path: Path) -> None:
    made.container("c", network, published(80, 8080), serve=False)
    wait_until(lambda: len(proxies()) == 1)
    made.container("d", network, published(80, 8081), serve=False)
    assert len(proxies()) == 1
    made.close()
    wait_until(lambda: not proxies())
    assert not (tmp_path / "r" / "proxy.sock").exists()


def test_a_proxy_that_is_kept_serves_the_next_container_and_ends_with_its_keeper(
    made: Rig, network: Network, tmp_path: Path
) -> None:
    made.proxy = Proxy(tmp_path / "r" / "proxy.sock", lambda: made.endpoints, keeps=True)
    made.container("c", network, published(80, 8080), serve=False)
    wait_until(proxies)
    first = proxies()
    with made.host.entered():
        made.proxy.release(made.endpoints.pop().id)
    time.sleep(0.2)
    made.container("d", network, published(80, 8080))
    assert ask(made.host, "tcp:::1:8080") == {"tcp:::1:8080": "d 172.30.1.1"}
    assert proxies() == first
    with made.host.entered():
        made.proxy.release(made.endpoints.pop().id)
    made.proxy.close()
    wait_until(lambda: not proxies())
    assert not (tmp_path / "r" / "proxy.sock").exists()


def test_a_proxy_whose_keeper_is_killed_holds_what_is_published_and_ends(made: Rig, network: Network, tmp_path: Path) -> None:
    container = made.container("c", network)
    keeper = ASKER.replace("lambda: []", "lambda: [], keeps=True") + "import os; os.kill(os.getpid(), 9)"
    path = str(tmp_path / "r" / "proxy.sock")
    made.host(sys.executable, "-c", keeper, path, container.endpoint.ipv4, status=-signal.SIGKILL)
    assert ask(made.host, "tcp:::1:8080") == {"tcp:::1:8080": "c 172.30.1.1"}
    with made.host.entered():
        made.proxy.release("9" * 64)
    wait_until(lambda: not proxies())


def test_a_proxy_that_was_killed_is_started_again_with_all_its_ports(made: Rig, network: Network) -> None:
    made.container("c", network, published(80, 8080))
    wait_until(proxies)
    os.kill(proxies()[0], signal.SIGKILL)
    wait_until(lambda: not proxies())
    with made.host.entered(), pytest.raises(InUse, match="8080"):
        made.proxy.bind([published(80, 8080)])
    assert ask(made.host, f"tcp:{HOST6}:8080") == {f"tcp:{HOST6}:8080": "c 172.30.1.1"}


def test_repair_holds_what_the_records_say_and_names_what_is_taken(made: Rig, network: Network) -> None:
    made.container("c", network, published(80, 8080), serve=False)
    made.container("d", network, published(80, 8081), serve=False)
    wait_until(proxies)
    os.kill(proxies()[0], signal.SIGKILL)
    wait_until(lambda: not proxies())
    with serving(made.host, "host", 8080), made.host.entered():
        assert [str(error).split(": ")[0] for error in made.proxy.restore()] == ["Bind for 0.0.0.0:8080 failed"]
    with made.host.entered():
        assert made.proxy.restore() == []
    made.endpoints.pop(0)
    with made.host.entered():
        assert made.proxy.restore() == []
    assert bound_ports(made.host, published(80, 8080))


ASKER = """
import sys
from pathlib import Path
from tests.network_rig import Rig
from labcore.network.proxy import Proxy
from labcore.spec.network import Endpoint, EndpointOptions, PortBinding
proxy = Proxy(Path(sys.argv[1]), lambda: [])
endpoint = Endpoint("9" * 64, "1" * 64, "c", "veth9", "eth0", "02:42:00:00:00:09", EndpointOptions("first"), ipv4=sys.argv[2])
with proxy.bind([PortBinding(80, "tcp", "", 8080)]) as bound:
    proxy.publish(endpoint.replace(ports=bound.ports), bound)
"""


def test_ports_stay_reachable_when_whoever_asked_for_them_has_ended(made: Rig, network: Network, tmp_path: Path) -> None:
    container = made.container("c", network)
    made.host(sys.executable, "-c", ASKER, str(tmp_path / "r" / "proxy.sock"), container.endpoint.ipv4)
    assert ask(made.host, "tcp:::1:8080") == {"tcp:::1:8080": "c 172.30.1.1"}


@pytest.mark.parametrize(
    "killed",
    [
        "spawn = p._spawn; p._spawn = lambda *words: (spawn(*words), kill())",
        "p._spawn = lambda *words: kill()",
        "bind = p.bind_beside; p.bind_beside = lambda *words: (bind(*words), kill())",
    ],
    ids=["once it runs", "before it runs", "before it has a name"],
)
def test_whoever_is_killed_while_it_starts_the_proxy_leaves_nothing(
    made: Rig, network: Network, tmp_path: Path, killed: str
) -> None:
    script = f"import os; import labcore.network.proxy as p; kill = lambda: os.kill(os.getpid(), 9); {killed}\n{ASKER}"
    made.host(sys.executable, "-c", script, str(tmp_path / "r" / "proxy.sock"), "172.30.1.9/24", status=-signal.SIGKILL)
    with made.host.entered():
        made.proxy.restore()
    wait_until(lambda: not proxies())
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"firewall.lock", "proxy.sock.lock"}
    made.container("c", network, published(80, 8080))
    assert ask(made.host, "tcp:::1:8080") == {"tcp:::1:8080": "c 172.30.1.1"}


# --- served by the proxy


def connected(place: Namespace, address: str, port: int) -> socket.socket:
    with place.entered():
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.settimeout(WAIT_SECONDS)
    made.connect((address, port))
    return made


def listening(place: Namespace, address: str, port: int) -> socket.socket:
    with place.entered():
        made = socket.create_server((address, port))
    made.settimeout(WAIT_SECONDS)
    return made


@pytest.fixture
def container(made: Rig, network: Network) -> Container:
    return made.container("c", network, published(80, 8080), PortBinding(80, "udp", "", 8080), serve=False)


def test_a_connection_is_half_closed_in_both_directions(made: Rig, container: Container) -> None:
    with listening(container, "0.0.0.0", 80) as server, connected(made.host, "::1", 8080) as client:
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            assert accepted.makefile("rb").read() == b"question"
            accepted.sendall(b"answer after the end")
            accepted.shutdown(socket.SHUT_WR)
            assert client.makefile("rb").read() == b"answer after the end"


def test_many_bytes_go_both_ways_at_once(made: Rig, container: Container) -> None:
    data = os.urandom(1 << 20) * MEGABYTES
    with listening(container, "0.0.0.0", 80) as server, connected(made.host, "::1", 8080) as client:
        accepted, _ = server.accept()
        with accepted:
            accepted.settimeout(WAIT_SECONDS)
            senders = [threading.Thread(target=each.sendall, args=(data,)) for each in (client, accepted)]
            for sender in senders:
                sender.start()
            received: dict[socket.socket, bytes] = {}

            def read(each: socket.socket) -> None:
                with each.makefile("rb") as file:
                    received[each] = file.read(len(data))

            readers = [threading.Thread(target=read, args=(each,)) for each in (client, accepted)]
            for reader in readers:
                reader.start()
            for thread in (*senders, *readers):
                thread.join(WAIT_SECONDS * 2)
            assert received == {client: data, accepted: data}


def test_what_a_slow_reader_has_no_room_for_waits_in_a_pipe_and_leaves_none(made: Rig, container: Container) -> None:
    wait_until(proxies)
    held = f"/proc/{proxies()[0]}/fd"
    pieces = [bytes([number]) * size for number, size in enumerate((1, 1 << 16, 3, 1 << 22, 7, (1 << 16) + 1))]
    with listening(container, "0.0.0.0", 80) as server, connected(made.host, "::1", 8080) as client:
        accepted, _ = server.accept()
        with accepted:
            sender = threading.Thread(target=lambda: [client.sendall(piece) for piece in pieces])
            sender.start()
            time.sleep(0.2)
            data = b"".join(pieces)
            assert read_all(accepted, len(data)) == data
            sender.join(WAIT_SECONDS)
    wait_until(lambda: sum(link.startswith("pipe:") for link in links(held)) <= 2)


def links(descriptors: str) -> Iterator[str]:
    """Yield where the descriptors of a process lead; one may be closed meanwhile."""
    for each in Path(descriptors).iterdir():
        with suppress(FileNotFoundError):
            yield os.readlink(each)


def read_all(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        found += connection.recv(1 << 16)
    return bytes(found)


def test_a_container_that_does_not_listen_resets_the_connection(made: Rig, container: Container) -> None:
    with pytest.raises(ConnectionResetError), connected(made.host, "::1", 8080) as client:  # it may come while that waits
        client.recv(1)


def test_a_container_that_resets_is_seen_to_reset(made: Rig, container: Container) -> None:
    with listening(container, "0.0.0.0", 80) as server, connected(made.host, "::1", 8080) as client:
        client.sendall(b"x")
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, relays.RESET)
        accepted.close()
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_released_port_ends_its_connections(made: Rig, container: Container) -> None:
    with listening(container, "0.0.0.0", 80) as server, connected(made.host, "::1", 8080) as client:
        accepted, _ = server.accept()
        made.close()
        with accepted, pytest.raises(ConnectionResetError):
            client.recv(1)


def test_each_udp_client_has_its_own_answers_from_the_address_that_it_asked(made: Rig, container: Container) -> None:
    made.host.ip("address add 2001:db8::77/64 dev eth0 nodad")
    with serving(container, "c", 80):
        answers = ask(made.neighbor, f"udp:{HOST6}:8080", "udp:2001:db8::77:8080")
        again = ask(made.host, "udp:::1:8080", f"udp:{HOST6}:8080")
    assert set(answers.values()) == set(again.values()) == {"c 172.30.1.1"}


def test_udp_sessions_that_are_idle_end(monkeypatch: pytest.MonkeyPatch) -> None:
    poller = Poller()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        port.bind(("127.0.0.1", 0))
        port.setblocking(False)
        client.connect(port.getsockname())
        sessions = relays.Sessions(port, server.getsockname(), poller)
        client.send(b"one")
        poller.turn(1)
        _, first = server.recvfrom(10)
        client.send(b"two")
        poller.turn(1)
        assert server.recvfrom(10) == (b"two", first)
        sessions.expire(time.monotonic() + relays.IDLE_SECONDS + 1)
        monkeypatch.setattr(relays, "SESSIONS", 1)
        client.send(b"three")
        poller.turn(1)
        assert server.recvfrom(10)[1] != first
        sessions.close()


# --- rules


def test_flushed_rules_are_made_again_by_the_next_endpoint(made: Rig, network: Network) -> None:
    made.container("c", network, published(80, 8080))
    target = f"tcp:{HOST}:8080"
    assert ask(made.neighbor, target) == {target: f"c {NEIGHBOR}"}
    made.host("nft", "flush", "ruleset")
    assert ask(made.neighbor, target) == {target: "c 172.30.1.1"}  # by the proxy
    made.container("d", network, published(80, 8081))
    assert ask(made.neighbor, target) == {target: f"c {NEIGHBOR}"}


def test_an_element_that_a_crash_has_left_gives_way(made: Rig, network: Network) -> None:
    made.container("gone", network, published(80, 8080))
    endpoint = made.endpoints[0]
    with made.host.entered():
        made.proxy.release(endpoint.id)
    made.endpoints[0] = endpoint.replace(ports=())
    made.container("next", network, published(80, 8080))
    target = f"tcp:{HOST}:8080"
    assert ask(made.neighbor, target) == {target: f"next {NEIGHBOR}"}


def test_rules_of_others_are_not_touched(made: Rig, network: Network) -> None:
    made.host("nft", "add table ip other; add chain ip other c { type filter hook forward priority 5 ; }")
    made.host("nft", "add rule ip other c counter accept comment mine")
    before = made.host("nft", "list", "table", "ip", "other")
    made.container("c", network, published(80, 8080), serve=False)
    with made.host.entered():
        made.firewall.restore()
        made.firewall.remove_endpoint(network, made.endpoints[0])
    assert made.host("nft", "list", "table", "ip", "other") == before


def elements(place: Namespace) -> str:
    return "\n".join(line for line in place("nft", "list", "ruleset").splitlines() if "elements" in line)


def test_of_what_is_removed_nothing_stays(made: Rig, network: Network) -> None:
    container = made.container("c", network, published(80, 8080), published(81, 8081, "127.0.0.1"), serve=False)
    assert "172.30.1.2" in elements(made.host)
    made.endpoints.clear()
    made.networks.clear()
    with made.host.entered():
        made.firewall.remove_endpoint(network, container.endpoint)
        made.firewall.remove_network(network)
    assert elements(made.host) == ""


def test_without_the_command_the_library_makes_the_rules(made: Rig, network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.network.nftables.shutil.which", lambda _: None)
    with made.host.entered():
        made.firewall.restore()
    assert "br1" in elements(made.host)


def test_a_command_that_crashes_is_an_error(
    made: Rig, network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\nkill -SEGV $$\n")
    (tmp_path / "nft").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with made.host.entered(), pytest.raises(Unavailable, match="signal 11 when it read the tables"):
        made.firewall.restore()


def test_a_saved_ruleset_can_be_loaded(made: Rig) -> None:
    network = made.network("both", "172.30.1.0/24", "fd00:1::/64")
    made.container("c", network, published(80, 8080), serve=False)
    saved = made.host("nft", "list", "ruleset")
    made.host("nft", "flush", "ruleset")
    made.host("nft", "-f", "-", stdin=saved)
    assert made.host("nft", "list", "ruleset") == saved


@pytest.mark.parametrize("command", ["iptables-nft", "iptables-legacy"])
def test_where_dockerd_drops_what_is_forwarded_our_bridges_are_let_through(made: Rig, command: str) -> None:
    needs(command)
    made.host(command, "--new-chain", "DOCKER-USER")
    made.host(command, "--append", "FORWARD", "-j", "DOCKER-USER")
    made.host(command, "--policy", "FORWARD", "DROP")
    network = made.network("first", "172.30.1.0/24")
    inner = made.network("inner", "172.30.2.0/24", internal=True)
    container, alone = made.container("c", network, published(80, 8080)), made.container("alone", inner)
    alone.ip("route add default via 172.30.2.1")
    inside, outside = f"tcp:{HOST}:8080", f"tcp:{NEIGHBOR}:80"
    with serving(made.neighbor, "neighbor", 80):
        assert ask(made.neighbor, inside) == {inside: f"c {NEIGHBOR}"}
        assert ask(container, outside) == {outside: f"neighbor {HOST}"}
        assert ask(alone, outside) == {outside: "timeout"}
    with made.host.entered():
        made.firewall.restore()
        made.firewall.remove_network(inner)
        made.firewall.forget_bridge(inner.bridge)
        made.firewall.add_network(inner.replace(bridge="b+"))  # which is all that begin with "b" to iptables
    assert made.host(command, "--list-rules", "DOCKER-USER").splitlines() == [
        "-N DOCKER-USER",
        "-A DOCKER-USER -o br1 -j ACCEPT",
        "-A DOCKER-USER -i br1 -j ACCEPT",
    ]


@pytest.mark.parametrize("settings", ["net.ipv4.conf.all.rp_filter=1", "net.bridge.bridge-nf-call-iptables=0"])
def test_what_a_host_may_have_set_does_not_matter(made: Rig, settings: str) -> None:
    made.host.set(settings)
    network = made.network("first", "172.30.1.0/24")
    container, other = made.container("c", network, published(80, 8080)), made.container("d", network)
    targets = {"tcp:127.0.0.1:8080": "c 172.30.1.1", f"tcp:{HOST}:8080": f"c {HOST}"}
    assert ask(made.host, *targets) == targets
    inside, direct = f"tcp:{HOST}:8080", f"tcp:{container.ipv4}:80"
    assert ask(made.neighbor, inside) == {inside: f"c {NEIGHBOR}"}
    assert ask(other, inside, direct) == {inside: "c 172.30.1.1", direct: f"c {other.ipv4}"}


def test_at_another_networks_gateway_the_host_is_this_networks_gateway_to_the_container(made: Rig) -> None:
    """A container on both networks would answer that address by the other one, where its own is nobody's."""
    network = made.network("first", "172.30.1.0/24", "fd00:1::/64")
    second = made.network("second", "172.30.2.0/24", "fd00:2::/64")
    made.container("d", second, serve=False)  # a bridge without a carrier has no IPv6
    made.network("bare", "172.30.3.0/24", enable_ip_masquerade="false")
    made.container("c", network, published(80, 8080, "0.0.0.0"), published(80, 8080, "::"))
    seen = {
        "tcp:172.30.1.1:8080": "c 172.30.1.1",
        "tcp:172.30.2.1:8080": "c 172.30.1.1",
        "tcp:fd00:2::1:8080": "c fd00:1::1",
        "tcp:172.30.3.1:8080": "c 172.30.3.1",
    }
    assert ask(made.host, *seen) == seen


@pytest.mark.parametrize("bridge_nf", [0, 1])
def test_without_icc_containers_reach_one_another_by_published_ports_only(made: Rig, bridge_nf: int) -> None:
    made.host.set(f"net.bridge.bridge-nf-call-iptables={bridge_nf}")
    network = made.network("first", "172.30.1.0/24", enable_icc="false")
    container, other = made.container("c", network, published(80, 8080)), made.container("d", network)
    inside, direct = f"tcp:{HOST}:8080", f"tcp:{container.ipv4}:80"
    assert ask(other, inside, direct) == {inside: "c 172.30.1.1", direct: "timeout"}
    other.ip(f"route add {container.ipv4}/32 via 172.30.1.1")  # by the host, then
    assert ask(other, direct) == {direct: "timeout"}


# --- connections that are known


def released(made: Rig, network: Network) -> None:
    """Take the last container's place on the network from it; the container itself stays, and would answer."""
    endpoint = made.endpoints.pop()
    with made.host.entered():
        made.proxy.release(endpoint.id)
        made.firewall.remove_endpoint(network, endpoint)


def answers_to(client: socket.socket) -> str:
    """Return what is heard by a client that goes on from its port."""
    client.settimeout(WAIT_SECONDS)
    client.sendto(b"who are you?", (HOST, 8080))
    return client.recv(100).decode()


def test_a_client_that_keeps_sending_udp_reaches_the_next_container(made: Rig, network: Network) -> None:
    port = PortBinding(80, "udp", "", 8080)
    with made.neighbor.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("0.0.0.0", 5000))
        made.container("one", network, port)
        assert answers_to(client) == f"one {NEIGHBOR}"
        released(made, network)
        made.container("two", network, port)
        assert answers_to(client) == f"two {NEIGHBOR}"


def test_a_client_that_was_sending_before_is_seen_as_itself(made: Rig, network: Network) -> None:
    with made.neighbor.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("0.0.0.0", 5000))
        client.sendto(b"is anybody there?", (HOST, 8080))
        made.container("one", network, PortBinding(80, "udp", "", 8080))
        assert answers_to(client) == f"one {NEIGHBOR}"


def test_a_released_address_has_no_connections_to_a_published_port(made: Rig, network: Network) -> None:
    container = made.container("one", network, PortBinding(80, "udp", "", 8080))
    assert set(ask(made.neighbor, f"udp:{HOST}:8080").values()) == {f"one {NEIGHBOR}"}
    assert container.ipv4 in made.host("cat", "/proc/net/nf_conntrack")
    released(made, network)
    assert container.ipv4 not in made.host("cat", "/proc/net/nf_conntrack")


@pytest.mark.parametrize(
    "words", [(), ("--reverse",), ("--bidir",), ("--udp", "--bytes=1M", "--bitrate=99M"), ("--parallel=4",)]
)
def test_iperf3_measures_through_a_published_port(made: Rig, network: Network, words: tuple[str, ...]) -> None:
    """From another host and localhost, translated, and by `::1` through the proxy: more than sockets hold, so it arrives."""
    needs("iperf3")
    both = (PortBinding(5201, "tcp", "", 5201), PortBinding(5201, "udp", "", 5201))
    web = made.container("web", network, *both, serve=False)
    with subprocess.Popen(web.words("iperf3", "--server", "--forceflush"), stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            while b"listening" not in server.stdout.readline():
                assert server.poll() is None
            for place, address in ((made.neighbor, HOST), (made.host, "127.0.0.1"), (made.host, "::1")):
                said = place("iperf3", "--client", address, "--bytes=64M", "--json", *words)
                end = json.loads(said)["end"]
                assert (end.get("sum_received") or end["sum"])["bytes"], said
        finally:
            server.kill()
