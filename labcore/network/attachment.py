"""Attachment of endpoints to a network namespace: veth pairs, addresses, default routes, kernel parameters."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from labcore.network.links import (
    add_address,
    add_veth,
    default_route,
    delete_link,
    link_index,
    set_alias,
    set_up,
)
from labcore.network.namespaces import get_sysctl, has_ipv6, in_namespace, set_sysctl
from labcore.network.netlink import Message, Netlink
from labcore.network.options import endpoint_sysctls
from labcore.record import Record
from labcore.spec.network import Endpoint

LOOPBACK = 1
LINK_LOCAL = ((4, 16), (6, 64))  # versions of IP, and how long the prefix of a link-local address is


class Attachment(Record):
    """An endpoint that is to be attached: to a bridge (its link's index), with an MTU; `alias` is for its link on the host."""

    endpoint: Endpoint
    bridge: int
    mtu: int
    alias: str


def attach(netlink: Netlink, attachments: Sequence[Attachment], namespace: int, routes: Sequence[Endpoint]) -> None:
    """Make the links and configure them, with the default routes of `routes`; on failure nothing is left of them.

    Raises NetlinkError, InvalidInput, Unavailable.
    """
    messages = [message for each in attachments for message in _on_the_host(each, namespace)]
    endpoints = [each.endpoint for each in attachments]

    def inside() -> None:
        with _links_begin_without_ipv6() if has_ipv6() else nullcontext():
            netlink.request(*messages)  # a socket of the host's, whose links these are
        _configure(endpoints, routes)

    try:
        in_namespace(namespace, inside)
    except BaseException:
        netlink.request(*(delete_link(each.endpoint.host_link) for each in attachments))
        raise


def _on_the_host(each: Attachment, namespace: int) -> list[Message]:
    endpoint = each.endpoint
    return [
        add_veth(endpoint.host_link, each.bridge, each.mtu, endpoint.interface, endpoint.mac_address, namespace),
        set_alias(endpoint.host_link, each.alias, no_ipv6=has_ipv6()),
    ]


@contextmanager
def _links_begin_without_ipv6() -> Iterator[None]:
    """Have no IPv6 on links that come into this network namespace: most networks have none.

    On a link that is there this could be set, too, but the kernel would try that again and again until nobody else changes
    links (net/ipv6/addrconf.c, `restart_syscall`): while others' namespaces go, that takes a processor for milliseconds.
    """
    path = "net/ipv6/conf/default/disable_ipv6"
    before = get_sysctl(path)
    set_sysctl(path, "1")
    try:
        yield
    finally:
        set_sysctl(path, before)


def _configure(endpoints: Sequence[Endpoint], routes: Sequence[Endpoint]) -> None:
    messages = [set_up(LOOPBACK)]
    for endpoint in endpoints:
        index = link_index(endpoint.interface)
        if endpoint.ipv6 and has_ipv6():
            _begin_ipv6(endpoint.interface)
        messages.append(set_up(index))
        more = (f"{text}/{length}" for version, length in LINK_LOCAL for text in endpoint.link_local(version))
        messages += [add_address(index, text) for text in (endpoint.ipv4, endpoint.ipv6, *more) if text]
    with Netlink() as netlink:
        netlink.request(*messages, *_default_routes(routes))
    for endpoint in endpoints:
        for path, value in endpoint_sysctls(dict(endpoint.wanted.driver_options), endpoint.interface):
            set_sysctl(path, value)


def _begin_ipv6(interface: str) -> None:
    """Have IPv6 on a link, before it is up; no router's word is believed."""
    set_sysctl(f"net/ipv6/conf/{interface}/disable_ipv6", "0")
    set_sysctl(f"net/ipv6/conf/{interface}/accept_ra", "0")


def _default_routes(endpoints: Iterable[Endpoint]) -> list[Message]:
    """Return the requests for the default routes: of each version one, by the first endpoint that has a gateway."""
    attached = by_route([each for each in endpoints if link_index(each.interface)])
    routes = []
    for gateway in _GATEWAYS:
        if first := next(filter(gateway, attached), None):
            routes.append(default_route(link_index(first.interface), gateway(first)))
    return routes


def by_route(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Return endpoints of one owner in the order in which they are asked for a gateway."""
    return sorted(endpoints, key=lambda endpoint: (-endpoint.wanted.priority, endpoint.wanted.network))


_GATEWAYS: tuple[Callable[[Endpoint], str], ...] = (lambda e: e.ipv4_gateway, lambda e: e.ipv6_gateway)


def reroute(namespace: int, routes: Sequence[Endpoint]) -> None:
    """Give a network namespace the default routes of endpoints that are attached to it, after another has gone."""

    def inside() -> None:
        with Netlink() as netlink:
            netlink.request(*_default_routes(routes))

    in_namespace(namespace, inside)
