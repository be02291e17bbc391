"""Firewall: masquerading, published ports and isolation of a state root's networks, in nftables tables of its own.

What a network or an endpoint needs is elements of sets (`ruleset.py`). A container's start adds its own in one small
transaction; where that finds the tables gone (somebody's `nft flush ruleset`) or an element that a crash has left, all is made
anew from the records. Light, as procfs.py is.
"""

import errno
import os

from labcore.errors import SystemCallError
from labcore.locks import Lock
from labcore.network import docker_user, ruleset
from labcore.network.options import bridge_options
from labcore.network.set_elements import SetElements, list_elements

TYPE_CHECKING = False  # `typing` costs 3 ms of each start of a command
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _typeshed import StrPath

    from labcore.network.options import BridgeOptions
    from labcore.spec.network import Endpoint, Network, PortBinding

    Known = Callable[[], tuple[Sequence[Network], Sequence[tuple[Network, Endpoint]]]]
    Elements = dict[tuple[str, str], list[ruleset.Element]]

ALL = {"0.0.0.0": "4", "::": "6"}
STALE = (errno.ENOENT, errno.EEXIST, errno.EBUSY)  # no table or no element; another value for a key


def table_of(place: str) -> str:
    """Return the name of a state root's tables; `place` tells it from others."""
    return f"labcore-{place}"


def remove_tables(table: str) -> None:
    """Remove tables whose state root is gone. Raises Unavailable."""
    from labcore.network import nftables

    nftables.run("".join(f"table {family} {table}\ndelete table {family} {table}\n" for family in ("inet", "bridge")))


class Firewall:
    """The tables named `table`, in the network namespace of the thread that makes this.

    `known` returns all networks whose bridges there are, and all endpoints with their networks, as the records have them now:
    write a record before you add what is in it, and remove the record first. `lock` is the path of a file, made if need be.
    """

    def __init__(self, table: str, lock: "StrPath", known: "Known") -> None:
        self.table = table
        self._lock = lock
        self._known = known
        self._sets = SetElements(table)

    def add_network(self, network: "Network") -> None:
        """Isolate a network's bridge from all others; masquerade what leaves it, if its options say so."""
        self._add(network_elements(network))
        docker_user.accept(self._sets, network.bridge)

    def remove_network(self, network: "Network") -> None:
        """Forget a network that has no endpoints any more; with its bridge goes what `forget_bridge` forgets."""
        self._remove(network_elements(network))

    def forget_bridge(self, bridge: str) -> None:
        """Forget, in other programs' tables, a bridge that is no more."""
        docker_user.forget(self._sets, bridge)

    def add_endpoint(self, network: "Network", endpoint: "Endpoint") -> None:
        """Let an endpoint's link send from its own addresses only, and translate its published ports to it."""
        self._add(endpoint_elements(network, endpoint))
        for version, port in udp_ports(endpoint):
            from labcore.network.conntrack import forget_untranslated  # few ports are: the kernel looks for 10 ms

            forget_untranslated(version, port)

    def remove_endpoint(self, network: "Network", endpoint: "Endpoint") -> None:
        """Forget an endpoint: nothing comes from its link any more, and its ports are closed, also for who is known there."""
        self._remove(endpoint_elements(network, endpoint))
        for version in {version for version, _ in udp_ports(endpoint)}:
            from labcore.network.conntrack import forget_address

            forget_address(endpoint.ipv4 if version == 4 else endpoint.ipv6)

    def is_there(self) -> bool:
        """Return whether the tables are there: somebody may have flushed them."""
        return all(self._sets.has_chain(*chain) for chain in (("inet", "to_network"), ("bridge", "from_container")))

    def masqueraded(self) -> list[str]:
        """Return the bridges that are masqueraded now, as the kernel has it."""
        return sorted({bridge for version in (4, 6) for (bridge,) in self._elements(f"masqueraded{version}")})

    def published(self) -> "list[tuple[PortBinding, str]]":
        """Return the ports that are translated now, as the kernel has them, each with the address of its container."""
        from labcore.network.ports import PROTOCOLS  # `socket` costs 10 ms, and a start does without both
        from labcore.spec.network import PortBinding

        found = []
        for anywhere, family in ALL.items():
            on_all = ((protocol, anywhere, *rest) for protocol, *rest in self._elements(f"published_on_all{family}"))
            for protocol, host_ip, port, address, inside in (*on_all, *self._elements(f"published{family}")):
                found.append((PortBinding(int(inside), PROTOCOLS[protocol], host_ip, int(port)), address))
        return sorted(found, key=lambda each: (each[0].host_port, each[0].host_ip))

    def _elements(self, name: str) -> "list[ruleset.Element]":
        """Return the elements of a set of table `inet`; none if the tables are not there."""
        try:
            return [ruleset.unpack(("inet", name), each) for each in list_elements("inet", self.table, name)]
        except SystemCallError as error:
            if error.errno == errno.ENOENT:
                return []
            raise

    def restore(self) -> None:
        """Make the tables anew from the records, in one transaction. Raises Unavailable where this machine has no nftables."""
        with self._locked(shared=False):
            self._restore()

    def _add(self, elements: "Elements") -> None:
        with self._locked(shared=True):
            if self._transacted(SetElements.add, elements):
                return
        self.restore()

    def _remove(self, elements: "Elements") -> None:
        with self._locked(shared=True):
            if self._transacted(SetElements.remove, elements):
                return
        self.restore()

    def _transacted(self, transact: "Callable[[SetElements, ruleset.Packed], None]", elements: "Elements") -> bool:
        """Return whether the tables had taken it; False if they are not what the records say."""
        try:
            transact(self._sets, ruleset.pack(elements))
        except SystemCallError as error:
            if error.errno in STALE:
                return False
            raise
        return True

    def _restore(self) -> None:
        from labcore.network import nftables  # subprocess and shutil are 5 ms: only whole rulesets need them

        networks, endpoints = self._known()
        bridges = [network.bridge for network in networks]
        found = [network_elements(network) for network in networks]
        found += [endpoint_elements(network, endpoint) for network, endpoint in endpoints]
        nftables.run(ruleset.declare(self.table, _joined(found)))
        docker_user.accept(self._sets, *bridges)

    def _locked(self, *, shared: bool) -> Lock:
        """Wait for the lock. Whoever makes the tables anew is alone, lest a record that goes meanwhile comes back."""
        return Lock(self._lock, os.O_CREAT).acquire(shared=shared)


def _joined(parts: "Iterable[Elements]") -> "Elements":
    joined: Elements = {}
    for part in parts:
        for key, elements in part.items():
            joined.setdefault(key, []).extend(elements)
    return joined


def network_elements(network: "Network") -> "Elements":
    """Return the elements that a network is."""
    options, bridge = bridge_options(network.wanted), (network.bridge,)
    names = ["bridges", "icc"] if options.icc else ["bridges"]
    names += ["internal"] if network.wanted.internal else [name for version in (4, 6) for name in _open(options, version)]
    elements: Elements = {("inet", name): [bridge] for name in names}
    for pool in network.wanted.pools:
        version = 6 if ":" in pool.gateway else 4
        if f"masqueraded{version}" in names:
            elements["inet", f"gateways{version}"] = [(pool.gateway,)]
    elements["inet", "same"] = [bridge * 2]
    if options.trusted and not network.wanted.internal:
        elements["inet", "trusted"] = [(link, *bridge) for link in options.trusted]
    return elements


def _open(options: "BridgeOptions", version: int) -> "Iterator[str]":
    """Yield the sets of what a network lets out and in, by its gateway mode of a version of IP."""
    mode = options.gateway_mode(version)
    if options.masquerade and mode != "routed":
        yield f"masqueraded{version}"
    if mode == "routed":
        yield f"routed{version}"
    if mode == "nat-unprotected":
        yield f"unprotected{version}"


def endpoint_elements(network: "Network", endpoint: "Endpoint") -> "Elements":
    """Return the elements that an endpoint is."""
    link, mac = endpoint.host_link, endpoint.mac_address
    ipv4, ipv6 = (address.partition("/")[0] for address in (endpoint.ipv4, endpoint.ipv6))
    elements: Elements = {("bridge", "links"): [(link,)]}
    if ipv4:
        elements["bridge", "addresses4"] = [(link, mac, address) for address in (ipv4, *endpoint.link_local(4))]
    if ipv6:
        own = (ipv6, link_local(mac), *endpoint.link_local(6))
        elements["bridge", "addresses6"] = [(link, mac, address) for address in (*own, "::")]
        elements["bridge", "targets6"] = [(link, address) for address in own]
    options = bridge_options(network.wanted)
    if not options.icc:
        elements["bridge", "isolated"] = [(link,)]
    if not network.wanted.internal:
        for name, element in (*_translations(endpoint.ports, ipv4, ipv6), *_opened(options, endpoint.ports, ipv4, ipv6)):
            elements.setdefault(("inet", name), []).append(element)
    return elements


def _opened(
    options: "BridgeOptions", ports: "Iterable[PortBinding]", ipv4: str, ipv6: str
) -> "set[tuple[str, ruleset.Element]]":
    """Return the published ports at which a container is reached by its own address, too."""
    found: set[tuple[str, ruleset.Element]] = set()
    for port in ports:
        version, address = (6, ipv6) if ":" in port.host_ip else (4, ipv4)
        if address and (options.trusted or options.gateway_mode(version) == "routed"):
            found.add((f"opened{version}", (address, port.protocol, str(port.container_port))))
    return found


def _translations(ports: "Iterable[PortBinding]", ipv4: str, ipv6: str) -> "Iterator[tuple[str, ruleset.Element]]":
    """Yield each translation of a published port to the container's address of the same family; the proxy has the others."""
    for port in ports:
        family, address = ("6", ipv6) if ":" in port.host_ip else ("4", ipv4)
        target = (address, str(port.container_port))
        if not address or not port.host_port:  # it is routed, and has no port on the host
            continue
        if port.host_ip in ALL:
            yield f"published_on_all{family}", (port.protocol, str(port.host_port), *target)
        else:
            yield f"published{family}", (port.protocol, port.host_ip, str(port.host_port), *target)


def udp_ports(endpoint: "Endpoint") -> "set[tuple[int, int]]":
    """Return the published UDP ports that are translated, each with the version of IP: the proxy has the others."""
    found = {(6 if ":" in port.host_ip else 4, port.host_port) for port in endpoint.ports if port.protocol == "udp"}
    return {(version, port) for version, port in found if port and (endpoint.ipv4 if version == 4 else endpoint.ipv6)}


def link_local(mac: str) -> str:
    """Return the link-local address that the kernel makes of a MAC address: RFC 4291, appendix A."""
    first, *rest = bytes.fromhex(mac.replace(":", ""))
    octets = bytes((first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]))
    return "fe80::" + ":".join(octets[index : index + 2].hex() for index in range(0, 8, 2))
