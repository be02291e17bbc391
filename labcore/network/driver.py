"""The network driver: networks, and endpoints, which are reserved, attached to a container's namespace, and released."""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack, nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final

from labcore.atomic import PendingFile
from labcore.errors import Forbidden, InUse, InvalidInput, NotFound, StoreDamaged
from labcore.network import attachment
from labcore.network.aliases import Place, identity
from labcore.network.attachment import Attachment
from labcore.network.bridges import delete_bridge, ensure_forwarding, find_bridge, is_ours, make_bridge
from labcore.network.endpoints import OWNER_MAX, EndpointStore, Entry, entry_of
from labcore.network.firewall import Firewall, table_of
from labcore.network.links import Route, delete_link, find_link, link_index, list_links, set_down
from labcore.network.netlink import Netlink
from labcore.network.networks import ID_SHORT, NetworkStore, is_plain
from labcore.network.options import bridge_options
from labcore.network.removals import Removals
from labcore.network.reserve import check_addresses, new_endpoint
from labcore.spec.addresses import parse_address
from labcore.spec.network import PREDEFINED, Endpoint, EndpointOptions, Network, NetworkOptions, PortBinding

if TYPE_CHECKING:
    from labcore.network.ports import BoundPorts
    from labcore.network.proxy import Bind, Proxy
    from labcore.network.resolver.clients import Client

SWEPT: Final = 32  # endpoints that a start looks at, whether their owners were killed


class NetworkDriver:
    """The networks and endpoints below `ROOT/network`, in the network namespace of the thread that makes this.

    `notify` is told, in a sentence each, what the driver has changed on the host beside its own links: IP forwarding. Where
    that namespace is not the host's, `bind` binds published ports there, `other_routes` returns the host's routes,
    `name_server` is an address at which the host's own resolver is asked, and `host_address` one at which the host is reached.
    Who starts one container after the other `keeps_proxy`: that of published ports, once there was one.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        notify: Callable[[str], None] = lambda _: None,
        *,
        bind: "Bind | None" = None,
        other_routes: Callable[[], list[Route]] = list,
        name_server: str = "",
        host_address: str = "",
        keeps_proxy: bool = False,
    ) -> None:
        self._root = os.fspath(root)
        self._directory = f"{self._root}/network"
        self._networks = NetworkStore(self._directory)
        self._endpoints = EndpointStore(self._directory)
        self._place = Place(self._directory)
        self._held: dict[str, PendingFile] = {}  # endpoint -> its file, locked until it is attached
        self._removals = Removals()
        self._notify = notify
        self._bind = bind
        self._other_routes = other_routes
        self._keeps_proxy = keeps_proxy
        self.name_server = name_server
        self.host_address = host_address

    @property
    def directory(self) -> str:
        """Where all of it lies on disk: `ROOT/network`."""
        return self._networks.directory

    def close(self) -> None:
        """Close the sockets that are kept from one change of rules or ports to the next, which opens others."""
        self.__dict__.pop("_firewall", None)
        if proxy := self.__dict__.pop("_proxy", None):
            proxy.close()

    # --- networks

    def create(self, wanted: NetworkOptions) -> Network:
        """Make a network and its bridge. Raises InvalidInput, InUse, Unavailable, NetlinkError; then there is nothing of it."""
        from labcore.network.create import new_network

        self._make_predefined()
        with self._networks.locked(), Netlink() as netlink:
            self._finish_removal(netlink, bridge_options(wanted).name)
            networks = self._networks.networks()
            network = self._with_subnets(netlink, lambda: new_network(wanted, networks, netlink, self._other_routes()))
            self._networks.write(network)  # first: whoever comes after a crash knows of the bridge
            try:
                self._ensure_bridge(netlink, network, mend=True)
            except BaseException:
                self._networks.delete(network)
                delete_bridge(netlink, network, self._place.alias(network.id))
                raise
        return network

    def _with_subnets(self, netlink: Netlink, make: Callable[[], Network]) -> Network:
        """Make a network; where no subnet is left, once more without the bridges of state roots that are gone."""
        from labcore.network.pools import NoMoreSubnets

        try:
            return make()
        except NoMoreSubnets:
            if not self._remove_gone(netlink):
                raise
        return make()

    def _remove_gone(self, netlink: Netlink) -> bool:
        """Remove the bridges of state roots that are gone, and say so; return whether there were any."""
        from labcore.network.gone import remove_gone  # few commands make or remove a network

        removed = remove_gone(netlink)
        for sentence in removed:
            self._notify(sentence)
        return bool(removed)

    def _finish_removal(self, netlink: Netlink, bridge: str) -> None:
        """Remove a link of this name that is about to go, if there is one."""
        for link, object_id in self._endpoints.ended(now=True):
            if link == bridge:
                self._delete_link(netlink, link, object_id)

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

    def names(self) -> list[str]:
        """Return the names of all networks that somebody has used or made; nothing is read or made for it."""
        return sorted({*PREDEFINED, *self._networks.ids()})

    def remove(self, word: str, name_of: Callable[[str], str] = str) -> None:
        """Remove a network; its bridge carries nothing from now on, and goes a moment later (`removals.py`).

        `name_of` gives what an endpoint's owner is called. Raises NotFound, Forbidden.
        """
        network = self.find(word)
        if network.wanted.name in PREDEFINED:
            raise Forbidden(f"{network.wanted.name} is a pre-defined network and cannot be removed")
        with self._networks.locked(), Netlink() as netlink:
            network = self._networks.find(network.id)
            self._sweep(netlink)
            if entries := self._endpoints.entries(network=network.id):
                found = ", ".join(sorted(f'name:"{name_of(entry.owner)}" id:"{entry.id[:ID_SHORT]}"' for entry in entries))
                raise Forbidden(
                    f"error while removing network: network {network.wanted.name} has active endpoints ({found}): "
                    "disconnect or end them first"
                )
            if is_ours(netlink, network, self._place.alias(network.id)):
                self._endpoints.note_ended(network.bridge, network.id)
                netlink.request(set_down(network.bridge, self._place.bridge_alias(network.id)))  # the host's routes to it go
                self._removals.add(network.bridge, network.id, self._delete_link)
            else:
                self._firewall.forget_bridge(network.bridge)
            self._networks.delete(network)
            self._firewall.remove_network(network)

    def prune(self, needed: Collection[str] = ()) -> list[Network]:
        """Remove the networks that have no endpoint, but for those `needed` (names or IDs); return them.

        The bridges of state roots that are gone are removed, too.
        """
        with Netlink() as netlink:
            self._remove_gone(netlink)
        removed = []
        for network in self.networks():
            if not {network.id, network.wanted.name} & {*needed, *PREDEFINED}:
                try:
                    self.remove(network.id)
                except (Forbidden, NotFound):
                    continue
                removed.append(network)
        return removed

    # --- endpoints

    def endpoints(self, *, network: str = "", owner: str = "") -> list[Endpoint]:
        """Return the endpoints of a network (its ID), or of an owner, or all, by their interfaces' names."""
        return self._endpoints.endpoints(network=network, owner=owner)

    def check(self, wanted: EndpointOptions) -> None:
        """Refuse fixed addresses that no endpoint of that network can have. Raises NotFound, InvalidInput."""
        check_addresses(wanted, self.find(wanted.network))

    def reserve(
        self, wanted: EndpointOptions, owner: str, *, names: Sequence[str] = (), ports: Sequence[PortBinding] = ()
    ) -> Endpoint:  # fmt: skip
        """Give an owner a place on a network: addresses, an interface's name and ports that nobody else has, on disk.

        It stays while this process lives, and after `attach` while its link does, until `release`. Raises NotFound,
        InvalidInput, InUse, Unavailable, NetlinkError; then there is nothing of it.
        """
        if not is_plain(owner) or len(owner) > OWNER_MAX:
            allowed = f"letters, digits, `_`, `.` and `-`, at most {OWNER_MAX}, a letter or digit first"
            raise InvalidInput(f"owner {owner!r:.80}: {allowed}")
        network_id = self.find(wanted.network).id
        with self._networks.locked(), Netlink() as netlink, ExitStack() as sockets:
            network = self._networks.find(network_id)
            self._sweep(netlink, at_most=SWEPT)
            ports = () if network.wanted.internal else ports  # nobody outside reaches it
            try:
                endpoint, bound = self._claim(network, wanted, owner, ports)
            except InUse:
                if not self._sweep(netlink):
                    raise
                endpoint, bound = self._claim(network, wanted, owner, ports)
            if bound:
                sockets.enter_context(bound)
            self._ensure_bridge(netlink, network)
            endpoint = endpoint.replace(names=tuple(names))
            self._held[endpoint.id] = self._endpoints.write(endpoint)
            try:
                if bound:
                    self._proxy.publish(endpoint, bound)
                self._firewall.add_endpoint(network, endpoint)
            except BaseException:
                self._forget(entry_of(endpoint))
                raise
        return endpoint

    def _claim(
        self, network: Network, wanted: EndpointOptions, owner: str, ports: Sequence[PortBinding]
    ) -> "tuple[Endpoint, BoundPorts | None]":
        """Return an endpoint whose addresses and ports nobody has, and these bound. Raises InvalidInput, InUse."""
        own = self._endpoints.endpoints(owner=owner)
        endpoint = new_endpoint(network, wanted, owner, own, self._endpoints.entries(network=network.id))
        return self._with_ports(network, endpoint, ports) if ports else (endpoint, None)

    def _with_ports(
        self, network: Network, endpoint: Endpoint, ports: Sequence[PortBinding]
    ) -> "tuple[Endpoint, BoundPorts | None]":
        """Return an endpoint with ports that nobody has, and these bound. Raises InvalidInput, InUse."""
        from labcore.network.ports import split  # as the proxy: few containers publish anything

        options = bridge_options(network.wanted)
        if options.host_binding and parse_address(options.host_binding).number:
            ports = [each if each.host_ip else each.replace(host_ip=options.host_binding) for each in ports]
        opened, to_bind = split(ports, [version for version in (4, 6) if options.gateway_mode(version) == "routed"])
        if not to_bind:
            return endpoint.replace(ports=tuple(opened)), None
        bound = self._proxy.bind(to_bind)
        return endpoint.replace(ports=(*opened, *bound.ports)), bound

    def move_ports(self, owner: str, ports: Sequence[PortBinding]) -> None:
        """Have an owner's published ports where its default route is, after it was connected or disconnected.

        Raises InUse, InvalidInput, Unavailable; then they are nowhere.
        """
        with self._networks.locked():
            endpoints = attachment.by_route(self._endpoints.endpoints(owner=owner))
            first = next((each for each in endpoints if each.ipv4_gateway or each.ipv6_gateway), None)
            for each in endpoints:
                if each.ports and each is not first:
                    self._change_ports(each, each.replace(ports=()))
                    self._proxy.release(each.id)
            if first is None or first.ports or not ports:
                return
            changed, bound = self._with_ports(self._networks.find(first.network_id), first, ports)
            with bound or nullcontext():
                self._change_ports(first, changed)
                try:
                    if bound:
                        self._proxy.publish(changed, bound)
                except BaseException:
                    self._change_ports(changed, first)
                    raise

    def _change_ports(self, before: Endpoint, after: Endpoint) -> None:
        network = self._networks.find(before.network_id)
        self._endpoints.write(after).close()
        self._firewall.remove_endpoint(network, before)
        self._firewall.add_endpoint(network, after)

    def attach(self, endpoints: Sequence[Endpoint], namespace: int) -> None:
        """Connect a container's network namespace (a descriptor: `namespace_of`) with the networks of endpoints of one owner.

        Of all its endpoints the one with the highest priority gets the default route, then the first by its network's name.
        Raises NotFound, NetlinkError, InvalidInput, Unavailable; then none of these endpoints is attached.
        """
        if not endpoints:
            return
        attachments = [self._attachment(endpoint) for endpoint in endpoints]
        with Netlink() as netlink:
            routes = self._endpoints.endpoints(owner=endpoints[0].owner, known=endpoints)
            attachment.attach(netlink, attachments, namespace, routes)
        for endpoint in endpoints:
            self._let_go(endpoint.id)

    def _attachment(self, endpoint: Endpoint) -> Attachment:
        network = self._networks.find(endpoint.network_id)
        bridge = link_index(network.bridge)
        if not bridge:
            raise NotFound(f"bridge {network.bridge} of network {network.wanted.name}: somebody has just removed it: try again")
        return Attachment(endpoint, bridge, bridge_options(network.wanted).mtu, self._place.alias(endpoint.id))

    def disconnect(self, owner: str, network: str, namespace: int | None = None) -> None:
        """Take an owner from one network; in its `namespace`, if that is there, another gets the default route.

        Raises NotFound, NetlinkError.
        """
        network_id = self.find(network).id
        with self._networks.locked(), Netlink() as netlink:
            found = self._endpoints.entries(network=network_id, owner=owner)
            if not found:
                raise NotFound(f"endpoint {owner[:12]} not found: it is not connected to network {network}")
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

    def _forget(self, entry: Entry) -> None:
        """Take back all that `reserve` has given."""
        known = self._read(entry)
        self._endpoints.delete(entry)
        self._let_go(entry.id)
        if known is None:
            self._restore()
            return
        network, endpoint = known
        if endpoint.ports:
            self._proxy.release(endpoint.id)
        self._firewall.remove_endpoint(network, endpoint)

    def _read(self, entry: Entry) -> tuple[Network, Endpoint] | None:
        try:
            endpoint = self._endpoints.read(entry)
            return self._networks.find(endpoint.network_id), endpoint
        except (NotFound, StoreDamaged):
            return None

    def _let_go(self, endpoint_id: str) -> None:
        if held := self._held.pop(endpoint_id, None):
            held.close()

    def _delete_link(self, netlink: Netlink, name: str, object_id: str) -> None:
        """Remove a link that is of this endpoint, or of a network that is no more, and no other that has its name by now."""
        link = find_link(netlink, name)
        if link and identity(link.alias) == self._place.alias(object_id) and object_id not in self._networks.ids().values():
            netlink.request(delete_link(name))
            if link.kind == "bridge":
                self._firewall.forget_bridge(name)
        self._endpoints.forget_ended(name, object_id)

    def answer(self, client: "Client") -> None:
        """Have the embedded DNS server answer a client from now on, until its process ends. Raises Unavailable."""
        from pathlib import Path

        from labcore.network.resolver import process as resolver  # asyncio's sockets cost 20 ms, and few networks have names

        resolver.answer(Path(self._directory), client)

    # --- what killed processes, others and restarts have left

    def has_rules(self) -> bool:
        """Return whether the rules are there that keep networks apart: somebody may have flushed them."""
        return self._firewall.is_there()

    def namespace(self) -> int:
        """Return a descriptor of the network namespace that the bridges are in; who asks closes it."""
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def masqueraded(self) -> list[str]:
        """Return the bridges behind which the kernel masquerades now: what leaves by another link has that one's address."""
        return self._firewall.masqueraded() if self._networks.ids() else []

    def published(self) -> list[tuple[PortBinding, str]]:
        """Return the published ports that the kernel translates now, each with the address of its container."""
        return self._firewall.published() if self._networks.ids() else []

    def repair(self) -> list[str]:
        """Make what should be there and is not, and remove what should not be; return what was done, as sentences."""
        done = []
        with self._networks.locked(), Netlink() as netlink:
            self._networks.sweep()
            self._endpoints.sweep()
            done += [f"released {entry.ipv4 or entry.ipv6} of {entry.owner[:12]}" for entry in self._sweep(netlink, now=True)]
            done += self._remove_strays(netlink)
            self._remove_gone(netlink)
            for network in self._networks.networks():
                if network.bridge:
                    if not find_bridge(netlink, network, self._place.alias(network.id)):
                        done.append(f"made bridge {network.bridge} of network {network.wanted.name}")
                    self._ensure_bridge(netlink, network, mend=True)
            done += self._restore()
        from pathlib import Path

        from labcore.network.resolver import process as resolver  # asyncio is 30 ms

        resolver.repair(Path(self._directory))
        return done

    def _remove_strays(self, netlink: Netlink) -> list[str]:
        """Remove our links that nobody knows any more."""
        ids = [*self._networks.ids().values(), *(entry.id for entry in self._endpoints.entries())]
        known = {self._place.alias(each) for each in ids}
        ours = [link for link in list_links(netlink) if link.alias.startswith(self._place.alias(""))]
        strays = [link for link in ours if identity(link.alias) not in known]
        netlink.request(*(delete_link(link.name) for link in strays))
        return [f"removed link {link.name}" for link in strays]

    def _restore(self) -> list[str]:
        """Have rules and ports as the records say; return which ports somebody has taken."""
        self._firewall.restore()
        return [str(error) for error in self._proxy.restore()]

    def _sweep(self, netlink: Netlink, *, at_most: int = 0, now: bool = False) -> list[Entry]:
        """Release the endpoints whose owners were killed, and remove links that have outlived their endpoints.

        With `at_most` so many are looked at, others each time: who starts a container does not wait for a thousand others.
        """
        released = [entry for entry in self._endpoints.entries(at_most=at_most) if self._endpoints.is_abandoned(entry)]
        for entry in released:
            self._forget(entry)
        for link, object_id in self._endpoints.ended(now=now):
            self._delete_link(netlink, link, object_id)
        return released

    # --- what all networks have

    def _make_predefined(self) -> bool:
        """Make the networks that are always there, if they are not yet; return whether any was missing."""
        if not {*PREDEFINED} - self._networks.ids().keys():
            return False
        from labcore.network.create import predefined_network

        with self._networks.locked(), Netlink() as netlink:
            for name in {*PREDEFINED} - self._networks.ids().keys():
                known = self._networks.networks()
                make = partial(predefined_network, name, known, netlink, self._root, self._other_routes())
                self._networks.write(self._with_subnets(netlink, make))
        return True

    def _ensure_bridge(self, netlink: Netlink, network: Network, *, mend: bool = False) -> None:
        """Make a network's bridge if it is not there: the machine was started anew, or somebody has removed it."""
        alias = self._place.bridge_alias(network.id)
        if mend or not find_bridge(netlink, network, alias):
            make_bridge(netlink, network, alias, self._firewall.add_network)
        for note in ensure_forwarding(network):
            self._notify(note)

    @cached_property
    def _firewall(self) -> Firewall:
        return Firewall(
            table_of(self._place.name), f"{self._directory}/firewall.lock", partial(_known, self._networks, self._endpoints)
        )

    @cached_property
    def _proxy(self) -> "Proxy":
        from pathlib import Path

        from labcore.network.proxy import Proxy  # `socket` costs 10 ms, and most containers publish nothing

        return Proxy(Path(self._directory, "proxy.sock"), self._endpoints.endpoints, self._bind, keeps=self._keeps_proxy)


def _known(store: NetworkStore, endpoint_store: EndpointStore) -> tuple[list[Network], list[tuple[Network, Endpoint]]]:
    """Return the networks whose bridges there are, and all endpoints with their networks."""
    networks = {network.id: network for network in store.networks()}
    endpoints = [(networks[each.network_id], each) for each in endpoint_store.endpoints() if each.network_id in networks]
    return [each for each in networks.values() if each.bridge and link_index(each.bridge)], endpoints
