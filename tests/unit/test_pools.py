"""Address pools: subnets that nobody has, addresses that are given out once."""

import pytest

from labcore.errors import InUse, InvalidInput, Unavailable
from labcore.network.links import Route
from labcore.network.pools import allocate, check_address, check_given, check_subnet, choose_subnet, complete
from labcore.spec.addresses import mac_of, parse_address, parse_prefix
from labcore.spec.network import AddressPool, EndpointOptions

ID = "0123456789" + "ab" * 27


def route(destination: str, *, gateway: bool = False, link: int = 7) -> Route:
    return Route(parse_prefix(destination), "10.0.0.9" if gateway else "", link)


@pytest.mark.parametrize(
    ("text", "first", "last", "written"),
    [
        ("172.18.0.0/16", 0xAC120000, 0xAC12FFFF, "172.18.0.0/16"),
        ("10.0.0.5", 0x0A000005, 0x0A000005, "10.0.0.5/32"),
        ("10.0.0.5/0", 0, 0xFFFFFFFF, "0.0.0.0/0"),
        ("FD00:1:0::/64", 0xFD000001 << 96, (0xFD000001 << 96) + 2**64 - 1, "fd00:1::/64"),
    ],
)
def test_prefix(text: str, first: int, last: int, written: str) -> None:
    prefix = parse_prefix(text)
    assert (prefix.number, prefix.last, str(prefix)) == (first, last, written)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.256", "10.0.0.1/33", "10.0.0.1/x", "10.0.0.1/٣", "::1/129", ":", "1.2.3.4\0", "a.b.c.d", "/8"],
)
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="write it as"):
        parse_prefix(text)


def test_overlap() -> None:
    wide, narrow, beside = map(parse_prefix, ("10.0.0.0/8", "10.3.0.0/16", "11.0.0.0/8"))
    assert wide.overlaps(narrow)
    assert narrow.overlaps(wide)
    assert not wide.overlaps(beside)
    assert not wide.overlaps(parse_prefix("::/0"))


def test_the_first_default_pool_that_is_free_is_chosen() -> None:
    assert choose_subnet(4, ID, [], []) == "172.17.0.0/16"
    assert choose_subnet(4, ID, [parse_prefix("172.17.0.0/16")], [route("172.18.5.0/24")]) == "172.19.0.0/16"
    assert choose_subnet(4, ID, [], [route("172.16.0.0/12", gateway=True)]) == "192.168.0.0/20"


def test_a_default_route_in_two_halves_takes_no_pool() -> None:
    halves = [route("0.0.0.0/1", gateway=True), route("128.0.0.0/1", gateway=True)]
    assert choose_subnet(4, ID, [], halves) == "172.17.0.0/16"


def test_pools_run_out() -> None:
    with pytest.raises(Unavailable, match="--subnet"):
        choose_subnet(4, ID, [parse_prefix("172.16.0.0/12"), parse_prefix("192.168.0.0/16")], [])


def test_a_subnet_of_ipv6_is_unique_and_local() -> None:
    assert choose_subnet(6, ID, [], []) == "fd01:2345:6789::/64"
    with pytest.raises(Unavailable, match="IPv6"):
        choose_subnet(6, ID, [], [route("fd01:2345:6789::/48")])


def test_a_subnet_that_the_host_is_on_is_refused() -> None:
    with pytest.raises(InUse, match=r"10\.1\.0\.0/24"):
        check_subnet("10.1.0.0/16", [route("10.1.0.0/24")])
    with pytest.raises(InUse, match=r"10\.0\.0\.0/8"):
        check_subnet("10.1.0.0/16", [route("10.0.0.0/8")])
    with pytest.raises(InUse, match=r"10\.1\.4\.0/24"):  # the host's narrower route would take packets from us
        check_subnet("10.1.0.0/16", [route("10.1.4.0/24", gateway=True)])


def test_a_narrower_subnet_than_that_of_a_gateway_is_not_refused() -> None:
    check_subnet("10.1.0.0/16", [route("10.0.0.0/8", gateway=True), route("10.1.0.0/16", link=3)], own=[3])


def test_a_pool_is_completed_with_its_gateway() -> None:
    assert complete(AddressPool("172.30.0.0/16")).gateway == "172.30.0.1"
    assert complete(AddressPool("fd00:1::/64")).gateway == "fd00:1::1"
    assert complete(AddressPool("172.30.0.0/16", gateway="172.30.9.9")).gateway == "172.30.9.9"


@pytest.mark.parametrize("gateway", ["172.30.0.0", "172.30.255.255"])
def test_a_gateway_is_a_hosts_address(gateway: str) -> None:
    with pytest.raises(InvalidInput, match="gateway"):
        complete(AddressPool("172.30.0.0/16", gateway=gateway))


@pytest.mark.parametrize("subnet", ["10.0.0.0/31", "10.0.0.0/32", "fd00::/127"])
def test_a_subnet_without_room_is_refused(subnet: str) -> None:
    with pytest.raises(InvalidInput, match="no room"):
        complete(AddressPool(subnet))


def test_the_lowest_free_address_is_given_out() -> None:
    pool = complete(AddressPool("172.30.0.0/16"))
    assert allocate(pool, [], "blue") == "172.30.0.2"
    assert allocate(pool, ["172.30.0.2", "172.30.0.4"], "blue") == "172.30.0.3"
    assert allocate(complete(AddressPool("fd00:1::/64")), ["fd00:1::2"], "blue") == "fd00:1::3"


def test_nobody_gets_gateway_auxiliary_network_or_broadcast_address() -> None:
    pool = complete(AddressPool("10.9.0.0/29", gateway="10.9.0.2", auxiliary=(("printer", "10.9.0.1"),)))
    given: list[str] = []
    for _ in range(4):
        given.append(allocate(pool, given, "small"))
    assert given == ["10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"]
    with pytest.raises(InUse, match=r"all addresses of 10\.9\.0\.0/29"):
        allocate(pool, given, "small")


def test_a_range_limits_what_is_given_out_but_not_what_is_asked_for() -> None:
    pool = complete(AddressPool("10.9.0.0/16", ip_range="10.9.4.0/31"))
    assert [allocate(pool, [], "r"), allocate(pool, ["10.9.4.0"], "r")] == ["10.9.4.0", "10.9.4.1"]
    with pytest.raises(InUse, match=r"10\.9\.4\.0/31"):
        allocate(pool, ["10.9.4.0", "10.9.4.1"], "r")
    assert check_address(pool, "10.9.7.7", [], "r") == "10.9.7.7"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.9.0.0", "keeps it"),
        ("10.9.0.1", "keeps it"),
        ("10.9.0.9", "keeps it"),
        ("10.9.255.255", "keeps it"),
    ],
)
def test_an_address_that_cannot_be_had(address: str, why: str) -> None:
    pool = complete(AddressPool("10.9.0.0/16", auxiliary=(("printer", "10.9.0.9"),)))
    with pytest.raises(InvalidInput, match=why):
        check_address(pool, address, [], "blue")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.10.0.1", r"no configured subnet .* 10\.10\.0\.1: network blue has 10\.9\.0\.0/16"),
        ("fd00::5", "user configured subnets: leave it out, or make network blue with --subnet"),
    ],
)
def test_an_address_outside_the_subnets_that_were_given(address: str, why: str) -> None:
    drawn = complete(AddressPool("fd00::/64", is_drawn=True))
    with pytest.raises(InvalidInput, match=why):
        check_given([complete(AddressPool("10.9.0.0/16")), drawn], address, "blue")


def test_an_address_that_another_has() -> None:
    pool = complete(AddressPool("fd00:9::/64"))
    with pytest.raises(InUse, match="another container"):
        check_address(pool, "fd00:9:0::5", ["fd00:9::5"], "blue")


def test_a_mac_address_is_that_of_the_address() -> None:
    assert mac_of(parse_address("172.18.0.2")) == "02:42:ac:12:00:02"
    assert mac_of(parse_address("fd00:1::1:2")) == "02:42:00:01:00:02"


@pytest.mark.parametrize("text", ["02:42:ac:12:00", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02-42-ac-12-00-02", "x"])
def test_what_is_no_unicast_mac_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="unicast"):
        EndpointOptions("blue", mac_address=text)
