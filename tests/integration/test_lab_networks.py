"""Networks of lessons: the lab host, links as ip(8) makes them, ports that are passed on, names that are asked for."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest

from labcore import lab, procfs
from labcore.engine import Engine
from labcore.errors import InvalidInput, NotFound, Unavailable
from labcore.lab import cgroups, hosts
from labcore.lab.checks.networks import NetworkView
from labcore.lab.daemons import RunningDaemon
from labcore.lab.pictures.net_namespaces import below
from labcore.native import CloneFlag, Process
from labcore.network import NetlinkError, in_namespace, namespace_of
from labcore.runtime import Plan, ops, spawn
from tests.conftest import needs_root
from tests.daemon import DOCKER

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The lab host of this process."""
    needs_root()
    monkeypatch.delenv(hosts.VARIABLE, raising=False)
    try:
        yield lab.host()
    finally:
        hosts.close()


@pytest.fixture
def box() -> Iterator[Process]:
    """A process with an empty network."""
    needs_root()
    with spawn(Plan([ops.Clone(CloneFlag.NEWNET), ops.Execve(("sleep", "100"), (), ("/bin/sleep",))])) as process:
        yield process
        process.kill()


def wire(host: int, box: Process) -> None:
    """Connect a box with the host, without a bridge."""
    out, inside = lab.ip(host), lab.ip(box.pid)
    out.add_veth("veth2", "peer2")
    out.set_netns("peer2", box.pid, "eth0")
    out.add_address("10.7.0.1/24", "veth2")
    out.set_up("veth2")
    inside.add_address("10.7.0.2/24", "eth0")
    inside.set_up("lo", "eth0")


def test_the_lab_host_is_one_for_a_process_and_for_what_it_starts(host: int) -> None:
    assert lab.host() == host
    assert os.getsid(host) == host  # an interrupt of the notebook goes to its process group
    asks = "from labcore import lab; print(lab.host())"
    assert int(subprocess.run([sys.executable, "-c", asks], check=True, stdout=subprocess.PIPE).stdout) == host
    assert procfs.namespace(host, "net") != procfs.namespace("self", "net")


def test_a_process_of_that_number_in_another_namespace_is_none(host: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hosts.VARIABLE, f"{os.getpid()}:1")
    assert lab.host() not in (host, os.getpid())


def test_the_lab_host_ends_with_who_asked_for_it_first(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_root()
    monkeypatch.delenv(hosts.VARIABLE, raising=False)
    asks = "import os; from labcore import lab; print(lab.host(), flush=True); os.kill(os.getpid(), 9)"
    killed = subprocess.run([sys.executable, "-c", asks], check=False, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 5
    while not procfs.has_ended(int(killed.stdout)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert procfs.has_ended(int(killed.stdout))


def test_links_are_made_moved_and_configured(host: int, box: Process) -> None:
    out, inside = lab.ip(host), lab.ip(box.pid)
    out.add_bridge("lab0")
    out.add_veth("veth2", "peer2")
    out.set_netns("peer2", box.pid, "eth0")
    out.set_master("veth2", "lab0")
    assert (out.has("veth2"), out.has("peer2"), inside.has("eth0")) == (True, False, True)
    inside.add_address("10.7.0.2/24", "eth0")
    inside.set_up("lo", "eth0")
    inside.add_default_route("10.7.0.1")
    assert inside.addresses("eth0") == ["10.7.0.2/24"]
    assert [line.split() for line in repr(inside).splitlines()][1] == ["eth0", "UP", "10.7.0.2/24"]
    seen = NetworkView(box.pid)
    assert seen.gateways == ["10.7.0.1"]
    end = NetworkView(host).link("veth2")
    assert (end.kind, end.master, end.is_up) == ("veth", NetworkView(host).link("lab0").index, False)
    out.delete("veth2")
    assert not inside.has("eth0")


def test_what_cannot_be_is_named(host: int, box: Process) -> None:
    out, inside = lab.ip(host), lab.ip(box.pid)
    with pytest.raises(InvalidInput, match=r"there is no link eth0 in the network of process \d+; there are: lo"):
        inside.set_up("eth0")
    out.add_bridge("lab0")
    with pytest.raises(NetlinkError, match=r"bridge lab0.*File exists"):
        out.add_bridge("lab0")
    with pytest.raises(NetlinkError, match=r"default route by 10\.7\.0\.1"):
        inside.add_default_route("10.7.0.1")
    box.kill()
    box.wait()
    with pytest.raises(NotFound):
        lab.ip(box.pid)


def test_an_address_is_waited_for_and_dialled_from_the_host(host: int, box: Process) -> None:
    lab.background(lambda: (time.sleep(0.3), wire(host, box)))
    assert lab.address(box.pid) == "10.7.0.2"
    with pytest.raises(Unavailable, match="the container has no address"):
        lab.address(None)
    with namespace_of(box.pid) as namespace:
        server = in_namespace(namespace, lambda: socket.create_server(("", 80)))
    with server, lab.dial("10.7.0.2", 80) as connection:
        client, (address, _) = server.accept()
        with client:
            client.sendall(b"hello")
            assert (connection.recv(10), address) == (b"hello", "10.7.0.1")
    with pytest.raises(ConnectionRefusedError):
        lab.dial("10.7.0.2", 80)


def test_connections_are_served_side_by_side_until_it_is_over() -> None:
    over, held = Event(), Event()

    def serve(client: socket.socket) -> None:
        if client.recv(1) == b"w":
            held.wait(10)
            raise ConnectionResetError
        client.sendall(b"done")

    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    lab.accept(listener, serve, until=over.wait)
    with ExitStack() as stack:
        waiting, other = (stack.enter_context(socket.create_connection(address, 5)) for _ in range(2))
        waiting.sendall(b"w")
        other.sendall(b"x")
        assert other.recv(10) == b"done"
        held.set()
        assert waiting.recv(10) == b""
    over.set()
    until_refused(address)


def until_refused(address: tuple[str, int]) -> None:
    """Wait until nobody listens there any more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, 5).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:  # it came while the listener was shut down
            pass
        time.sleep(0.01)
    pytest.fail("somebody listens still")


def test_a_free_port_can_be_listened_at() -> None:
    with socket.create_server(("127.0.0.1", lab.free_port())):
        pass


def test_the_host_below_a_process_is_the_one_with_a_bridge(host: int, box: Process) -> None:
    lab.ip(host).add_bridge("lab0")
    assert below(os.getpid()) == (host, [(box.pid, "sleep")])


def test_pictures_are_drawn_of_the_lab_host(host: int, box: Process) -> None:
    wire(host, box)
    pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")
    drawn = lab.network(box.pid, labels=["box"], of=host)
    assert "eth0 10.7.0.2/24" in drawn.alt
    assert "wired to veth2 of the lab's host" in drawn.alt
    assert "refused" in lab.packet("host", box.pid, 80, labels=["box"], of=host).alt


@pytest.fixture
def shop(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningDaemon]:
    """A lesson's daemon with two containers on a network, one of which listens."""
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    with lab.daemon(images=("busybox",)) as daemon:
        for line in (
            "network create shop",
            "run -d --name web --network shop busybox httpd -f -p 80 -h /etc",
            "run -d --name asker --network shop busybox sleep 1000",
        ):
            labcore(daemon.url, line)
        yield daemon


def labcore(url: str, line: str) -> str:
    command = [sys.executable, "-m", "labcore", "-H", url, *line.split()]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def test_questions_of_names_are_watched(shop: RunningDaemon) -> None:
    with lab.lookups(shop, "asker") as asked:
        labcore(shop.url, "exec asker wget -qO- http://web/hostname")
    assert [(each.name, each.kind) for each in asked.rows] == [("web.", "A"), ("web.", "AAAA")]
    assert asked.rows[0].answer.startswith("172.")
    assert "<code>web.</code>" in asked._repr_html_()
    with lab.lookups(shop, "web") as asked:
        pass
    assert repr(asked) == "(nothing was asked)"


def test_pictures_are_drawn_of_a_lessons_daemon(shop: RunningDaemon) -> None:
    pytest.importorskip("matplotlib", reason="needs matplotlib, which is not installed")
    drawn = lab.network(of=shop)
    assert "bridge of network shop" in drawn.alt
    assert all(f"wired to eth0 of {name}" in drawn.alt for name in ("web", "asker"))
    assert "Outcome: answered" in lab.packet("asker", "web", 80, of=shop).alt


def test_the_stock_docker_command_publishes_a_port_of_the_miniature_daemons(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another container that wants the same port is not started; when the first has ended, nobody listens any more."""
    needs_root()
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path / "state"))
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    monkeypatch.setattr("labcore.lab.lessons._BEGUN", [7])
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "images").symlink_to(engine.root / "images")
    lab.new_store("busybox")
    with ExitStack() as stack:
        stack.callback(cgroups.remove_all)
        served = stack.enter_context(lab.serve())
        port = lab.free_port()
        publish = ["run", "-d", "-p", f"{port}:80", "busybox", "sh", "-c"]
        run = [str(DOCKER), "-H", served.url, *publish]
        subprocess.run([*run, "httpd -p 80 -h /etc; sleep 6"], check=True)
        assert lab.fetch(f"http://127.0.0.1:{port}/passwd", within=10).startswith(b"root:")
        assert "wired to veth2 of the lab's host" in lab.network(of=served).alt
        second = subprocess.run([*run, "true"], check=False, capture_output=True, text=True)
        assert second.returncode == 125
        assert "Address already in use" in second.stderr
        until_refused(("127.0.0.1", port))
