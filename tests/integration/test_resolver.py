"""The embedded DNS server: containers on networks of their own are answered, and it lives as long as somebody needs it."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from labcore import procfs
from labcore.locks import holders
from labcore.network.driver import NetworkDriver
from labcore.network.resolver import clients, process
from labcore.network.resolver.clients import Client
from labcore.network.resolver.server import ADDRESS
from labcore.spec.network import Endpoint, EndpointOptions, NetworkOptions
from tests.conftest import needs_root
from tests.hosts import Host
from tests.watching import is_running

SECONDS = 10.0


class Lan:
    """A host with a network driver, on which containers come to be."""

    def __init__(self, root: Path, undo: ExitStack) -> None:
        needs_root()
        self.root = root
        self._undo = undo
        self.host = undo.enter_context(Host())
        self.driver = self.host.run(lambda: NetworkDriver(root))
        undo.callback(self.end)

    def network(self, name: str, *, internal: bool = False) -> None:
        self.host.run(lambda: self.driver.create(NetworkOptions(name, internal=internal)))

    def container(self, name: str, *networks: str, servers: tuple[str, ...] = (), internal: bool = False) -> Host:
        """Start one, of which the embedded server knows."""
        inside = self._undo.enter_context(Host())
        self.host.run(lambda: self._attach(name, networks, inside))
        self.answer(name, inside, servers, internal=internal)
        return inside

    def _attach(self, name: str, networks: tuple[str, ...], inside: Host) -> list[Endpoint]:
        endpoints = [self.driver.reserve(EndpointOptions(each), name, names=(name, "all")) for each in networks]
        self.driver.attach(endpoints, inside.namespace)
        return endpoints

    def answer(self, name: str, inside: Host, servers: tuple[str, ...] = (), *, internal: bool = False) -> None:
        client = Client(name, inside.pid, procfs.start_time(inside.pid) or 0, servers, internal)
        self.host.run(lambda: process.answer(self.root / "network", client))

    def resolver(self) -> list[int]:
        """Return the process of the server, if there is one."""
        with suppress(FileNotFoundError), (self.root / "network/resolver/lock").open() as lock:
            return holders(lock)
        return []

    def end(self) -> None:
        for pid in self.resolver():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.resolver())


def wait_until(condition: "object", seconds: float = SECONDS) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    with ExitStack() as undo:
        yield Lan(tmp_path, undo)


def ask(inside: Host, name: str, kind: str = "A", *, tcp: bool = False) -> dns.message.Message:
    """Ask the embedded server, at the port where a C library asks."""
    query = dns.message.make_query(name, kind)
    exchange = dns.query.tcp if tcp else dns.query.udp
    return inside.run(lambda: exchange(query, ADDRESS, timeout=SECONDS))


def records(answer: dns.message.Message) -> list[str]:
    return [record.to_text() for rrset in answer.answer for record in rrset]


@contextmanager
def name_server(host: Host, address: str) -> Iterator[list[str]]:
    """Serve DNS at an address of a host: every name is 192.0.2.1, or by TCP 192.0.2.2. Yield the names that were asked for."""
    host.sh(f"ip address add {address}/32 dev lo")
    asked: list[str] = []

    def respond(wire: bytes, last: int) -> bytes:
        query = dns.message.from_wire(wire)
        asked.append(query.question[0].name.to_text())
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(query.question[0].name, 1, "IN", "A", f"192.0.2.{last}"))
        return response.to_wire()

    with (
        host.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp,
        host.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as tcp,
    ):
        udp.bind((address, 53))
        tcp.bind((address, 53))
        tcp.listen()

        def serve_udp() -> None:
            with suppress(OSError):
                while True:
                    wire, sender = udp.recvfrom(4096)
                    if not wire:
                        return
                    made = respond(wire, 1)
                    udp.sendto(bytes((made[0] ^ 1, *made[1:-1], 9)), sender)  # somebody guesses, with another ID
                    udp.sendto(made, sender)

        def serve_tcp() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = tcp.accept()
                    with connection:
                        wire = connection.recv(4096)
                        made = respond(wire[2:], 2)
                        connection.sendall(len(made).to_bytes(2) + made)

        threads = [threading.Thread(target=each) for each in (serve_udp, serve_tcp)]
        for thread in threads:
            thread.start()
        try:
            yield asked
        finally:
            host.run(lambda: wake(address))
            tcp.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(SECONDS)


def wake(address: str) -> None:
    """Send an empty datagram: whoever waits for questions ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", (address, 53))


def test_containers_of_a_network_find_one_another_by_name(lan: Lan) -> None:
    lan.network("one")
    lan.network("two")
    web = lan.container("web", "one")
    db = lan.container("db", "one", "two")
    far = lan.container("far", "two")
    assert len(lan.resolver()) == 1, "one process answers all of them"
    found = records(ask(web, "db"))
    assert found == [lan.driver.endpoints(owner="db")[0].ipv4.partition("/")[0]]
    assert records(ask(web, "db.one")) == found
    assert records(ask(web, "DB", tcp=True)) == found
    reverse = ".".join(reversed(found[0].split("."))) + ".in-addr.arpa"
    assert records(ask(web, reverse, "PTR")) == ["db.one."]
    assert ask(web, "far").rcode() == dns.rcode.SERVFAIL, "it is on another network, and nobody else is to be asked"
    assert records(ask(far, "db")) == [lan.driver.endpoints(owner="db")[1].ipv4.partition("/")[0]]
    assert len(records(ask(db, "all"))) == 2
    assert db.reaches(web, records(ask(db, "web"))[0])


def test_who_has_gone_is_not_found_and_who_comes_is(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    assert ask(web, "db").rcode() == dns.rcode.SERVFAIL
    lan.container("db", "one")
    assert records(ask(web, "db"))
    lan.host.run(lambda: lan.driver.release("db"))
    assert ask(web, "db").rcode() == dns.rcode.SERVFAIL


def test_other_names_are_asked_of_others(lan: Lan) -> None:
    lan.network("one")
    lan.network("closed", internal=True)
    with name_server(lan.host, "198.51.100.53") as asked:
        web = lan.container("web", "one", servers=("198.51.100.99", "198.51.100.53"))
        answer = ask(web, "example.com")
        assert records(answer) == ["192.0.2.1"], "the answer with another ID is not believed"
        assert records(ask(web, "example.org", tcp=True)) == ["192.0.2.2"]
        assert asked == ["example.com.", "example.org."]
        hidden = lan.container("hidden", "closed", servers=("198.51.100.53",), internal=True)
        assert ask(hidden, "secret.example.com").rcode() == dns.rcode.SERVFAIL
        assert len(asked) == 2, "from a network without a way out nothing gets out by names either"


def test_a_program_inside_may_serve_names_itself(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    with web.run(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as own:
        own.bind(("0.0.0.0", 53))
        assert records(ask(web, "web"))


def test_the_server_ends_when_nobody_is_left_and_keeps_no_namespace(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    link = lan.driver.endpoints(owner="web")[0].host_link
    assert link in lan.host.links()
    web.kill()
    wait_until(lambda: link not in lan.host.links())
    wait_until(lambda: not lan.resolver())
    assert not (lan.root / "network/resolver/sock").exists()
    again = lan.container("again", "one")
    assert records(ask(again, "again"))


def test_the_server_ends_with_its_last_client_also_when_the_state_root_has_gone(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    (server,) = lan.resolver()
    (lan.root / "network").rename(lan.root / "elsewhere")
    web.kill()
    wait_until(lambda: not is_running(server))
    (lan.root / "elsewhere").rename(lan.root / "network")


def test_a_killed_server_is_made_anew_and_knows_its_clients(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    (killed,) = lan.resolver()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not lan.resolver())
    lan.container("db", "one")
    assert lan.resolver() != [killed]
    assert records(ask(web, "db"))


def test_repair_has_names_answered_again_and_removes_what_a_killed_server_has_left(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    for pid in lan.resolver():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lan.resolver())
    lan.host.run(lan.driver.repair)
    assert records(ask(web, "web"))
    for pid in lan.resolver():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not lan.resolver())
    web.kill()
    lan.host.run(lan.driver.repair)
    assert {path.name for path in (lan.root / "network/resolver").iterdir()} == {"lock", "log"}


def test_a_file_of_a_process_that_is_no_more_is_nobodys(lan: Lan) -> None:
    lan.network("one")
    web = lan.container("web", "one")
    (lan.root / "network/resolver/web.json").write_text("{")
    clients.save(lan.root / "network/resolver", Client("stranger", pid=1, pid_start=0))
    lan.answer("web", web)
    assert records(ask(web, "web"))
    assert {path.name for path in (lan.root / "network/resolver").glob("*.json")} == {"web.json"}


def test_a_flood_from_one_does_not_keep_others_from_being_answered(lan: Lan) -> None:
    lan.network("one")
    web, other = lan.container("web", "one"), lan.container("other", "one")
    wire = dns.message.make_query("web", "A").to_wire()
    with other.udp("0.0.0.0") as noise:
        for number in range(3000):
            noise.sendto(number.to_bytes(2) + wire[2 : 2 + number % len(wire)], (ADDRESS, 53))
    assert records(ask(web, "other"))
