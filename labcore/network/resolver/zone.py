"""The zone of each container: the names and addresses of all that is on its networks."""

from collections.abc import Iterable, Mapping

from labcore.record import Record
from labcore.spec.network import Endpoint

Tables = dict[str, dict[str, list[Endpoint]]]


class Found(Record):
    """The addresses of a name, of both families; either may be without any."""

    ipv4: tuple[str, ...] = ()
    ipv6: tuple[str, ...] = ()


class Zone:
    """What there is to resolve, made once of all endpoints; `networks` maps IDs of networks to their names."""

    def __init__(self, endpoints: Iterable[Endpoint], networks: Mapping[str, str]) -> None:
        self._networks = networks
        self._of_owner: dict[str, list[Endpoint]] = {}
        self._names: Tables = {}
        self._addresses: dict[str, dict[str, Endpoint]] = {}
        for endpoint in endpoints:
            self._add(endpoint)
        for own in self._of_owner.values():
            own.sort(key=lambda each: (-each.wanted.priority, networks.get(each.network_id, "")))

    def _add(self, endpoint: Endpoint) -> None:
        self._of_owner.setdefault(endpoint.owner, []).append(endpoint)
        table = self._names.setdefault(endpoint.network_id, {})
        for name in endpoint.names:
            table.setdefault(name.lower(), []).append(endpoint)
        addresses = self._addresses.setdefault(endpoint.network_id, {})
        addresses |= {_plain(text): endpoint for text in (endpoint.ipv4, endpoint.ipv6) if text}

    def resolve(self, owner: str, name: str) -> Found | None:
        """Return the addresses of a name (`web`, `web.NETWORK`, an alias, a link) as this owner sees it; None: not ours."""
        wanted = name.rstrip(".").lower()
        for own in self._of_owner.get(owner, ()):
            links = {alias.lower(): target.lower() for target, alias in own.wanted.links}
            named = self._named(own.network_id, links.get(wanted, wanted))
            if named:
                v4 = tuple(_plain(each.ipv4) for each in named if each.ipv4)
                return Found(v4, tuple(_plain(each.ipv6) for each in named if each.ipv6))
        return None

    def _named(self, network_id: str, name: str) -> list[Endpoint]:
        table = self._names.get(network_id, {})
        suffix = "." + self._networks.get(network_id, "").lower()
        return table.get(name) or (table.get(name.removesuffix(suffix), []) if name.endswith(suffix) else [])

    def reverse(self, owner: str, address: str) -> str | None:
        """Return the name, `web.NETWORK`, of an address on one of this owner's networks."""
        for own in self._of_owner.get(owner, ()):
            found = self._addresses[own.network_id].get(address)
            if found and found.names:
                return f"{found.names[0]}.{self._networks.get(own.network_id, '')}".rstrip(".")
        return None


def _plain(address: str) -> str:
    return address.partition("/")[0]
