"""Commands that have to do with networks, on a host of the test's own: what containers share, what is refused, what is said."""

import re
from collections.abc import Iterator

import pytest

from tests.conftest import needs, needs_root
from tests.hosts import CommandedHost


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandedHost]:
    needs_root()
    needs("nft", "ip", "nsenter")
    with CommandedHost(tmp_path_factory.mktemp("commands")) as made:
        yield made


@pytest.fixture
def host(place: CommandedHost) -> Iterator[CommandedHost]:
    yield place
    place.clear()


ETC = "cat /etc/hostname /etc/hosts /etc/resolv.conf; hostname; echo $HOSTNAME"


def test_who_joins_a_containers_network_has_its_names_and_files(host: CommandedHost) -> None:
    host.labcore("network", "create", "blue")
    words = ["-d", "--name=web", "--network=blue", "--hostname=box", "--domainname=example.org", "--dns=9.9.9.9"]
    host.labcore("run", *words, "--add-host=there:10.1.2.3", "busybox", "sleep", "1000")
    own = host.labcore("exec", "web", "sh", "-c", ETC)
    assert "10.1.2.3\tthere" in own
    assert host.labcore("run", "--rm", "--network=container:web", "busybox", "sh", "-c", ETC) == own
    host.labcore("run", "-d", "--name=beside", "--network=container:web", "busybox", "sleep", "1000")
    assert host.labcore("exec", "beside", "cat", "/etc/hosts") == host.labcore("exec", "web", "cat", "/etc/hosts")
    third = host.labcore("run", "--rm", "--network=container:beside", "busybox", "sh", "-c", ETC)
    assert third == own, "it is the first one's network"
    host.labcore("exec", "beside", "sh", "-c", "echo 10.9.9.9 later >> /etc/hosts")
    assert "later" in host.labcore("exec", "web", "cat", "/etc/hosts"), "it is the same file"


def test_a_container_outlives_the_one_whose_network_it_has(host: CommandedHost) -> None:
    host.labcore("run", "-d", "--name=web", "busybox", "sleep", "1000")
    host.labcore("run", "-d", "--name=beside", "--network=container:web", "busybox", "sleep", "1000")
    host.labcore("kill", "web")
    assert host.labcore("exec", "beside", "echo", "here") == "here\n"
    host.labcore("stop", "-t", "0", "beside")
    assert "container web is exited: start it first" in host.try_labcore("start", "beside").stderr


def test_the_plan_names_the_networks_that_arrive(host: CommandedHost) -> None:
    for name in ("blue", "red"):
        host.labcore("network", "create", name)
    shown = host.labcore("plan", "busybox", "true")
    assert re.search(r"sync +waits   │ parent: connects network bridge$", shown, re.MULTILINE)
    shown = host.labcore("plan", "--network=name=blue", "--network=name=red,gw-priority=1", "busybox", "true")
    assert re.search(r"parent: connects networks red, blue$", shown, re.MULTILINE)


def test_what_is_switched_on_for_a_network_is_said_in_the_daemons_log(host: CommandedHost) -> None:
    host.sh("echo 0 > /proc/sys/net/ipv4/ip_forward")
    before = host.daemon.said()
    for _ in range(2):
        assert host.try_labcore("run", "--rm", "busybox", "true").stderr == ""
    (line,) = host.daemon.said().removeprefix(before).splitlines()
    assert line.endswith("WARNING network bridge: switched on net.ipv4.ip_forward")
