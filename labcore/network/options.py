"""Options of the bridge driver and of endpoints: com.docker.network.*, as docker has them. It ignores unknown ones."""

from collections.abc import Callable
from typing import Any, Final

from labcore.errors import InvalidInput
from labcore.network.links import IFNAME_MAX
from labcore.record import Record
from labcore.spec.addresses import parse_address
from labcore.spec.network import NetworkOptions

BRIDGE: Final = "com.docker.network.bridge."
IFNAME: Final = "com.docker.network.endpoint.ifname"
SYSCTLS: Final = "com.docker.network.endpoint.sysctls"
TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
FALSE: Final = ("0", "f", "F", "FALSE", "false", "False")
MODES: Final = ("nat", "nat-unprotected", "routed", "isolated")
MTU_MIN, MTU_MIN_IPV6, MTU_MAX = 68, 1280, 65535


class BridgeOptions(Record):
    """What a bridge network's options say. `gateway_modes` are those of IPv4 and IPv6; `trusted` are links of the host."""

    name: str = ""
    mtu: int = 0
    icc: bool = True
    masquerade: bool = True
    host_binding: str = ""
    gateway_mode_ipv4: str = "nat"
    gateway_mode_ipv6: str = "nat"
    inhibit_ipv4: bool = False
    trusted: tuple[str, ...] = ()
    interface_prefix: str = "eth"

    def gateway_mode(self, version: int) -> str:
        """Return how the host is the gateway for a version of IP."""
        return self.gateway_mode_ipv4 if version == 4 else self.gateway_mode_ipv6

    def has_gateway(self, version: int) -> bool:
        """Return whether containers have a default route."""
        return self.gateway_mode(version) != "isolated"

    def has_host(self, version: int) -> bool:
        """Return whether the host has the gateway's address on the bridge; with `inhibit_ipv4` another machine has it."""
        return self.has_gateway(version) and not (version == 4 and self.inhibit_ipv4)


def bridge_options(wanted: NetworkOptions) -> BridgeOptions:
    """Read a network's options. Raises InvalidInput, with the option's name."""
    values: dict[str, Any] = {}
    for name, text in wanted.options:
        if name in _OPTIONS:
            field, parse = _OPTIONS[name]
            try:
                values[field] = parse(text)
            except ValueError as error:
                raise InvalidInput(f"option {name}={text!r:.80}: {error}") from None
    options = BridgeOptions(**values)
    if not wanted.internal and "isolated" in (options.gateway_mode_ipv4, options.gateway_mode_ipv6):
        raise InvalidInput("gateway mode isolated: only an internal network has it: add --internal")
    if wanted.ipv6 and options.mtu and options.mtu < MTU_MIN_IPV6:
        raise InvalidInput(f"MTU {options.mtu}: IPv6 needs {MTU_MIN_IPV6}")
    return options


def checked_interface(text: str) -> str:
    """Return a link's name, if the kernel would take it: at most 15 bytes, no slash, colon or space. Raises InvalidInput."""
    odd = text.split() != [text] or any(each in text for each in "/:%\0")
    if odd or len(text.encode()) > IFNAME_MAX or text in (".", ".."):
        raise InvalidInput(
            f"interface name {text!r:.80}: it has 1 to {IFNAME_MAX} bytes, and no slash, colon, percent or space"
        )
    return text


def endpoint_sysctls(options: "dict[str, str]", interface: str) -> list[tuple[str, str]]:
    """Return the kernel parameters of an endpoint's interface, as paths below /proc/sys: IFNAME stands for its name."""
    found = []
    for entry in filter(None, options.get(SYSCTLS, "").split(",")):
        name, equals, value = entry.partition("=")
        parts = name.split(".")
        if not equals or len(parts) != 5 or parts[0] != "net" or parts[3] != "IFNAME" or "/" in name:
            raise InvalidInput(f"{SYSCTLS}: {entry!r:.80}: write it as net.ipv4.conf.IFNAME.log_martians=1")
        found.append(("/".join((*parts[:3], interface, parts[4])), value))
    return found


def _boolean(text: str) -> bool:
    if text not in TRUE + FALSE:
        raise ValueError("it is true or false")
    return text in TRUE


def _mtu(text: str) -> int:
    if not (text.isascii() and text.isdigit() and (text == "0" or MTU_MIN <= int(text) <= MTU_MAX)):
        raise ValueError(f"an MTU goes from {MTU_MIN} to {MTU_MAX}")
    return int(text)


def _mode(text: str) -> str:
    if text not in MODES:
        raise ValueError(f"it is one of {', '.join(MODES)}")
    return text


def _address(text: str) -> str:
    return str(parse_address(text)) if text else ""


def _links(text: str) -> tuple[str, ...]:
    return tuple(checked_interface(each) for each in text.split(":") if each)


def _prefix(text: str) -> str:
    return checked_interface(f"{text}0")[:-1]


_OPTIONS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    f"{BRIDGE}name": ("name", checked_interface),
    "com.docker.network.driver.mtu": ("mtu", _mtu),
    f"{BRIDGE}enable_icc": ("icc", _boolean),
    f"{BRIDGE}enable_ip_masquerade": ("masquerade", _boolean),
    f"{BRIDGE}host_binding_ipv4": ("host_binding", _address),
    f"{BRIDGE}gateway_mode_ipv4": ("gateway_mode_ipv4", _mode),
    f"{BRIDGE}gateway_mode_ipv6": ("gateway_mode_ipv6", _mode),
    f"{BRIDGE}inhibit_ipv4": ("inhibit_ipv4", _boolean),
    f"{BRIDGE}trusted_host_interfaces": ("trusted", _links),
    "com.docker.network.container_iface_prefix": ("interface_prefix", _prefix),
}
