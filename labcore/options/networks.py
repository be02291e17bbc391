"""Readers of docker's forms of networks and ports: --network, --publish, --expose, --ip, --link and the like."""

from __future__ import annotations

from collections.abc import Mapping

from labcore.errors import InvalidInput
from labcore.options.limits import address
from labcore.options.values import fullmatch, pairs, refuse, text, words
from labcore.spec.network import EndpointOptions, PortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from labcore.spec import CreateOptions
    from labcore.spec.network import Protocol

PORT: Final = r"[0-9]{1,5}(?:-[0-9]{1,5})?"
HOST: Final = r"(?:\[(?P<ip6>[^\]]*)\]|(?P<ip>[0-9a-zA-Z.]*))"
PUBLISHED: Final = rf"(?:(?:{HOST}:)?(?P<outside>{PORT})?:)?(?P<inside>{PORT})"
HOST_MODES: Final = ("none", "host")
BRIDGES: Final = ("", "bridge", "default")  # the default network, which has no names
KEYS: Final = {  # of --network's long form, and the option that says the same
    "ip": "ipv4", "ip6": "ipv6", "mac-address": "mac_address", "alias": "aliases", "driver-opt": "driver_options",
    "gw-priority": "priority",
}  # fmt: skip
ALONE: Final = ("ip", "ip6", "mac_address", "network_aliases")  # options that are for the one network that is named


def published(name: str, value: Any) -> tuple[PortBinding, ...]:
    """Read published ports: `[[IP:]HOST_PORT:]PORT[/tcp|udp]`, either port a range, or a mapping of PORT[/…] to HOST_PORT."""
    if isinstance(value, Mapping):
        value = [f"{'' if to is None else to}:{inside}" for inside, to in value.items()]
    entries = [each for each in value if isinstance(each, PortBinding)] if isinstance(value, list | tuple) else []
    texts = words(name, [each for each in value if not isinstance(each, PortBinding)] if entries else value)
    return (*entries, *(binding for each in texts for binding in _bindings(name, each)))


def _bindings(name: str, value: str) -> list[PortBinding]:
    ports, slash, protocol = value.partition("/")
    match = fullmatch(PUBLISHED, ports)
    if not match:
        refuse(name, value, "[[IP:]HOST_PORT:]PORT[/tcp|udp] is wanted, such as 127.0.0.1:8080:80")
    kind = _protocol(name, value, protocol.lower() if slash else "tcp")
    host_ip = match["ip6"] or match["ip"] or ""
    one = PortBinding(1, protocol=kind, host_ip=host_ip and address(name, host_ip))
    first, last = _range(name, match["inside"])
    outside = _range(name, match["outside"]) if (match["outside"] or "0").strip("0") else (0, 0)
    if first == last and outside[0] < outside[1]:
        return [one.replace(container_port=first, host_port=outside[0], host_port_last=outside[1])]
    if outside[0] and last - first != outside[1] - outside[0]:
        refuse(name, value, "ranges of ports of the container and of the host are of one length")
    ports_outside = range(outside[0], outside[1] + 1) if outside[0] else [0] * (last - first + 1)
    pairs = zip(range(first, last + 1), ports_outside, strict=True)
    return [one.replace(container_port=inside, host_port=port) for inside, port in pairs]


def exposed(name: str, value: Any) -> tuple[str, ...]:
    """Read exposed ports, `80`, `53/udp`, `3000-3010`, as `PORT/PROTOCOL` each."""
    found = []
    for entry in words(name, value):
        ports, slash, protocol = entry.partition("/")
        if not fullmatch(PORT, ports):
            refuse(name, entry, "PORT[-LAST][/tcp|udp] is wanted")
        first, last = _range(name, ports)
        kind = _protocol(name, entry, protocol.lower() if slash else "tcp")
        found += [f"{port}/{kind}" for port in range(first, last + 1)]
    return tuple(dict.fromkeys(found))


def _range(name: str, digits: str) -> tuple[int, int]:
    first, _, last = digits.partition("-")
    found = int(first), int(last or first)
    if not 0 < found[0] <= found[1] < 1 << 16:
        refuse(name, digits, "ports go from 1 to 65535, and a range from the lower one to the higher")
    return found


def _protocol(name: str, value: str, protocol: str) -> Protocol:
    known: dict[str, Protocol] = {"tcp": "tcp", "udp": "udp"}
    if protocol not in known:
        refuse(name, value, "the protocol is tcp or udp" + "; sctp is not published here" * (protocol == "sctp"))
    return known[protocol]


def mac_address(name: str, value: Any) -> str:
    """Read the address of one Ethernet interface: six bytes in hexadecimal."""
    found = text(name, value).lower().replace("-", ":")
    if not fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", found) or int(found[:2], 16) & 1 or not int(found.replace(":", ""), 16):
        refuse(name, value, "the address of one interface is wanted, such as 02:42:ac:11:00:02")
    return found


def link(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read links to containers, `NAME[:ALIAS]`."""
    found = []
    for entry in words(name, value):
        container, colon, alias = entry.partition(":")
        if not container or (colon and not alias) or ":" in alias:
            refuse(name, entry, "CONTAINER[:ALIAS] is wanted")
        found.append((container, alias or container.lstrip("/")))
    return tuple(found)


def networks(name: str, value: Any) -> tuple[EndpointOptions, ...]:
    """Read networks: a name, `name=…,ip=…,alias=…`, EndpointOptions, or several of these."""
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(each if isinstance(each, EndpointOptions) else _network(name, text(name, each)) for each in entries)


def _network(name: str, value: str) -> EndpointOptions:
    if "=" not in value:
        if not value:
            refuse(name, value, "a network's name is wanted, or none, host, container:NAME")
        return EndpointOptions(value)
    found: dict[str, Any] = {"aliases": [], "driver_options": []}
    for pair in value.split(","):
        key, equals, content = pair.partition("=")
        if key == "name" and content:
            found["network"] = content
        elif key not in KEYS or not equals:
            refuse(name, value, f"name=NETWORK is wanted, and {', '.join(f'{each}=…' for each in KEYS)}")
        elif key in ("alias", "driver-opt"):
            found[KEYS[key]].append(content)
        else:
            found[KEYS[key]] = _of_endpoint(name, key, content)
    if "network" not in found:
        refuse(name, value, "name=NETWORK is missing")
    options = tuple(tuple(each.partition("=")[::2]) for each in found["driver_options"])
    return EndpointOptions(**found | {"aliases": tuple(found["aliases"]), "driver_options": options})


def _of_endpoint(name: str, key: str, content: str) -> str | int:
    if key == "gw-priority":
        if not fullmatch(r"-?[0-9]{1,9}", content):
            refuse(name, content, "gw-priority is a whole number")
        return int(content)
    return mac_address(name, content) if key == "mac-address" else address(name, content)


def connected(options: CreateOptions, fields: dict[str, Any]) -> CreateOptions:
    """Return the options with what `network`, `ip`, `ip6`, `mac_address`, `network_aliases` and `links` say together.

    `fields` loses them. Raises InvalidInput for what does not go together.
    """
    if not fields:
        return options
    given = fields.pop("network", None)
    alone = {name: found for name in ALONE if (found := fields.pop(name, None))}
    links = link("link", fields.pop("links", None) or [])
    if given is None and not alone and not links:
        return options
    wanted = networks("network", given if given is not None else options.network_mode or "bridge")
    mode = wanted[0].network
    if mode in HOST_MODES or mode.startswith("container:"):
        if len(wanted) > 1 or alone or links or wanted != (EndpointOptions(mode),):
            raise InvalidInput(_alone_refused(mode, alone, links))
        return options.replace(network_mode=mode, networks=())
    if alone and len(wanted) > 1:
        raise InvalidInput(f"{', '.join(alone)}: with several networks say it for each: network name=…,ip=…,alias=…")
    if alone:
        wanted = (wanted[0].replace(**_alone(alone)),)
    return _linked(options.replace(network_mode="bridge" if mode in BRIDGES else mode, networks=_plain(wanted)), links)


def _alone_refused(mode: str, alone: Mapping[str, Any], links: tuple[tuple[str, str], ...]) -> str:
    """Say why options do not go together with a mode that has no network of the container's own: docker's words, and a cure."""
    kind = "container" if mode.startswith("container:") else mode
    if links:
        network = "networking" if kind == "host" else "network"
        return f"conflicting options: {kind} type {network} can't be used with links: leave out --link"
    if "network_aliases" in alone:
        return f"network-scoped aliases are only supported for user-defined networks: with network {mode} leave them out"
    if {"ip", "ip6"} & set(alone):
        return f"user specified IP address is supported on user defined networks only: with network {mode} leave it out"
    return f"network {mode}: there are no addresses and further networks with it"


def check_mode(options: CreateOptions) -> CreateOptions:
    """Return options that go together with the network mode: another container's network has its names and ports already.

    Raises InvalidInput, in docker's words.
    """
    if not options.network_mode.startswith("container:"):
        return options
    for is_given, conflict in (
        (options.hostname, "hostname and the network mode"),
        (options.dns, "dns and the network mode"),
        (options.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (options.ports or options.publish_all, "port publishing and the container type network mode"),
        (options.exposed_ports, "port exposing and the container type network mode"),
    ):
        if is_given:
            raise InvalidInput(
                f"conflicting options: {conflict}: {options.network_mode} has its own: say it where that is created"
            )
    return options


def _alone(alone: Mapping[str, Any]) -> dict[str, Any]:
    read = {
        "ip": ("ipv4", address),
        "ip6": ("ipv6", address),
        "mac_address": ("mac_address", mac_address),
        "network_aliases": ("aliases", words),
    }
    return {read[name][0]: read[name][1](name, value) for name, value in alone.items()}


def _plain(wanted: tuple[EndpointOptions, ...]) -> tuple[EndpointOptions, ...]:
    """Return each network once, the default one by its name."""
    found = tuple(each.replace(network="bridge") if each.network in BRIDGES else each for each in wanted)
    names = [each.network for each in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"network {twice}: it is named twice")
    if bad := next((each for each in names if each in HOST_MODES or each.startswith("container:")), None):
        raise InvalidInput(f"network {bad}: it stands alone, without other networks")
    for each in found:
        _check_default(each)
    return found


def _check_default(wanted: EndpointOptions) -> None:
    """Refuse what docker refuses on its default network."""
    if wanted.network not in BRIDGES:
        return
    cure = "make one: labcore network create"
    if wanted.aliases:
        raise InvalidInput(f"network-scoped aliases are only supported for user-defined networks: {cure}")
    if wanted.ipv4 or wanted.ipv6:
        raise InvalidInput(f"user specified IP address is supported on user defined networks only: {cure} --subnet …")


def _linked(options: CreateOptions, links: tuple[tuple[str, str], ...]) -> CreateOptions:
    """Return the options with links: on the default network the container's, on another one the endpoint's."""
    if not links:
        return options
    first, *others = options.networks
    if first.network == "bridge":
        return options.replace(links=links)
    return options.replace(networks=(first.replace(links=links), *others))


def endpoint(network: str, fields: Mapping[str, Any], priority: int = 0) -> EndpointOptions:
    """Return how a container is to be connected: `fields` are those of ALONE, `links` and `driver_options`."""
    given = {name: value for name, value in fields.items() if value}
    options, links = given.pop("driver_options", ()), given.pop("links", ())
    (wanted,) = networks("network", network)
    wanted = wanted.replace(
        **_alone(given), links=link("link", links), driver_options=pairs("driver-opt", options), priority=priority
    )
    _check_default(wanted)
    return wanted
