"""Containers as records: create, list, inspect (tag Container)."""

from http import HTTPStatus
from typing import Final

from labcore.daemon.context import Daemon
from labcore.daemon.defaults import complete_body, complete_options
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import decode, json_response
from labcore.daemon.wire.container import inspect, summaries
from labcore.daemon.wire.container_create import ContainerCreate, adapt_to_version, create_options_of
from labcore.daemon.wire.platform import platform_text
from labcore.daemon.wire.query import filters, flag, number
from labcore.engine.container.create import create
from labcore.engine.container.lifecycle import status_of
from labcore.engine.container.links import link_names
from labcore.engine.container.listing import FILTERS, checked_filters, matches, resolved_filters
from labcore.engine.containers import every
from labcore.engine.image.local_images import local_image
from labcore.engine.network.inspect import NetworkView
from labcore.engine.records.records import Container
from labcore.http import Request, Response, Route

RUNNING: Final = ("running", "paused", "restarting")  # what a list has unless it is asked for all
OF_ALL: Final = ("status", "exited", "before", "since")  # filters that ask for those too that do not run


def create_container(daemon: Daemon, request: Request) -> Response:
    """POST /containers/create."""
    body = decode(request, ContainerCreate)
    adapt_to_version(body, version_of(request))
    complete_body(body, daemon.settings)
    options = complete_options(create_options_of(body, name=request.query.get("name", "")), daemon.settings)
    if options.image and (platform := platform_text(request)):
        local_image(daemon.engine.images, options.image, platform)
    made = create(daemon.engine, options)
    discarded = options.network_mode == "host" and options.ports
    warnings = ["Published ports are discarded when using host network mode"] if discarded else []
    return json_response({"Id": made.id, "Warnings": warnings}, status=HTTPStatus.CREATED)


def list_containers(daemon: Daemon, request: Request) -> Response:
    """GET /containers/json."""
    wanted = checked_filters(filters(request, (*FILTERS, "is-task", "isolation")))
    wanted = resolved_filters(daemon.engine, {name: values for name, values in wanted.items() if name in FILTERS})
    limit = number(request, "limit", 0) or 0
    every_one = flag(request, "all") or limit > 0 or any(name in wanted for name in OF_ALL)
    whole = [each for each in every(daemon.engine) if isinstance(each, Container)]
    endpoints_of = NetworkView(daemon.engine).endpoints if {"publish", "expose"} & wanted.keys() else lambda _: ()
    found = [
        each
        for each in whole
        if matches(each, wanted, health=daemon.engine.health_status(each.id), endpoints=endpoints_of(each))
    ]
    shown = [each for each in found if every_one or status_of(each) in RUNNING]
    several = shown[:limit] if limit > 0 else shown
    return json_response(summaries(daemon.engine, several, link_names(whole), size=flag(request, "size")))


def inspect_container(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/json."""
    found = inspect(daemon.engine, name, size=flag(request, "size"))
    return json_response(found | {"ExecIDs": daemon.exec_sessions.ids(found["Id"]) or None})


ROUTES = (
    Route("POST", "/containers/create", create_container),
    Route("GET", "/containers/json", list_containers),
    Route("GET", "/containers/{name:path}/json", inspect_container),
)
