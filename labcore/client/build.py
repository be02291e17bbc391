"""Builds: what is wanted of an image, as `docker build` says it, and the daemon's events while it is made."""

from __future__ import annotations

import os

from labcore.client.api import base64url
from labcore.client.build_events import event_of
from labcore.client.build_sources import BuildSource, of_archive, of_directory, of_url
from labcore.errors import InvalidInput, LabcoreError
from labcore.json_codec import dumps
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final, Self

    from labcore.client.api import API
    from labcore.client.build_events import BuildEvent
    from labcore.spec import Rlimit

CALL: Final = "POST /build"
URLS: Final = ("http://", "https://", "git://", "git@", "github.com/")
SECRETS_BYTES: Final = 32 << 10  # of all together: they travel in a header


class BuildRequest(Record):
    """What is wanted of a build; the names are `docker build`'s options'.

    `arguments` with the value None are unset. `resources` has the API's words (`memory`, `memswap`, `cpushares`, `cpuperiod`,
    `cpuquota`, `cpusetcpus`, `cpusetmems`). `cache_to` is an image; with `inline_cache` the image itself says what it was
    made by. `secrets` are bytes by ID. `epoch` is SOURCE_DATE_EPOCH. With `keeps_failed` a failed step's files are kept as
    an image, which the failure names.
    """

    tags: tuple[str, ...] = ()
    target: str = ""
    platform: str = ""
    arguments: tuple[tuple[str, str | None], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    no_cache: bool = False
    uncached_stages: tuple[str, ...] = ()
    cache_from: tuple[str, ...] = ()
    cache_to: str = ""
    inline_cache: bool = False
    pull: bool = False
    secrets: tuple[tuple[str, bytes], ...] = ()
    network: str = ""
    hosts: tuple[str, ...] = ()
    shm_size: int = 0
    ulimits: tuple[Rlimit, ...] = ()
    resources: tuple[tuple[str, int | str], ...] = ()
    cgroup_parent: str = ""
    security: tuple[str, ...] = ()
    isolation: str = ""
    squash: bool = False
    keeps_container: bool = False
    removes_always: bool = False
    epoch: int | None = None
    keeps_failed: bool = False

    def changed(self, options: Mapping[str, Any]) -> Self:
        """Return it with some fields changed: lists, and mappings for pairs, are taken too. Raises InvalidInput."""
        if unknown := options.keys() - self._fields.keys():
            raise InvalidInput(f"there is no option {min(unknown)}: there are {', '.join(self._fields)}")
        return self.replace(**{name: _plain(value) for name, value in options.items()}) if options else self


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(value) if isinstance(value, list) else value


def query_of(request: BuildRequest, source: BuildSource) -> dict[str, Any]:
    """Return the query of POST /build: docker's parameters, and labcore's own."""
    return {
        "labcore": True,
        "dockerfile": source.dockerfile,
        "remote": source.remote,
        "contexts": _json(dict(source.contexts)),
        "t": request.tags,
        "target": request.target,
        "platform": request.platform,
        "buildargs": _json(dict(request.arguments)),
        "labels": _json(dict(request.labels)),
        "nocache": request.no_cache,
        "nocachefilter": _json(list(request.uncached_stages)),
        "cachefrom": _json(list(request.cache_from)),
        "cacheto": request.cache_to,
        "inlinecache": request.inline_cache,
        "pull": request.pull,
        "networkmode": request.network,
        "extrahosts": request.hosts,
        "shmsize": request.shm_size or None,
        "ulimits": _json([_ulimit(each) for each in request.ulimits]),
        **dict(request.resources),
        "cgroupparent": request.cgroup_parent,
        "securityopt": request.security,
        "isolation": request.isolation,
        "squash": request.squash,
        "rm": "0" if request.keeps_container else "1",
        "forcerm": request.removes_always,
        "epoch": None if request.epoch is None else str(request.epoch),
        "keepfailed": request.keeps_failed,
    }


def _json(value: Any) -> str:
    return dumps(value) if value else ""


def _ulimit(limit: Rlimit) -> dict[str, Any]:
    return {"Name": limit.name.lower(), "Soft": limit.soft, "Hard": limit.hard}


def _headers(request: BuildRequest, auths: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    headers = {"Content-Type": "application/x-tar"}
    if auths:
        headers["X-Registry-Config"] = base64url({registry: dict(auth) for registry, auth in auths.items()})
    if request.secrets:
        from base64 import b64encode

        sent = base64url({name: b64encode(content).decode() for name, content in request.secrets})
        if len(sent) > SECRETS_BYTES:
            raise InvalidInput(f"secrets: together they have more than {SECRETS_BYTES >> 10} KiB, and travel in one header")
        headers["X-Labcore-Secrets"] = sent
    return headers


def build(
    api: API, source: BuildSource, request: BuildRequest, *, auths: Mapping[str, Mapping[str, str]] = {}
) -> Iterator[BuildEvent]:
    """Have an image built, and yield the events; who stops reading them cancels it.

    Raises BuildFailed for a step that has failed, InvalidInput for a context that cannot be sent, APIError.
    """
    content = b"" if source.remote else source
    query, headers = query_of(request, source), _headers(request, auths)
    try:
        answer = api.call("POST", "/build", query, content=content, headers=headers, timeout=None)
        for value in api.values(answer, CALL):
            yield event_of(value, CALL)
    except LabcoreError:
        if source.error:  # the daemon has only seen that the context broke off
            raise source.error from None
        raise


def source_of(context: str | os.PathLike[str] | Iterable[bytes] | BuildSource, *, dockerfile: str = "") -> BuildSource:
    """Return what is built from: a directory's path, a URL, or the pieces of a tar archive. Raises InvalidInput."""
    if isinstance(context, BuildSource):
        return context
    if not isinstance(context, str | os.PathLike):
        return of_archive(context, dockerfile=dockerfile)
    where = os.fspath(context)
    if where.startswith(URLS) and not os.path.isdir(where):
        return of_url(where, dockerfile=dockerfile)
    return of_directory(where, dockerfile=dockerfile)
