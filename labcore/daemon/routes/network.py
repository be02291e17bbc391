"""Networks: list, inspect, create, connect, disconnect, remove, prune (tag Network)."""

from http import HTTPStatus
from typing import Final

from labcore.daemon.context import Daemon
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import decode, empty, json_response
from labcore.daemon.wire.endpoint_settings import endpoint_options_of
from labcore.daemon.wire.network_json import network_json
from labcore.daemon.wire.networks import (
    NetworkConnect,
    NetworkCreate,
    NetworkDisconnect,
    network_options_of,
)
from labcore.daemon.wire.query import before, filters, strict_flag
from labcore.engine.container.network_connect import connect, disconnect
from labcore.engine.network.inspect import FILTERS, SCOPE, check_filters, matches
from labcore.engine.network.objects import create_network, prune_networks, remove_network
from labcore.errors import InvalidInput, NotFound
from labcore.http import Request, Response, Route
from labcore.spec.network import Network

PRUNE_FILTERS: Final = ("label", "label!", "until")
LISTED_WITHOUT_MEMBERS: Final = (1, 28)


def list_networks(daemon: Daemon, request: Request) -> Response:
    """GET /networks. Since version 1.28 without the containers."""
    wanted = filters(request, FILTERS)
    check_filters(wanted)
    members = version_of(request) < LISTED_WITHOUT_MEMBERS
    found = [each for each in daemon.engine.networks.networks() if matches(daemon.engine, each, wanted)]
    return json_response([network_json(daemon.engine, each, members=members) for each in found])


def inspect_network(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /networks/{name}. Nothing more is known of one if `verbose` is asked for: there are no services."""
    strict_flag(request, "verbose")
    network = daemon.engine.networks.find(name)
    if request.query.get("scope") not in (None, "", SCOPE):
        raise NotFound(f"network {name} not found: all networks here have the scope {SCOPE}")
    return json_response(network_json(daemon.engine, network))


def create(daemon: Daemon, request: Request) -> Response:
    """POST /networks/create."""
    network = create_network(daemon.engine, network_options_of(decode(request, NetworkCreate)))
    return json_response({"Id": network.id, "Warning": ""}, status=HTTPStatus.CREATED)


def connect_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /networks/{name}/connect."""
    body = decode(request, NetworkConnect)
    connect(daemon.engine, endpoint_options_of(name, body.endpoint_config), _named(body.container))
    return empty(HTTPStatus.OK)


def disconnect_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /networks/{name}/disconnect."""
    body = decode(request, NetworkDisconnect)
    disconnect(daemon.engine, name, _named(body.container), force=body.force)
    return empty(HTTPStatus.OK)


def _named(container: str) -> str:
    if not container:
        raise InvalidInput('invalid name or ID supplied: "": the body has no Container')
    return container


def remove(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /networks/{name}."""
    remove_network(daemon.engine, name)
    return empty()


def prune(daemon: Daemon, request: Request) -> Response:
    """POST /networks/prune."""
    wanted = filters(request, PRUNE_FILTERS)
    is_older = before(wanted.pop("until", []))

    def is_wanted(network: Network) -> bool:
        return is_older(network.created) and matches(daemon.engine, network, wanted)

    return json_response({"NetworksDeleted": [each.wanted.name for each in prune_networks(daemon.engine, is_wanted)] or None})


ROUTES = (
    Route("GET", "/networks", list_networks),
    Route("GET", "/networks/", list_networks),
    Route("POST", "/networks/create", create),
    Route("POST", "/networks/prune", prune),
    Route("GET", "/networks/{name:path}", inspect_network),
    Route("DELETE", "/networks/{name:path}", remove),
    Route("POST", "/networks/{name:path}/connect", connect_container),
    Route("POST", "/networks/{name:path}/disconnect", disconnect_container),
)
