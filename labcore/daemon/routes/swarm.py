"""Swarm, nodes, services, tasks, secrets, configs and plugins: answered as a Docker that is in no swarm and has no plugins."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final, NoReturn

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import json_response
from labcore.errors import NotFound, Unavailable
from labcore.http import HTTPException, Request, Response, Route

NOT_A_MANAGER: Final = (
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" '
    "to connect this node to swarm and try again."
)
NOT_IN_A_SWARM: Final = "This node is not part of a swarm"
NO_SWARMS: Final = "there are no swarms here: labcore is for one machine"
NO_PLUGINS: Final = "there are no plugins here: the drivers bridge, local, json-file and none are all there is"
MANAGERS: Final = {  # objects that only a swarm's manager has -> what is done with one of them
    "services": ("GET", "DELETE", "POST update", "GET logs"),
    "tasks": ("GET", "GET logs"),
    "nodes": ("GET", "DELETE", "POST update"),
    "secrets": ("GET", "DELETE", "POST update"),
    "configs": ("GET", "DELETE", "POST update"),
}
CREATED: Final = ("services", "secrets", "configs")


def not_a_manager(daemon: Daemon, request: Request, **_: str) -> NoReturn:
    """All that only a swarm's manager does."""
    raise HTTPException(NOT_A_MANAGER, HTTPStatus.SERVICE_UNAVAILABLE)


def leave(daemon: Daemon, request: Request) -> NoReturn:
    """POST /swarm/leave."""
    raise HTTPException(NOT_IN_A_SWARM, HTTPStatus.SERVICE_UNAVAILABLE)


def no_swarms(daemon: Daemon, request: Request) -> NoReturn:
    """POST /swarm/init, /swarm/join."""
    raise HTTPException(NO_SWARMS, HTTPStatus.SERVICE_UNAVAILABLE)


def list_plugins(daemon: Daemon, request: Request) -> Response:
    """GET /plugins."""
    return json_response([])


def no_such_plugin(daemon: Daemon, request: Request, name: str) -> NoReturn:
    """All that is done with one plugin."""
    raise NotFound(f'plugin "{name:.80}" not found: {NO_PLUGINS}')


def no_plugins(daemon: Daemon, request: Request) -> NoReturn:
    """Getting and making plugins."""
    raise Unavailable(NO_PLUGINS)


def _of_managers() -> Iterator[Route]:
    for objects, verbs in MANAGERS.items():
        yield Route("GET", f"/{objects}", not_a_manager)
        for verb in verbs:
            method, _, action = verb.partition(" ")
            yield Route(method, f"/{objects}/{{name}}{f'/{action}' if action else ''}", not_a_manager)
    yield from (Route("POST", f"/{objects}/create", not_a_manager) for objects in CREATED)


ROUTES: Final = (
    Route("GET", "/swarm", not_a_manager),
    Route("GET", "/swarm/unlockkey", not_a_manager),
    Route("POST", "/swarm/unlock", not_a_manager),
    Route("POST", "/swarm/update", not_a_manager),
    Route("POST", "/swarm/init", no_swarms),
    Route("POST", "/swarm/join", no_swarms),
    Route("POST", "/swarm/leave", leave),
    *_of_managers(),
    Route("GET", "/plugins", list_plugins),
    Route("GET", "/plugins/privileges", no_plugins),
    Route("POST", "/plugins/pull", no_plugins),
    Route("POST", "/plugins/create", no_plugins),
    Route("GET", "/plugins/{name:path}/json", no_such_plugin),
    *(
        Route("POST", f"/plugins/{{name:path}}/{verb}", no_such_plugin)
        for verb in ("enable", "disable", "upgrade", "push", "set")
    ),
    Route("DELETE", "/plugins/{name:path}", no_such_plugin),
)
