"""rtnetlink messages: how they are written, and what the kernel says to them."""

import errno
import struct
import sys
from collections.abc import Iterator

import pytest

from labcore.network.links import (
    add_address,
    add_bridge,
    default_route,
    delete_link,
    find_link,
    link_index,
    list_links,
    list_routes,
    set_alias,
    set_down,
    set_up,
)
from labcore.network.netlink import Message, Netlink, NetlinkError, attribute, attributes
from tests.conftest import as_learner, needs_root
from tests.hosts import Host


@pytest.fixture
def host() -> Iterator[Host]:
    needs_root()
    with Host() as made:
        yield made


def request(host: Host, *messages: Message) -> None:
    def inside() -> None:
        with Netlink() as netlink:
            netlink.request(*messages)

    host.run(inside)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"", b"\4\0\7\0"),
        (b"abc", b"\7\0\7\0abc\0"),
        ("abc", b"\x08\0\7\0abc\0"),
        ("abcd", b"\x09\0\7\0abcd\0\0\0\0"),
        (258, b"\x08\0\7\0" + struct.pack("=I", 258)),
        ([b"\4\0\1\0", b"\4\0\2\0"], b"\x0c\0\7\0\4\0\1\0\4\0\2\0"),
    ],
)
def test_an_attribute(value: "bytes | str | int | list[bytes]", written: bytes) -> None:
    assert attribute(7, value) == written


def test_attributes_are_read_as_they_were_written() -> None:
    data = b"head" + attribute(3, "eth0") + attribute(0x8000 | 18, [attribute(1, b"veth")]) + attribute(4, 1500)
    found = attributes(data, 4)
    assert found == {3: b"eth0\0", 18: attribute(1, b"veth"), 4: struct.pack("=I", 1500)}


@pytest.mark.parametrize("data", [b"\1", b"\2\0\1\0", b"\0\0\0\0"])
def test_broken_attributes_are_no_endless_loop(data: bytes) -> None:
    assert attributes(data) == {}


def test_several_requests_in_one_send(host: Host) -> None:
    request(host, add_bridge("one", "02:42:0a:00:00:01", 1400), add_bridge("two", "", 0), set_alias("two", "of a test"))
    shown = host.sh("ip -details -oneline link show one; ip link show two")
    assert "mtu 1400" in shown
    assert "02:42:0a:00:00:01" in shown
    assert "bridge" in shown
    assert "alias of a test" in shown
    assert host.links() == {"one", "two"}


def test_the_first_refusal_is_raised_with_the_kernels_own_words(host: Host) -> None:
    with pytest.raises(NetlinkError, match=r"^RTM_NEWADDR\(address 10.0.0.1/8\): ENODEV .*\): \w+") as raised:
        request(host, add_bridge("one", "", 0), add_address(999, "10.0.0.1/8"), default_route(1, "10.0.0.9"))
    assert raised.value.errno == errno.ENODEV
    assert raised.value.reason
    assert host.links() == {"one"}


def test_a_refusal_without_words(host: Host) -> None:
    with pytest.raises(NetlinkError, match=r"^RTM_SETLINK\(link nobody\): ENODEV \(No such device\)$"):
        request(host, set_alias("nobody", ""))


def test_to_remove_what_is_gone_is_no_failure(host: Host) -> None:
    request(host, add_bridge("one", "", 0), set_down("nobody"), delete_link("one"), delete_link("one"))
    assert host.links() == set()


ASK = """
from labcore.network.links import add_bridge
from labcore.network.netlink import Netlink
try:
    Netlink().request(add_bridge("one", "", 0))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_an_ordinary_user_is_refused_with_the_cure() -> None:
    done = as_learner(sys.executable, "-c", ASK)
    assert done.stdout == (
        "Unavailable bridge one: only root may configure networks (CAP_NET_ADMIN): become root, or use --network none\n"
    ), done.stderr


def test_links_are_found_with_their_kind_bridge_and_alias(host: Host) -> None:
    request(host, add_bridge("one", "", 0), set_alias("one", "my alias"))
    host.sh("ip link add left type veth peer name right; ip link set left master one")

    def inside() -> None:
        with Netlink() as netlink:
            links = {link.name: link for link in list_links(netlink)}
            assert (links["one"].kind, links["one"].alias, links["one"].is_up) == ("bridge", "my alias", True)
            assert (links["left"].kind, links["left"].master, links["left"].is_up) == ("veth", links["one"].index, False)
            assert find_link(netlink, "left") == links["left"]
            assert find_link(netlink, "nobody") is None
            assert link_index("left") == links["left"].index
            assert link_index("nobody") == 0

    host.run(inside)


def test_a_dump_of_more_than_one_answer_is_whole(host: Host) -> None:
    host.sh("for n in $(seq 100); do echo link add dummy$n type bridge; done | ip -batch -")
    names = host.run(lambda: {link.name for link in list_links(Netlink())})
    assert {f"dummy{n}" for n in range(1, 101)} <= names


def test_routes_are_listed_without_local_ones(host: Host) -> None:
    host.sh(
        "ip link add one type bridge; ip address add 10.1.0.1/16 dev one; ip link set one up; ip route add default via 10.1.0.9"
    )
    host.sh(
        "ip route add 10.2.0.0/16 via 10.1.0.7; ip route add unreachable 10.3.0.0/16; ip route add 10.4.0.0/16 dev one table 77"
    )
    routes = host.run(lambda: list_routes(Netlink()))
    found = {(str(route.destination), route.gateway) for route in routes if route.destination.version == 4}
    named = {("10.1.0.0/16", ""), ("10.2.0.0/16", "10.1.0.7"), ("10.4.0.0/16", "")}
    assert found == {*named, ("0.0.0.0/0", "10.1.0.9")}
    assert [route.gateway for route in routes if route.is_default] == ["10.1.0.9"]


def test_an_address_is_usable_at_once(host: Host) -> None:
    request(host, add_bridge("one", "", 0), set_alias("one", ""))
    index = host.run(lambda: link_index("one"))
    request(host, set_up(index), add_address(index, "10.1.0.1/16"), add_address(index, "fd00:1::1/64"))
    request(host, default_route(index, "10.1.0.9"), default_route(index, "fd00:1::9"), default_route(index, "10.1.0.8"))
    shown = host.sh("ip address show one; ip route; ip -6 route")
    assert "10.1.0.1/16 brd 10.1.255.255" in shown
    assert "tentative" not in shown.partition("fd00:1::1/64")[2].partition("\n")[0]
    assert "default via 10.1.0.8" in shown
    assert "10.1.0.9" not in shown
    assert "default via fd00:1::9" in shown
