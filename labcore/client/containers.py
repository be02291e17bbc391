"""Containers: create, list, inspect, and the verbs of their life."""

from __future__ import annotations

from labcore.client.answer import Answer, text, texts
from labcore.client.api import ANSWER_SECONDS, filters_json, list_of, path
from labcore.client.container_files import ContainerFiles
from labcore.client.container_json import container_json, restart_json
from labcore.client.container_streams import ContainerStreams
from labcore.client.container_values import Container, ContainerSummary, Exited, Pruned
from labcore.client.resources_json import limits_json
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from labcore.client.api import Filters
    from labcore.client.transport import Response
    from labcore.spec import CreateOptions, Resources, RestartPolicy


class _Created(Answer):
    id: str = text("Id")
    warnings: tuple[str, ...] = texts("Warnings")


class Waiting:
    """A wait that the daemon has begun; `result` blocks until the container has ended. Closed at the block's end."""

    def __init__(self, answer: Response, call: str) -> None:
        self._answer = answer
        self._call = call

    def result(self) -> Exited:
        """Return how it has ended. Raises Unavailable if the daemon goes before."""
        from labcore.client.api import json_of

        return Exited(json_of(self._answer.content(), self._call))

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()


class Containers(ContainerStreams, ContainerFiles):
    """The containers of a daemon. They are named by name, ID, or the beginning of one that no other begins with."""

    def create(
        self,
        options: CreateOptions | None = None,
        *,
        platform: str = "",
        on_warning: Callable[[str], object] | None = None,
        **fields: Any,
    ) -> str:
        """Create a container from CreateOptions, or from its fields by name; return its ID.

        Of the fields, a mapping stands for pairs and a list for a tuple. `on_warning` is called with each of the daemon's
        warnings. Raises InvalidInput, ImageNotFound, Conflict.
        """
        wanted = _options(options, fields)
        query = {"name": wanted.name, "platform": platform}
        made = _Created(self._api.post("/containers/create", query, json=container_json(wanted)))
        if on_warning:
            for warning in made.warnings:
                on_warning(warning)
        return made.id

    def list(
        self, *, all: bool = False, limit: int = 0, size: bool = False, filters: Filters | None = None
    ) -> tuple[ContainerSummary, ...]:
        """Return those that run, or `all`, the newest first. Raises BadRequest for an unknown filter."""
        query = {"all": all, "limit": limit or None, "size": size, "filters": filters_json(filters)}
        return tuple(map(ContainerSummary, list_of(self._api.get("/containers/json", query), "GET /containers/json")))

    def inspect(self, name: str, *, size: bool = False) -> Container:
        """Return all about one. Raises NotFound."""
        return Container(self._api.get(path("containers", name, "json"), {"size": size}))

    def start(self, name: str, *, detach_keys: str = "") -> bool:
        """Start it; return False if it runs already. Raises NotFound, BadRequest for a program that is not there."""
        return self._api.change("POST", path("containers", name, "start"), {"detachKeys": detach_keys}, timeout=None)

    def stop(self, name: str, *, signal: str = "", timeout: int | None = None) -> bool:
        """Stop it: a signal, and after `timeout` seconds SIGKILL; return False if it does not run."""
        query = {"signal": signal, "t": timeout}
        return self._api.change("POST", path("containers", name, "stop"), query, timeout=None)

    def restart(self, name: str, *, signal: str = "", timeout: int | None = None) -> None:
        """Stop it, if it runs, and start it."""
        query = {"signal": signal, "t": timeout}
        self._api.change("POST", path("containers", name, "restart"), query, timeout=None)

    def kill(self, name: str, signal: str = "") -> None:
        """Send it a signal, SIGKILL unless named. Raises NotRunning."""
        self._api.change("POST", path("containers", name, "kill"), {"signal": signal})

    def pause(self, name: str) -> None:
        """Freeze its processes. Raises Conflict."""
        self._api.change("POST", path("containers", name, "pause"))

    def unpause(self, name: str) -> None:
        """Let them go on. Raises Conflict."""
        self._api.change("POST", path("containers", name, "unpause"))

    def rename(self, name: str, new_name: str) -> None:
        """Give it another name. Raises Conflict for one that is taken."""
        self._api.change("POST", path("containers", name, "rename"), {"name": new_name})

    def update(self, name: str, *, resources: Resources | None = None, restart: RestartPolicy | None = None) -> tuple[str, ...]:
        """Change limits and the restart policy; return the daemon's warnings."""
        body = limits_json(resources) if resources else {}
        if restart:
            body["RestartPolicy"] = restart_json(restart)
        found = self._api.post(path("containers", name, "update"), json=body) or {}
        return tuple(found.get("Warnings") or ())

    def waiting(self, name: str, *, condition: str = "") -> Waiting:
        """Begin to wait: when this returns, no end is missed. Conditions: `not-running`, `next-exit`, `removed`."""
        target = path("containers", name, "wait")
        return Waiting(self._api.call("POST", target, {"condition": condition}, timeout=None), f"POST {target}")

    def wait(self, name: str, *, condition: str = "") -> Exited:
        """Wait until it has ended; return how."""
        with self.waiting(name, condition=condition) as waiting:
            return waiting.result()

    def remove(self, name: str, *, force: bool = False, volumes: bool = False, link: bool = False) -> None:
        """Remove it, `force` if it runs, with its anonymous `volumes`; or the `link` of that name. Raises Conflict."""
        query = {"force": force, "v": volumes, "link": link}
        self._api.change("DELETE", path("containers", name), query, timeout=None)

    def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove all that do not run."""
        return Pruned(self._api.post("/containers/prune", {"filters": filters_json(filters)}, timeout=None))

    def commit(
        self,
        name: str,
        *,
        repository: str = "",
        tag: str = "",
        author: str = "",
        comment: str = "",
        pause: bool = True,
        changes: tuple[str, ...] = (),
    ) -> str:
        """Make an image of its files; return the image's ID. `changes` are Dockerfile instructions."""
        query = {
            "container": name, "repo": repository, "tag": tag, "author": author, "comment": comment,
            "pause": int(pause), "changes": changes,
        }  # fmt: skip
        made: str = self._api.post("/commit", query, json={}, timeout=ANSWER_SECONDS * 10)["Id"]
        return made


def _options(options: CreateOptions | None, fields: dict[str, Any]) -> CreateOptions:
    from labcore.spec import CreateOptions  # whose fields take 3 ms, where something is created only

    values = {name: _frozen(value) for name, value in fields.items()}
    try:
        return options.replace(**values) if options else CreateOptions(**values)
    except TypeError as error:
        raise InvalidInput(str(error)) from None


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
