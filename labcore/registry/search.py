"""Image search: Docker's v1 index, or, where there is none, a registry's catalog."""

import json
import os
from typing import Any, Final
from urllib.parse import quote

from labcore.record import Record
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import HUB_HOST, Endpoint, RegistryError
from labcore.registry.transport import Transport

INDEX_HOST: Final = "index.docker.io"  # docker.io's, which is not where its images are
ANSWER_MAX: Final = 4 << 20
LIMIT: Final = 100


class Found(Record):
    """A search result."""

    name: str
    description: str = ""
    stars: int = 0
    official: bool = False


def search(endpoint: Endpoint, credentials: Credentials | None, term: str, *, limit: int = 25) -> list[Found]:
    """Return at most `limit` images whose names or descriptions match. Raises RegistryError."""
    where = endpoint.replace(host=INDEX_HOST) if endpoint.host == HUB_HOST else endpoint
    transport = Transport(where, credentials)
    try:
        return _ask_index(transport, term, limit)
    except RegistryError as error:
        if error.status not in (404, 405):
            raise
        return _look_through(transport, term, limit)
    finally:
        transport.close()


def _ask_index(transport: Transport, term: str, limit: int) -> list[Found]:
    entries = _json(transport, f"/v1/search?q={quote(os.fsencode(term), safe='')}&n={limit}").get("results")
    if not isinstance(entries, list):
        raise RegistryError(f"{transport.endpoint.host}: its answer to a search cannot be understood")
    return [
        Found(
            name=_shown(entry.get("name")),
            description=_shown(entry.get("description")),
            stars=entry["star_count"] if type(entry.get("star_count")) is int else 0,
            official=entry.get("is_official") is True,
        )
        for entry in entries[:limit]
        if isinstance(entry, dict)
    ]


def _look_through(transport: Transport, term: str, limit: int) -> list[Found]:
    names = _json(transport, "/v2/_catalog?n=1000", "registry:catalog:*").get("repositories") or []
    if not isinstance(names, list):
        raise RegistryError(f"{transport.endpoint.host}: its list of repositories cannot be understood")
    matching = [name for name in names if isinstance(name, str) and term.lower() in name]
    return [Found(_shown(name)) for name in matching[:limit]]


def _json(transport: Transport, path: str, scope: str = "") -> dict[str, Any]:
    content, _ = transport.fetch(path, ANSWER_MAX, scope=scope)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RegistryError(f"{transport.endpoint.host}: what it answers is no JSON object")
    return value


def _shown(text: Any) -> str:
    """Return untrusted text in a form that is safe on a terminal."""
    return "".join(character if character.isprintable() else " " for character in str(text or ""))
