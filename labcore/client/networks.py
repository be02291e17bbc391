"""Networks: create, list, inspect, connect, disconnect, remove, prune."""

from __future__ import annotations

from labcore.client.answer import Answer, flag, mapping, records_by_name, text
from labcore.client.api import API, filters_json, list_of, path
from labcore.client.container_values import Pruned
from labcore.client.network_json import endpoint_json, network_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from labcore.client.api import Filters
    from labcore.spec.network import EndpointOptions, NetworkOptions


class Member(Answer):
    """A container on a network; addresses carry their prefix."""

    name: str = text("Name")
    ipv4: str = text("IPv4Address")
    ipv6: str = text("IPv6Address")
    mac_address: str = text("MacAddress")


class Network(Answer):
    """A network; `containers` are by ID, and there from inspect alone."""

    id: str = text("Id")
    name: str = text("Name")
    driver: str = text("Driver")
    scope: str = text("Scope")
    created: str = text("Created")
    has_ipv4: bool = flag("EnableIPv4")
    has_ipv6: bool = flag("EnableIPv6")
    is_internal: bool = flag("Internal")
    ipam: Mapping[str, Any] = mapping("IPAM")
    options: Mapping[str, str] = mapping("Options")
    labels: Mapping[str, str] = mapping("Labels")
    containers: Mapping[str, Member] = records_by_name("Containers", Member)


class Networks:
    """The networks of a daemon, by name or ID."""

    def __init__(self, api: API) -> None:
        self._api = api

    def create(self, options: NetworkOptions | str) -> str:
        """Create a network from its options, or from its name alone; return its ID. Raises Conflict, BadRequest."""
        from labcore.spec.network import NetworkOptions  # where one is created only

        wanted = NetworkOptions(options) if isinstance(options, str) else options
        made: str = self._api.post("/networks/create", json=network_json(wanted))["Id"]
        return made

    def list(self, *, filters: Filters | None = None) -> tuple[Network, ...]:
        """Return them."""
        found = self._api.get("/networks", {"filters": filters_json(filters)})
        return tuple(map(Network, list_of(found, "GET /networks")))

    def inspect(self, name: str, *, verbose: bool = False) -> Network:
        """Return all about one. Raises NotFound."""
        return Network(self._api.get(path("networks", name), {"verbose": verbose}))

    def connect(self, name: str, container: str, endpoint: EndpointOptions | None = None) -> None:
        """Connect a container."""
        settings = {"EndpointConfig": endpoint_json(endpoint)} if endpoint else {}
        self._api.change("POST", path("networks", name, "connect"), json={"Container": container, **settings})

    def disconnect(self, name: str, container: str, *, force: bool = False) -> None:
        """Disconnect a container."""
        self._api.change("POST", path("networks", name, "disconnect"), json={"Container": container, "Force": force})

    def remove(self, name: str) -> None:
        """Remove it. Raises Forbidden for one that somebody is on, or that is always there."""
        self._api.change("DELETE", path("networks", name))

    def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove those that nobody is on."""
        return Pruned(self._api.post("/networks/prune", {"filters": filters_json(filters)}))
