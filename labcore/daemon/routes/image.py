"""Images: list, inspect, history, pull, import, push, tag, remove, prune, save, load, search (tag Image)."""

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from itertools import chain
from typing import BinaryIO, Final, cast

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import empty, json_response
from labcore.daemon.wire.commit import changed
from labcore.daemon.wire.images import image_history, image_inspect, image_summary, removed, search_result
from labcore.daemon.wire.platform import platform_json, platform_text
from labcore.daemon.wire.progress import Line, load_lines, pull_lines, push_lines, streamed
from labcore.daemon.wire.query import filters, flag, number
from labcore.daemon.wire.registry_auth import found_by
from labcore.engine.image.import_source import opened_source
from labcore.engine.image.jobs import (
    import_image,
    load_images,
    log_push,
    pull_image,
    push_image,
    pushable,
    save_images,
    tag_image,
    tags_of,
)
from labcore.engine.image.list import FILTERS, dangling, list_images
from labcore.engine.image.local_images import local_image, local_images
from labcore.engine.image.registry_queries import SEARCH_FILTERS, search
from labcore.engine.image.remove import prune_images, remove_image
from labcore.errors import InvalidInput
from labcore.http import Request, Response, Route
from labcore.spec import Reference
from labcore.timestamps import parse_time

PRUNE_FILTERS: Final = ("dangling", "label", "label!", "until")
TAR: Final = {"Content-Type": "application/x-tar"}
SEARCH_LIMIT: Final = 25
# Versions since which a platform may be said of what is pushed; saved, loaded or shown with its history; inspected; removed.
PUSHES_PLATFORMS, ARCHIVES_PLATFORMS, INSPECTS_PLATFORMS, REMOVES_PLATFORMS = (1, 46), (1, 48), (1, 49), (1, 50)


def list_all(daemon: Daemon, request: Request) -> Response:
    """GET /images/json."""
    found = list_images(
        daemon.engine,
        filters(request, FILTERS),
        every=flag(request, "all"),
        shared_size=flag(request, "shared-size"),
    )
    return json_response([image_summary(each) for each in found])


def inspect_image(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /images/{name}/json."""
    platform = platform_json(request, since=INSPECTS_PLATFORMS)
    if platform and flag(request, "manifests"):
        raise InvalidInput("conflicting options: manifests and platform options cannot both be set")
    return json_response(image_inspect(daemon.engine, local_image(daemon.engine.images, name, platform)))


def history(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /images/{name}/history."""
    store = daemon.engine.images
    local = local_image(store, name, platform_json(request, since=ARCHIVES_PLATFORMS))
    return json_response(image_history(daemon.engine, local, local_images(store)))


def create_image(daemon: Daemon, request: Request) -> Response:
    """POST /images/create: a pull, or with `fromSrc` an import."""
    return _import(daemon, request) if request.query.get("fromSrc") else _pull(daemon, request)


def _pull(daemon: Daemon, request: Request) -> Response:
    text, tag = request.query.get("fromImage", ""), request.query.get("tag", "")
    reference = Reference.parse(f"{text}@{tag}" if ":" in tag else f"{text}:{tag}" if tag else text)
    find, platform = found_by(request, reference.registry), platform_text(request)
    every = not tag and str(reference.tag) != text.rpartition(":")[2] and not reference.digest
    references = tags_of(daemon.engine, reference, find) if every else [reference]

    def lines(each: Reference) -> Iterator[Line]:
        pulling = pull_image(daemon.engine, each, platform=platform, find=find, on_cancel=request.on_disconnect)
        return pull_lines(each, pulling, platform)

    return streamed(chain.from_iterable(map(lines, references)))


def _import(daemon: Daemon, request: Request) -> Response:
    source, repository, tag = (request.query.get(key, "") for key in ("fromSrc", "repo", "tag"))
    name = Reference.parse(f"{repository}:{tag}" if tag else repository) if repository else None
    settings = partial(changed, text="\n".join(request.every("changes")))

    def lines() -> Iterator[Line]:
        with opened_source(source, cast(BinaryIO, request.body)) as archive:
            image = import_image(
                daemon.engine,
                archive,
                source,
                name=name,
                settings=settings,
                message=request.query.get("message", ""),
                platform=platform_text(request),
            )
        yield {"status": image.id}

    return streamed(lines())


def push(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /images/{name}/push."""
    tag = request.query.get("tag", "")
    reference = Reference.parse(f"{name}:{tag}" if tag else name)
    if not tag:
        reference = reference.replace(tag=None)
    find, platform = found_by(request, reference.registry), platform_json(request, since=PUSHES_PLATFORMS)
    if platform:
        local_image(daemon.engine.images, str(reference), platform)

    def lines() -> Iterator[Line]:
        yield {"status": f"The push refers to repository [{reference.registry}/{reference.repository}]"}
        for each in pushable(daemon.engine, reference):
            pushing = push_image(daemon.engine, each, platform=platform, find=find, on_cancel=request.on_disconnect)
            yield from push_lines(each, pushing)
        log_push(daemon.engine, reference)

    return streamed(lines())


def tag(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /images/{name}/tag."""
    repository, text = request.query.get("repo", ""), request.query.get("tag", "")
    tag_image(daemon.engine, name, Reference.parse(f"{repository}:{text}" if text else repository))
    return empty(HTTPStatus.CREATED)


def remove(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /images/{name}."""
    if platform := platform_json(request, "platforms", since=REMOVES_PLATFORMS):
        local_image(daemon.engine.images, name, platform)
    removal = remove_image(daemon.engine, name, force=flag(request, "force"), prune=not flag(request, "noprune"))
    return json_response(removed(removal))


def prune(daemon: Daemon, request: Request) -> Response:
    """POST /images/prune."""
    asked = filters(request, PRUNE_FILTERS)
    removal = prune_images(
        daemon.engine,
        every=dangling(asked.get("dangling", ())) is False,
        until=min(map(parse_time, asked.get("until", ())), default=float("inf")),
        labels=asked.get("label", ()),
        not_labels=asked.get("label!", ()),
    )
    return json_response({"ImagesDeleted": removed(removal) or None, "SpaceReclaimed": removal.freed})


def save_one(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /images/{name}/get."""
    return _saved(daemon, request, (name,))


def save_many(daemon: Daemon, request: Request) -> Response:
    """GET /images/get."""
    return _saved(daemon, request, request.every("names"))


def _saved(daemon: Daemon, request: Request, names: tuple[str, ...]) -> Response:
    archive = save_images(daemon.engine, names, platform=platform_json(request, since=ARCHIVES_PLATFORMS))
    first = next(archive, b"")  # what is not there is said in the head
    return Response(HTTPStatus.OK, TAR, chain([first], archive))


def load(daemon: Daemon, request: Request) -> Response:
    """POST /images/load. As docker does, it says of what goes wrong in its last line."""
    platform = platform_json(request, since=ARCHIVES_PLATFORMS)

    def lines() -> Iterator[Line]:
        loaded, new = load_images(daemon.engine, cast(BinaryIO, request.body), platform=platform)
        yield from load_lines(loaded, new, quiet=flag(request, "quiet"))

    return streamed(lines(), head_first=True)


def search_images(daemon: Daemon, request: Request) -> Response:
    """GET /images/search."""
    asked = filters(request, SEARCH_FILTERS)
    limit = number(request, "limit") or SEARCH_LIMIT
    term = request.query.get("term", "")
    found = search(daemon.engine, term, limit=limit, find=lambda registry: found_by(request, registry), filters=asked)
    return json_response([search_result(each) for each in found])


ROUTES = (
    Route("GET", "/images/json", list_all),
    Route("POST", "/images/create", create_image, long_running=True),
    Route("GET", "/images/search", search_images, long_running=True),
    Route("POST", "/images/prune", prune, long_running=True),
    Route("GET", "/images/get", save_many, long_running=True),
    Route("POST", "/images/load", load, long_running=True),
    Route("GET", "/images/{name:path}/json", inspect_image),
    Route("GET", "/images/{name:path}/history", history),
    Route("GET", "/images/{name:path}/get", save_one, long_running=True),
    Route("POST", "/images/{name:path}/push", push, long_running=True),
    Route("POST", "/images/{name:path}/tag", tag),
    Route("DELETE", "/images/{name:path}", remove),
)
