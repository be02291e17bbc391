"""NetworkOptions from docker's forms: `docker network create`'s options."""

from collections.abc import Iterable, Sequence
from typing import Any

from labcore.errors import InvalidInput
from labcore.options.values import flag, pairs, refuse, text, words
from labcore.spec.network import AddressPool, NetworkOptions


def network_options(
    name: str,
    *,
    driver: str = "bridge",
    subnets: Sequence[str] = (),
    gateways: Sequence[str] = (),
    ip_ranges: Sequence[str] = (),
    auxiliary: Any = (),
    labels: Any = (),
    options: Any = (),
    ipam_options: Any = None,
    **flags: Any,
) -> NetworkOptions:
    """Return what is wanted; each gateway, range and auxiliary address (`NAME=IP`) goes to the subnet that it is in.

    `flags` are `ipv4`, `ipv6`, `internal` and `attachable`. Raises InvalidInput.
    """
    return NetworkOptions(
        text("name", name),
        driver=text("driver", driver),
        pools=_pools(
            words("subnet", subnets), words("gateway", gateways), words("ip-range", ip_ranges), pairs("aux-address", auxiliary)
        ),
        options=pairs("opt", options),
        labels=pairs("label", labels),
        ipam_options=None if ipam_options is None else pairs("ipam-opt", ipam_options),
        **{each: flag(each, value) for each, value in flags.items()},
    )


def _pools(
    subnets: Sequence[str], gateways: Sequence[str], ranges: Sequence[str], auxiliary: Iterable[tuple[str, str]]
) -> tuple[AddressPool, ...]:
    from ipaddress import ip_network  # few commands make a network

    def inside(what: str, given: str) -> str:
        """Return the subnet that an address or a range is in."""
        for subnet in subnets:
            try:
                outer, inner = ip_network(subnet), ip_network(given, strict=False)
            except ValueError:
                continue  # AddressPool says what is wrong with a subnet
            if inner.version == outer.version and inner.subnet_of(outer):  # type: ignore[arg-type]
                return subnet
        refuse(what, given, f"it is in no subnet of the network ({', '.join(subnets) or 'none is given'}): --subnet")

    found: dict[str, dict[str, Any]] = {subnet: {"auxiliary": ()} for subnet in subnets}
    if len(found) < len(subnets):
        raise InvalidInput("subnet: one is given twice")
    for what, field, values in (("gateway", "gateway", gateways), ("ip-range", "ip_range", ranges)):
        for value in values:
            pool = found[inside(what, value)]
            if pool.setdefault(field, value) != value:
                refuse(what, value, "its subnet has one already")
    for name, value in auxiliary:
        found[inside("aux-address", value)]["auxiliary"] += ((name, value),)
    return tuple(AddressPool(subnet, **fields) for subnet, fields in found.items())
