"""Volumes: list, inspect, create, remove, prune (tag Volume)."""

from http import HTTPStatus

from labcore.daemon.context import Daemon
from labcore.daemon.routes.swarm import NOT_A_MANAGER
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import decode, empty, json_response
from labcore.daemon.wire.query import filters, flag
from labcore.daemon.wire.volumes import FILTERS, PRUNE_FILTERS, VolumeCreate, filter_of, is_all, volume_json
from labcore.engine.volume.local_driver import DRIVER
from labcore.engine.volume.objects import create_volume, prune_volumes, remove_volume
from labcore.errors import InvalidInput, NotFound
from labcore.http import HTTPException, Request, Response, Route

PRUNED_NAMED_BEFORE = (1, 42)  # versions before that prune volumes with a name, too


def list_volumes(daemon: Daemon, request: Request) -> Response:
    """GET /volumes."""
    engine = daemon.engine
    passes = filter_of(filters(request, FILTERS), engine.records.volume_users)
    found = [volume_json(engine, each) for each in engine.volumes.readable() if passes(each)]
    return json_response({"Volumes": found, "Warnings": None})


def inspect_volume(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /volumes/{name}."""
    return json_response(volume_json(daemon.engine, daemon.engine.volumes.get(name)))


def create(daemon: Daemon, request: Request) -> Response:
    """POST /volumes/create."""
    body = decode(request, VolumeCreate)
    if body.cluster_volume_spec is not None:
        raise HTTPException(NOT_A_MANAGER, HTTPStatus.SERVICE_UNAVAILABLE)
    if body.driver not in ("", DRIVER):
        raise NotFound(
            f'create {body.name}: error looking up volume plugin {body.driver}: plugin "{body.driver}" not found: '
            f"the driver {DRIVER} is all there is"
        )
    if len(body.name) == 1:
        raise InvalidInput(
            f"create {body.name}: volume name is too short, names should be at least two alphanumeric characters"
        )
    volume = create_volume(daemon.engine, body.name or None, labels=tuple(body.labels.items()), options=body.driver_opts)
    return json_response(volume_json(daemon.engine, volume), status=HTTPStatus.CREATED)


def remove(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /volumes/{name}. With `force` one that there is not is no matter."""
    try:
        remove_volume(daemon.engine, name)
    except NotFound:
        if not flag(request, "force"):
            raise
    return empty()


def update(daemon: Daemon, request: Request, name: str) -> Response:
    """PUT /volumes/{name}: for volumes of a swarm alone."""
    raise HTTPException(
        "volume update only valid for cluster volumes, but swarm is unavailable", HTTPStatus.SERVICE_UNAVAILABLE
    )


def prune(daemon: Daemon, request: Request) -> Response:
    """POST /volumes/prune."""
    wanted = filters(request, PRUNE_FILTERS)
    named = is_all(wanted) or version_of(request) < PRUNED_NAMED_BEFORE
    passes = filter_of(wanted, tuple)
    removed, size = prune_volumes(daemon.engine, named=named, wanted=passes)
    return json_response({"VolumesDeleted": [each.name for each in removed], "SpaceReclaimed": size})


ROUTES = (
    Route("GET", "/volumes", list_volumes),
    Route("POST", "/volumes/create", create),
    Route("POST", "/volumes/prune", prune),
    Route("GET", "/volumes/{name}", inspect_volume),
    Route("PUT", "/volumes/{name}", update),
    Route("DELETE", "/volumes/{name}", remove),
)
