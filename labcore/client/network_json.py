"""Networks and endpoints as the API takes them: NetworkCreate, EndpointSettings."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from labcore.spec.network import AddressPool, EndpointOptions, NetworkOptions


def endpoint_json(wanted: EndpointOptions) -> dict[str, Any]:
    """Return EndpointSettings, of which only what says something."""
    addresses = {"IPv4Address": wanted.ipv4, "IPv6Address": wanted.ipv6}
    found = {
        "IPAMConfig": {name: address for name, address in addresses.items() if address},
        "Links": [f"{name}:{alias}" for name, alias in wanted.links],
        "Aliases": list(wanted.aliases),
        "MacAddress": wanted.mac_address,
        "DriverOpts": dict(wanted.driver_options),
        "GwPriority": wanted.priority,
    }
    return {name: value for name, value in found.items() if value}


def network_json(wanted: NetworkOptions) -> dict[str, Any]:
    """Return the body of POST /networks/create."""
    return {
        "Name": wanted.name,
        "Driver": wanted.driver,
        "EnableIPv4": wanted.ipv4,
        "EnableIPv6": wanted.ipv6,
        "Internal": wanted.internal,
        "Attachable": wanted.attachable,
        "IPAM": {"Config": [_pool(each) for each in wanted.pools]},
        "Options": dict(wanted.options),
        "Labels": dict(wanted.labels),
    }


def _pool(pool: AddressPool) -> dict[str, Any]:
    found = {
        "Subnet": pool.subnet,
        "IPRange": pool.ip_range,
        "Gateway": pool.gateway,
        "AuxiliaryAddresses": dict(pool.auxiliary),
    }
    return {name: value for name, value in found.items() if value}
