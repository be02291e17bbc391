"""Attachment of endpoints to a network namespace: veth pairs, addresses, default routes, kernel parameters."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from labcore.network.links import (
    add_address,
    add_veth,
    default_route,
    delete_link,
    link_index,
    set_alias,
    set_up,
)
from labcore.network.namespaces import has_ipv6, in_namespace, set_sysctl
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
    try:
        netlink.request(*messages)
        in_namespace(namespace, partial(_inside, [each.endpoint for each in attachments], routes))
    except BaseException:
        netlink.request(*(delete_link(each.endpoint.host_link) for each in attachments))
        raise


def _on_the_host(each: Attachment, namespace: int) -> list[Message]:
    endpoint = each.endpoint
    return [
        add_veth(endpoint.host_link, each.bridge, each.mtu, endpoint.interface, endpoint.mac_address, namespace),
        set_alias(endpoint.host_link, each.alias, no_ipv6=has_ipv6()),
    ]


def _inside(endpoints: Sequence[Endpoint], routes: Sequence[Endpoint]) -> None:
    messages = [set_up(LOOPBACK)]
    for endpoint in endpoints:
        index = link_index(endpoint.interface)
        for path, value in _sysctls(endpoint):
            set_sysctl(path, value)
        messages.append(set_up(index))
        more = (f"{text}/{length}" for version, length in LINK_LOCAL for text in endpoint.link_local(version))
        messages += [add_address(index, text) for text in (endpoint.ipv4, endpoint.ipv6, *more) if text]
    with Netlink() as netlink:
        netlink.request(*messages, *_default_routes(routes))
    for endpoint in endpoints:
        for path, value in endpoint_sysctls(dict(endpoint.wanted.driver_options), endpoint.interface):
            set_sysctl(path, value)


def _sysctls(endpoint: Endpoint) -> list[tuple[str, str]]:
    """Return what is set before a link is up: no IPv6 if its network has none, and no router's word is believed."""
    if not has_ipv6():
        return []
    place = f"net/ipv6/conf/{endpoint.interface}"
    return [(f"{place}/disable_ipv6", "0"), (f"{place}/accept_ra", "0")] if endpoint.ipv6 else [(f"{place}/disable_ipv6", "1")]


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
