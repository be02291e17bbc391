"""The life of containers: start, stop, kill, pause, rename, update, wait, remove, prune (tag Container)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from labcore.daemon.context import Daemon
from labcore.daemon.versions import version_of
from labcore.daemon.wire.codec import JSON, decode, empty, encode, json_response
from labcore.daemon.wire.container_update import ContainerUpdate, limits_of, new_restart_policy
from labcore.daemon.wire.query import before, filters, flag, number
from labcore.engine.container.lifecycle import NOTHING
from labcore.engine.container.links import remove_link
from labcore.engine.container.pause import pause, unpause
from labcore.engine.container.restart import restart
from labcore.engine.container.start import start
from labcore.engine.container.state import get
from labcore.engine.container.update import update
from labcore.engine.container.wait import ContainerWait
from labcore.engine.containers import kill, remove, rename, signal_number, stop
from labcore.engine.filters import has_label
from labcore.engine.prune import prune_containers
from labcore.engine.records.records import Container
from labcore.errors import InvalidInput, NotFound
from labcore.http import Request, Response, Route

PIDS_LIMITED_SINCE: Final = (1, 40)
PRUNE_FILTERS: Final = ("until", "label", "label!")


def start_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/start."""
    container = get(daemon.engine, name)
    if daemon.engine.lifecycle.check("start", container, name) == NOTHING:
        return empty(HTTPStatus.NOT_MODIFIED)
    start(daemon.engine, container.id)
    return empty()


def stop_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/stop."""
    stopped = stop(daemon.engine, name, number=_signal(request), seconds=number(request, "t"))
    return empty() if stopped else empty(HTTPStatus.NOT_MODIFIED)


def restart_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/restart."""
    restart(daemon.engine, name, number=_signal(request), seconds=number(request, "t"))
    return empty()


def kill_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/kill."""
    try:
        kill(daemon.engine, name, signal_number(request.query.get("signal") or "KILL"))
    except (InvalidInput, NotFound) as error:
        raise type(error)(f"cannot kill container: {name}: {error}") from None
    return empty()


def _signal(request: Request) -> int | None:
    text = request.query.get("signal", "")
    return signal_number(text) if text else None


def pause_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/pause."""
    pause(daemon.engine, name)
    return empty()


def unpause_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/unpause."""
    unpause(daemon.engine, name)
    return empty()


def rename_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/rename."""
    rename(daemon.engine, name, request.query.get("name", "").removeprefix("/"))
    return empty()


def update_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/update."""
    body = decode(request, ContainerUpdate)
    if version_of(request) < PIDS_LIMITED_SINCE:
        body.pids_limit = None
    update(daemon.engine, name, limits_of(body), restart=new_restart_policy(body.restart_policy))
    return json_response({"Warnings": None})


def wait_container(daemon: Daemon, request: Request, name: str) -> Response:
    """POST /containers/{name}/wait: the head goes out at once, for clients start the container only then."""
    wait = ContainerWait(daemon.engine, daemon.supervisor, name, request.query.get("condition") or "not-running")
    request.on_disconnect(wait.close)

    def answer() -> Iterator[bytes]:
        with wait:
            yield b""
            if (code := wait.result()) is not None:
                yield encode({"StatusCode": code}) + b"\n"

    return Response(HTTPStatus.OK, JSON, answer())


def remove_container(daemon: Daemon, request: Request, name: str) -> Response:
    """DELETE /containers/{name}."""
    if flag(request, "link"):
        remove_link(daemon.engine, name)
    else:
        remove(daemon.engine, name, force=flag(request, "force"), volumes=flag(request, "v"))
    return empty()


def prune(daemon: Daemon, request: Request) -> Response:
    """POST /containers/prune."""
    removed = prune_containers(daemon.engine, _filter(filters(request, PRUNE_FILTERS)))
    return json_response({"ContainersDeleted": list(removed.ids) or None, "SpaceReclaimed": removed.size})


def _filter(wanted: Mapping[str, Sequence[str]]) -> Callable[[Container], bool]:
    is_before = before(wanted.get("until", ()))

    def passes(container: Container) -> bool:
        labels = container.labels()
        has = all(has_label(labels, text) for text in wanted.get("label", ()))
        return has and not any(has_label(labels, text) for text in wanted.get("label!", ())) and is_before(container.created)

    return passes


ROUTES = (
    Route("POST", "/containers/prune", prune),
    Route("POST", "/containers/{name}/start", start_container),
    Route("POST", "/containers/{name}/stop", stop_container, long_running=True),
    Route("POST", "/containers/{name}/restart", restart_container, long_running=True),
    Route("POST", "/containers/{name}/kill", kill_container),
    Route("POST", "/containers/{name}/pause", pause_container),
    Route("POST", "/containers/{name}/unpause", unpause_container),
    Route("POST", "/containers/{name}/rename", rename_container),
    Route("POST", "/containers/{name}/update", update_container),
    Route("POST", "/containers/{name}/wait", wait_container, long_running=True),
    Route("DELETE", "/containers/{name:path}", remove_container),
)
