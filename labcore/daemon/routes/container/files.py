"""Files of containers: archives of them, in and out, export and changes (tag Container)."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from http import HTTPStatus
from itertools import chain
from typing import Any, Final

from labcore.daemon.context import Daemon
from labcore.daemon.wire.codec import empty, json_response
from labcore.daemon.wire.path_stat import path_stat_header
from labcore.daemon.wire.query import flag
from labcore.disk_space import room_for
from labcore.engine.container.events import log_container_event
from labcore.engine.container.files import archived, container_files, diff, extract_archive, path_stat
from labcore.engine.container.state import get
from labcore.errors import InvalidInput
from labcore.http import Request, Response, Route

PATH_MAX: Final = 4096  # bytes with the NUL byte at its end: path_resolution(7)
NAME_MAX: Final = 255
KINDS: Final = {"changed": 0, "added": 1, "deleted": 2}


class Held:
    """A body for which what a stack holds is held on, until it is sent, or is not. Raises what its first piece raises."""

    def __init__(self, pieces: Generator[bytes, None, None], holding: ExitStack) -> None:
        self._pieces = chain([next(pieces, b"")], pieces)
        self._held = holding.pop_all()
        self._held.callback(pieces.close)  # first: a file that it has open would keep the mount busy

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Let go."""
        self._held.close()


def get_archive(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/archive."""
    path, container = _path(request), get(daemon.engine, name)
    with ExitStack() as undo:
        files = undo.enter_context(container_files(daemon.engine, container.id))
        headers = path_stat_header(path_stat(files, path, name))
        body = Held(archived(files, path, name), undo)
    log_container_event(daemon.engine, container, "archive-path")
    return Response(HTTPStatus.OK, {"Content-Type": "application/x-tar", **headers}, body)


def head_archive(daemon: Daemon, request: Request, name: str) -> Response:
    """HEAD /containers/{name}/archive."""
    path, container = _path(request), get(daemon.engine, name)
    with container_files(daemon.engine, container.id) as files:
        return empty(HTTPStatus.OK).replace(headers=path_stat_header(path_stat(files, path, name)))


def put_archive(daemon: Daemon, request: Request, name: str) -> Response:
    """PUT /containers/{name}/archive."""
    path, container = _path(request), get(daemon.engine, name)
    body: Any = request.body
    with (
        room_for(path, daemon.engine.layers.directory),
        container_files(daemon.engine, container.id, writable=True) as files,
    ):
        overwrites = not flag(request, "noOverwriteDirNonDir")
        extract_archive(files, container, path, body, called=name, overwrites=overwrites, as_user=flag(request, "copyUIDGID"))
    log_container_event(daemon.engine, container, "extract-to-dir")
    return empty(HTTPStatus.OK)


def _path(request: Request) -> str:
    if not (path := request.query.get("path", "")):
        raise InvalidInput("bad parameter: path cannot be empty")
    if "\0" in path:
        raise InvalidInput("bad parameter: path has a NUL byte")
    if len(os.fsencode(path)) >= PATH_MAX or any(len(os.fsencode(name)) > NAME_MAX for name in path.split("/")):
        raise InvalidInput(f"bad parameter: path is longer than {PATH_MAX - 1} bytes, or a name in it than {NAME_MAX}")
    return path if path.startswith("/") else f"/{path}"


def export_container(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/export."""
    container = get(daemon.engine, name)
    with ExitStack() as undo:
        files = undo.enter_context(container_files(daemon.engine, container.id, mounts=False))
        body = Held(files.export(), undo)
    log_container_event(daemon.engine, container, "export")
    return Response(HTTPStatus.OK, {"Content-Type": "application/octet-stream"}, body)


def container_changes(daemon: Daemon, request: Request, name: str) -> Response:
    """GET /containers/{name}/changes: null if there are none."""
    changes = [{"Path": each.path, "Kind": KINDS[each.kind]} for each in diff(daemon.engine, name)]
    return json_response(changes or None)


ROUTES = (
    Route("GET", "/containers/{name}/archive", get_archive),
    Route("HEAD", "/containers/{name}/archive", head_archive),
    Route("PUT", "/containers/{name}/archive", put_archive),
    Route("GET", "/containers/{name}/export", export_container),
    Route("GET", "/containers/{name}/changes", container_changes),
)
