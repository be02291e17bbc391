"""Registries that are asked and not pulled from: search, log-in, and what a manifest is for (distribution)."""

from __future__ import annotations

from contextlib import closing

from labcore.engine.filters import TRUTHS
from labcore.engine.image.registry_messages import in_dockers_words
from labcore.errors import InvalidInput
from labcore.images.config import Config
from labcore.images.model import Descriptor, Manifest, read_index
from labcore.record import Record
from labcore.registry import search as registry_search
from labcore.registry.client import MANIFEST_MAX, Fetched
from labcore.registry.mirrors import Sources
from labcore.registry.transport import RegistryError, Transport
from labcore.spec import Platform, Reference
from labcore.spec.media import DOCKER_MANIFEST, INDEXES
from labcore.spec.reference import split_registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.image.pull import CredentialsOf
    from labcore.registry.credentials import Credentials
    from labcore.registry.search import Found

SEARCH_FILTERS: Final = ("is-automated", "is-official", "stars")


class Distribution(Record):
    """A manifest at its registry, and the platforms that it says it is for; None if it says nothing of that."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...] | None


def search(
    engine: Engine, text: str, *, limit: int, find: Callable[[str], CredentialsOf], filters: Mapping[str, Sequence[str]] = {}
) -> list[Found]:
    """Look for images by a part of their name, behind their registry's if that is not docker.io.

    `find` returns, of a registry, how its credentials are found. Raises RegistryError, InvalidInput.
    """
    if not 1 <= limit <= registry_search.LIMIT:
        raise InvalidInput(f"limit {limit} is outside the range of [1, {registry_search.LIMIT}]")
    registry, _ = split_registry(text)
    term = text.partition("/")[2] if text.partition("/")[0] in (registry, "index.docker.io") else text
    found = registry_search.search(engine.endpoint(registry), find(registry)(registry), term, limit=limit)
    stars = max((_whole(value) for value in filters.get("stars", ())), default=0)
    official = [_truth("is-official", value) for value in filters.get("is-official", ())]
    automated = [_truth("is-automated", value) for value in filters.get("is-automated", ())]
    return [
        each
        for each in found
        if each.stars >= stars and (not official or each.official in official) and (not automated or False in automated)
    ]


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise InvalidInput(f"invalid filter 'stars=[{text}]'")
    return int(text)


def _truth(name: str, text: str) -> bool:
    if text.lower() not in TRUTHS:
        raise InvalidInput(f"invalid filter '{name}=[{text}]'")
    return TRUTHS[text.lower()]


def log_in(engine: Engine, registry: str, credentials: Credentials | None) -> None:
    """Try credentials at a registry. Raises Unauthorized, RegistryError."""
    anything = Reference(registry, "", None)
    with closing(Transport(engine.endpoint(registry), credentials)) as transport, in_dockers_words(anything):
        transport.request("GET", "/v2/").close()


def distribution(engine: Engine, reference: Reference, find: CredentialsOf) -> Distribution:
    """Ask an image's registry for its manifest. Raises ImageNotFound, Unauthorized, RegistryError."""
    sources = Sources(engine.endpoint(reference.registry), reference.repository, find)
    with closing(sources) as client, in_dockers_words(reference):
        fetched = client.manifest(reference.digest or reference.tag or "latest")
        return Distribution(
            Descriptor(fetched.media_type, fetched.digest, len(fetched.content)), _platforms(client, fetched, str(reference))
        )


def _platforms(client: Sources, fetched: Fetched, name: str) -> tuple[Platform, ...] | None:
    what = f"{name}: {fetched.digest}"
    if fetched.media_type in INDEXES:
        return tuple(entry.platform for entry in read_index(fetched.content, what) if entry.platform)
    if fetched.media_type != DOCKER_MANIFEST:  # docker looks into the configs of its own kind alone
        return None
    config = Manifest.parse(fetched.content, what).config
    if config.size > MANIFEST_MAX:
        raise RegistryError(f"{what}: its config has {config.size} bytes, and {MANIFEST_MAX} are the most")
    return (Config.parse(b"".join(client.blob(config.digest, config.size)), what).platform,)
