"""The network driver: networks, and endpoints, which are reserved, attached to a container's namespace, and released."""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from labcore.atomic import PendingFile
from labcore.errors import InUse, InvalidInput, NotFound
from labcore.network import attachment, pools
from labcore.network.addresses import mac_of, parse_address, parse_prefix
from labcore.network.attachment import Attachment
from labcore.network.bridges import OURS, delete_bridge, ensure_forwarding, find_bridge, make_bridge
from labcore.network.endpoints import EndpointStore, Entry, checked_owner, host_link
from labcore.network.links import delete_link, find_link, link_index, list_links, set_down
from labcore.network.netlink import Netlink
from labcore.network.networks import NetworkStore
from labcore.network.options import IFNAME, BridgeOptions, bridge_options, checked_interface, endpoint_sysctls
from labcore.spec.network import AddressPool, Endpoint, EndpointOptions, Network, NetworkOptions, PortBinding

PREDEFINED: Final = ("bridge", "host", "none")
Notify = Callable[[str], None]


class NetworkDriver:
    """The networks and endpoints below `ROOT/network`, in this process's network namespace.

    `notify` is told, in a sentence each, what the driver has changed on the host beside its own links: IP forwarding.
    """

    def __init__(self, root: str | os.PathLike[str], notify: Notify = lambda _: None) -> None:
        self._root = os.fspath(root)
        self._networks = NetworkStore(f"{self._root}/network")
        self._endpoints = EndpointStore(f"{self._root}/network")
        self._held: dict[str, PendingFile] = {}  # endpoint -> its file, locked until it is attached
        self._notify = notify

    # --- networks

    def create(self, wanted: NetworkOptions) -> Network:
        """Make a network and its bridge. Raises InvalidInput, InUse, Unavailable, NetlinkError; then there is nothing of it."""
        from labcore.network.create import new_network

        self._make_predefined()
        with self._networks.locked(), Netlink() as netlink:
            network = new_network(wanted, self._networks.networks(), netlink)
            self._networks.write(network)  # first: whoever comes after a crash knows of the bridge
            try:
                make_bridge(netlink, network, self._alias(network.id))
                self._forward(network)
            except BaseException:
                delete_bridge(netlink, network, self._alias(network.id))
                self._networks.delete(network)
                raise
        return network

    def find(self, word: str) -> Network:
        """Return the network of that name, ID, or beginning of an ID. Raises NotFound, InvalidInput, StoreDamaged."""
        try:
            return self._networks.find(word)
        except NotFound:
            if not self._make_predefined():
                raise
        return self._networks.find(word)

    def networks(self) -> list[Network]:
        """Return all networks, sorted by name: `bridge`, `host` and `none` are always there. Raises StoreDamaged."""
        self._make_predefined()
        return self._networks.networks()

    def remove(self, word: str) -> None:
        """Remove a network and its bridge. Raises NotFound, InvalidInput, InUse, NetlinkError."""
        network = self.find(word)
        if network.wanted.name in PREDEFINED:
            raise InvalidInput(f"network {network.wanted.name}: it is always there, and cannot be removed")
        with self._networks.locked(), Netlink() as netlink:
            self._sweep(netlink)
            if entries := self._endpoints.entries(network=network.id):
                owners = ", ".join(sorted({entry.owner[:12] for entry in entries}))
                raise InUse(f"network {network.wanted.name} is in use by {owners}: disconnect or end them first")
            delete_bridge(netlink, self._networks.find(network.id), self._alias(network.id))
            self._networks.delete(network)

    def prune(self, needed: Collection[str] = ()) -> list[Network]:
        """Remove the networks that have no endpoint, but for those `needed` (names or IDs); return them."""
        removed = []
        for network in self.networks():
            if not {network.id, network.wanted.name} & {*needed, *PREDEFINED}:
                try:
                    self.remove(network.id)
                except (InUse, NotFound):
                    continue
                removed.append(network)
        return removed

    # --- endpoints

    def endpoints(self, *, network: str = "", owner: str = "") -> list[Endpoint]:
        """Return the endpoints of a network (its ID), or of an owner, or all, by their interfaces' names."""
        return self._endpoints.endpoints(network=network, owner=owner)

    def reserve(
        self, wanted: EndpointOptions, owner: str, *, names: Sequence[str] = (), ports: Sequence[PortBinding] = ()
    ) -> Endpoint:  # fmt: skip
        """Give an owner a place on a network: addresses and an interface's name that nobody else has, on disk.

        It stays while this process lives, and after `attach` while its link does, until `release`. Raises NotFound,
        InvalidInput, InUse.
        """
        network = self.find(wanted.network)
        if network.wanted.driver != "bridge":
            raise InvalidInput(f"network {network.wanted.name}: a container is on it without an endpoint, and alone")
        with self._networks.locked():
            network = self._networks.find(network.id)
            with Netlink() as netlink:
                self._sweep(netlink)
            endpoint = self._endpoint(network, wanted, checked_owner(owner)).replace(names=tuple(names), ports=tuple(ports))
            self._held[endpoint.id] = self._endpoints.write(endpoint)
        return endpoint

    def _endpoint(self, network: Network, wanted: EndpointOptions, owner: str) -> Endpoint:
        entries, own = self._endpoints.entries(network=network.id), self._endpoints.endpoints(owner=owner)
        if any(each.network_id == network.id for each in own):
            raise InUse(f"network {network.wanted.name}: {owner[:12]} is connected to it already")
        options = bridge_options(network.wanted)
        interface = _interface(wanted, options, [each.interface for each in own])
        endpoint_sysctls(dict(wanted.driver_options), interface)  # errors now, not when the container's process waits
        addresses = {4: "", 6: ""}
        gateways = {4: "", 6: ""}
        for pool in network.wanted.pools:
            subnet = parse_prefix(pool.subnet)
            addresses[subnet.version] = f"{_address(pool, wanted, entries, network)}/{subnet.length}"
            if not network.wanted.internal and options.has_gateway(subnet.version):
                gateways[subnet.version] = pool.gateway
        _check_versions(wanted, addresses, network)
        endpoint_id = os.urandom(32).hex()
        return Endpoint(
            id=endpoint_id,
            network_id=network.id,
            owner=owner,
            host_link=host_link(endpoint_id),
            interface=interface,
            mac_address=wanted.mac_address or mac_of(parse_address(addresses[4] or addresses[6])),
            wanted=wanted.replace(network=network.wanted.name),
            ipv4=addresses[4],
            ipv6=addresses[6],
            ipv4_gateway=gateways[4],
            ipv6_gateway=gateways[6],
        )

    def attach(self, endpoints: Sequence[Endpoint], namespace: int) -> None:
        """Connect a container's network namespace (a descriptor: `namespace_of`) with the networks of endpoints of one owner.

        Of all its endpoints the one with the highest priority gets the default route, then the first by its network's name.
        Raises NotFound, NetlinkError, InvalidInput, Unavailable; then none of these endpoints is attached.
        """
        if not endpoints:
            return
        with Netlink() as netlink:
            attachments = [self._attachment(netlink, endpoint) for endpoint in endpoints]
            attachment.attach(netlink, attachments, namespace, self._endpoints.endpoints(owner=endpoints[0].owner))
        for endpoint in endpoints:
            if held := self._held.pop(endpoint.id, None):
                held.close()

    def _attachment(self, netlink: Netlink, endpoint: Endpoint) -> Attachment:
        network = self._networks.find(endpoint.network_id)
        self._forward(network)
        alias = self._alias(network.id)
        bridge = find_bridge(netlink, network, alias)
        if not bridge:  # the machine was started anew, or somebody has removed it
            with self._networks.locked():
                bridge = make_bridge(netlink, network, alias)
        return Attachment(endpoint, bridge, bridge_options(network.wanted).mtu, self._alias(endpoint.id))

    def disconnect(self, owner: str, network: str, namespace: int | None = None) -> None:
        """Take an owner from one network; in its `namespace`, if that is there, another gets the default route.

        Raises NotFound, NetlinkError.
        """
        network_id = self.find(network).id
        with self._networks.locked(), Netlink() as netlink:
            found = self._endpoints.entries(network=network_id, owner=owner)
            if not found:
                raise NotFound(f"network {network}: {owner[:12]} is not connected to it")
            self._end(netlink, found)
        with Netlink() as netlink:  # without the lock: that takes 20 ms
            for entry in found:
                self._delete_link(netlink, entry.link, entry.id)
        if namespace is not None:
            attachment.reroute(namespace, self._endpoints.endpoints(owner=owner))

    def release(self, owner: str) -> None:
        """Take an owner, whose processes have ended, from all networks; one that is on none is no matter.

        Its links carry nothing from now on. The kernel removes them with the namespace, or the next reserve does.
        """
        with self._networks.locked(), Netlink() as netlink:
            self._end(netlink, self._endpoints.entries(owner=owner))

    def _end(self, netlink: Netlink, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if link_index(entry.link):
                self._endpoints.note_ended(entry.link, entry.id)
                netlink.request(set_down(entry.link))
            self._forget(entry)

    def _delete_link(self, netlink: Netlink, name: str, object_id: str) -> None:
        """Remove a link that is of this endpoint or network, and no other that has its name by now."""
        link = find_link(netlink, name)
        if link and link.alias == self._alias(object_id):
            netlink.request(delete_link(name))
        self._endpoints.forget_ended(name, object_id)

    def _forget(self, entry: Entry) -> None:
        self._endpoints.delete(entry)
        if held := self._held.pop(entry.id, None):
            held.close()

    # --- what killed processes and restarts leave

    def repair(self) -> list[str]:
        """Make what should be there and is not, and remove what should not be; return what was done, as sentences."""
        done = []
        with self._networks.locked(), Netlink() as netlink:
            self._networks.sweep()
            self._endpoints.sweep()
            done += [f"released {entry.ipv4 or entry.ipv6} of {entry.owner[:12]}" for entry in self._sweep(netlink, now=True)]
            networks = self._networks.networks()
            ids = [*(network.id for network in networks), *(entry.id for entry in self._endpoints.entries())]
            known = {self._alias(each) for each in ids}
            for link in list_links(netlink):
                if link.alias.startswith(self._alias("")) and link.alias not in known:
                    netlink.request(delete_link(link.name))
                    done.append(f"removed link {link.name}")
            for network in networks:
                if network.bridge:
                    if not find_bridge(netlink, network, self._alias(network.id)):
                        done.append(f"made bridge {network.bridge} of network {network.wanted.name}")
                    make_bridge(netlink, network, self._alias(network.id))
                    self._forward(network)
        return done

    def _sweep(self, netlink: Netlink, *, now: bool = False) -> list[Entry]:
        """Release the endpoints whose owners were killed, and remove links that have outlived their endpoints."""
        released = list(self._endpoints.abandoned())
        for entry in released:
            self._forget(entry)
        for link, object_id in self._endpoints.ended(now=now):
            self._delete_link(netlink, link, object_id)
        return released

    def _make_predefined(self) -> bool:
        """Make the networks that are always there, if they are not yet; return whether any was missing."""
        if not {*PREDEFINED} - self._networks.ids().keys():
            return False
        from labcore.network.create import predefined_network

        with self._networks.locked(), Netlink() as netlink:
            for name in {*PREDEFINED} - self._networks.ids().keys():
                self._networks.write(predefined_network(name, self._networks.networks(), netlink, self._root))
        return True

    def _forward(self, network: Network) -> None:
        for note in ensure_forwarding(network):
            self._notify(note)

    def _alias(self, object_id: str) -> str:
        """Return a link's alias: whose it is, by the place of the state root, and what it is for."""
        status = os.stat(self._networks.directory)  # noqa: PTH116
        return f"{OURS}{status.st_dev:x}-{status.st_ino:x}:{object_id}"


def _interface(wanted: EndpointOptions, options: BridgeOptions, taken: Collection[str]) -> str:
    """Return the interface's name inside: the one that is asked for, or the first of eth0, eth1 … that is free."""
    if asked := dict(wanted.driver_options).get(IFNAME):
        if asked in taken:
            raise InUse(f"interface {asked}: the container has one of that name")
        return checked_interface(asked)
    number = 0
    while f"{options.interface_prefix}{number}" in taken:
        number += 1
    return f"{options.interface_prefix}{number}"


def _address(pool: AddressPool, wanted: EndpointOptions, entries: Iterable[Entry], network: Network) -> str:
    version = parse_prefix(pool.subnet).version
    asked = wanted.ipv4 if version == 4 else wanted.ipv6
    taken = {entry.ipv4 if version == 4 else entry.ipv6 for entry in entries} - {""}
    if asked:
        return pools.check_address(pool, asked, taken, network.wanted.name)
    return pools.allocate(pool, taken, network.wanted.name)


def _check_versions(wanted: EndpointOptions, addresses: "dict[int, str]", network: Network) -> None:
    for version, asked in ((4, wanted.ipv4), (6, wanted.ipv6)):
        if asked and not addresses[version]:
            raise InvalidInput(f"ip {asked}: network {network.wanted.name} has no IPv{version}")
