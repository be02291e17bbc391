"""Links, addresses and routes of a process's network namespace, as ip(8) makes them: `lab.ip(pid)`; rtnetlink(7)."""

from typing import Final

from labcore.errors import InvalidInput
from labcore.lab.messages import say
from labcore.network import in_namespace, links, namespace_of
from labcore.network.links import Link
from labcore.network.netlink import Message, Netlink
from labcore.network.tables import list_addresses

ANY_LINK: Final = 0  # a route by a gateway: the kernel looks up by which link that is reached


class Ip:
    """A netlink(7) socket in the network namespace of a process: what is asked of it is done there.

    Each method is a line of ip(8); a link that is not there is InvalidInput, what the kernel refuses a NetlinkError.
    """

    def __init__(self, pid: int) -> None:
        with namespace_of(pid) as namespace:
            self._netlink = in_namespace(namespace, Netlink)
        self.pid = pid

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        addresses = list_addresses(self._netlink)
        return [
            " ".join(
                [
                    f"{link.name:8}",
                    "UP  " if link.is_up else "DOWN",
                    *(text for index, text in addresses if index == link.index),
                ]
            )
            for link in self.links()
        ]

    def links(self) -> list[Link]:
        """Return all links: ip link."""
        return links.list_links(self._netlink)

    def has(self, name: str) -> bool:
        """Return whether there is a link of that name: ip link show NAME."""
        return links.find_link(self._netlink, name) is not None

    def addresses(self, name: str) -> list[str]:
        """Return a link's addresses, each with its prefix: ip addr show dev NAME."""
        index = self._index(name)
        return [text for link, text in list_addresses(self._netlink) if link == index]

    def add_bridge(self, name: str) -> None:
        """Make a bridge: ip link add NAME type bridge."""
        self._request(links.add_bridge(name, "", 0))

    def add_veth(self, name: str, peer: str) -> None:
        """Make a pair of links, a cable with two ends: ip link add NAME type veth peer name PEER."""
        self._request(links.add_veth_pair(name, peer))

    def set_master(self, name: str, bridge: str) -> None:
        """Put a link into a bridge, as one of its ports: ip link set NAME master BRIDGE."""
        self._request(links.set_master(self._index(name), self._index(bridge)))

    def set_netns(self, name: str, pid: int, new_name: str = "") -> None:
        """Move a link to a process's network namespace, where it may have another name: ip link set NAME netns PID name NEW."""
        index = self._index(name)
        with namespace_of(pid) as namespace:
            self._request(links.set_namespace(index, namespace, new_name or name))

    def set_up(self, *names: str) -> None:
        """Switch links on: ip link set NAME up."""
        for name in names:
            self._request(links.set_up(self._index(name)))

    def delete(self, name: str) -> None:
        """Remove a link, if it is there; of a veth pair, both ends: ip link del NAME."""
        self._request(links.delete_link(name))

    def add_address(self, address: str, name: str) -> None:
        """Give a link an address, with its prefix: ip addr add ADDRESS dev NAME."""
        self._request(links.add_address(self._index(name), address))

    def add_default_route(self, gateway: str) -> None:
        """Send what no other route takes to a gateway: ip route add default via GATEWAY."""
        self._request(links.default_route(ANY_LINK, gateway))

    def _request(self, message: Message) -> None:
        self._netlink.request(message)

    def _index(self, name: str) -> int:
        link = links.find_link(self._netlink, name)
        if link is None:
            names = ", ".join(each.name for each in self.links())
            raise InvalidInput(
                say(
                    "there is no link {name} in the network of process {pid}; there are: {names}",
                    name=name,
                    pid=self.pid,
                    names=names,
                )
            )
        return link.index


def ip(pid: int) -> Ip:
    """Return the links, addresses and routes of a process's network namespace, to be changed as ip(8) does.

    Raises NotFound if the process has ended, Unavailable.
    """
    return Ip(pid)
