"""Images: list, inspect, history, tag, remove, search; build, pull, push, load and import with their progress; save."""

from __future__ import annotations

from labcore.client.answer import Answer, flag, mapping, number, record, records, text, texts
from labcore.client.api import API, base64url, filters_json, json_of, list_of, path
from labcore.client.errors import ServerError
from labcore.errors import InvalidInput
from labcore.json_codec import dumps
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any, Final

    from labcore.client.api import Filters
    from labcore.client.build import BuildRequest
    from labcore.client.build_events import BuildEvent
    from labcore.client.build_sources import BuildSource
    from labcore.client.transport import Content, Response

TAR: Final = {"Content-Type": "application/x-tar"}


class RegistryAuth(Record):
    """Credentials for one registry, as X-Registry-Auth carries them."""

    username: str = ""
    password: str = ""
    server: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def header(self) -> dict[str, str]:
        """Return the header."""
        return {"X-Registry-Auth": base64url(self.said())}

    def said(self) -> dict[str, str]:
        """Return what is there, as the API names it."""
        said = {
            "username": self.username,
            "password": self.password,
            "serveraddress": self.server,
            "identitytoken": self.identity_token,
            "registrytoken": self.registry_token,
        }
        return {name: value for name, value in said.items() if value}


class ImageSummary(Answer):
    """A line of `docker images`; `created` in seconds since 1970."""

    id: str = text("Id")
    tags: tuple[str, ...] = texts("RepoTags")
    digests: tuple[str, ...] = texts("RepoDigests")
    created: int = number("Created")
    size: int = number("Size")
    shared_size: int = number("SharedSize")  # -1: it was not asked for
    containers: int = number("Containers")
    labels: Mapping[str, str] = mapping("Labels")


class Image(Answer):
    """An image, as inspect shows it."""

    id: str = text("Id")
    tags: tuple[str, ...] = texts("RepoTags")
    digests: tuple[str, ...] = texts("RepoDigests")
    created: str = text("Created")
    author: str = text("Author")
    architecture: str = text("Architecture")
    os: str = text("Os")
    variant: str = text("Variant")
    size: int = number("Size")
    config: Mapping[str, Any] = mapping("Config")


class HistoryEntry(Answer):
    """A step of an image's making."""

    id: str = text("Id")
    created: int = number("Created")
    created_by: str = text("CreatedBy")
    comment: str = text("Comment")
    size: int = number("Size")
    tags: tuple[str, ...] = texts("Tags")


class ProgressDetail(Answer):
    """How far a part has come, in bytes."""

    current: int = number("current")
    total: int = number("total")


class Progress(Answer):
    """What a pull, push or load says: the status of the part `id`, or of all of it; `stream` is text for people."""

    id: str = text("id")
    status: str = text("status")
    stream: str = text("stream")
    detail: ProgressDetail = record("progressDetail", ProgressDetail)
    aux: Mapping[str, Any] = mapping("aux")


class SearchResult(Answer):
    """A repository that a registry has found."""

    name: str = text("name")
    description: str = text("description")
    stars: int = number("star_count")
    is_official: bool = flag("is_official")


class Removal(Answer):
    """A tag or an image that was removed."""

    untagged: str = text("Untagged")
    deleted: str = text("Deleted")


class PrunedImages(Answer):
    """Images that were removed, and how many bytes that has freed."""

    images: tuple[Removal, ...] = records("ImagesDeleted", Removal)
    space_reclaimed: int = number("SpaceReclaimed")


class Images:
    """The images of a daemon, by name or ID."""

    def __init__(self, api: API) -> None:
        self._api = api

    def list(self, *, all: bool = False, filters: Filters | None = None) -> tuple[ImageSummary, ...]:
        """Return them, the newest first."""
        query = {"all": all, "filters": filters_json(filters)}
        return tuple(map(ImageSummary, list_of(self._api.get("/images/json", query), "GET /images/json")))

    def inspect(self, name: str, *, platform: str = "") -> Image:
        """Return all about one; of those for several platforms, that of `platform`. Raises ImageNotFound, APIError."""
        return Image(self._api.get(path("images", "json", image=name), {"platform": _platform_json(platform)}))

    def history(self, name: str, *, platform: str = "") -> tuple[HistoryEntry, ...]:
        """Return the steps of its making, the last one first; `platform` is as above."""
        target = path("images", "history", image=name)
        found = self._api.get(target, {"platform": _platform_json(platform)})
        return tuple(map(HistoryEntry, list_of(found, f"GET {target}")))

    def tag(self, name: str, *, repository: str, tag: str = "") -> None:
        """Give it one more name."""
        self._api.change("POST", path("images", "tag", image=name), {"repo": repository, "tag": tag})

    def remove(
        self, name: str, *, force: bool = False, prune: bool = True, platforms: Sequence[str] = ()
    ) -> tuple[Removal, ...]:
        """Take a name away, and what then has none. Raises Conflict for what a container uses, APIError for other platforms."""
        target = path("images", image=name)
        query = {"force": force, "noprune": not prune, "platforms": tuple(map(_platform_json, platforms))}
        with self._api.call("DELETE", target, query, timeout=None) as answer:
            return tuple(map(Removal, list_of(json_of(answer.content(), target), f"DELETE {target}")))

    def prune(self, *, filters: Filters | None = None) -> PrunedImages:
        """Remove those without a name, or with `{"dangling": "false"}` all that no container uses."""
        return PrunedImages(self._api.post("/images/prune", {"filters": filters_json(filters)}, timeout=None))

    def search(
        self, term: str, *, limit: int = 0, filters: Filters | None = None, auth: RegistryAuth | None = None
    ) -> tuple[SearchResult, ...]:
        """Return what a registry finds."""
        query = {"term": term, "limit": limit or None, "filters": filters_json(filters)}
        answer = self._api.call("GET", "/images/search", query, headers=auth.header() if auth else {}, timeout=None)
        found = json_of(answer.content(), "GET /images/search")
        return tuple(map(SearchResult, list_of(found, "GET /images/search")))

    # --- what takes its time

    def pull(
        self, name: str, *, tag: str = "", all_tags: bool = False, platform: str = "", auth: RegistryAuth | None = None
    ) -> Iterator[Progress]:
        """Pull an image, `latest` unless the name or `tag` say otherwise, or `all_tags`; yield how it goes. Raises APIError."""
        repository, named = _parts(name)
        query = {"fromImage": repository, "tag": "" if all_tags else tag or named, "platform": platform}
        return self._progress("/images/create", query, headers=auth.header() if auth else {})

    def build(
        self,
        context: str | os.PathLike[str] | Iterable[bytes] | BuildSource,
        request: BuildRequest | None = None,
        *,
        dockerfile: str = "",
        auths: Mapping[str, Mapping[str, str]] = {},
        **options: Any,
    ) -> Iterator[BuildEvent]:
        """Build an image, and yield how it goes; the last event, Built, has its ID. Who stops reading cancels it.

        `context` is a directory, a URL, or the pieces of a tar archive; `options` are the fields of BuildRequest:
        `build(".", tags=["web:1"], arguments={"VERSION": "3"}, no_cache=True)`. `auths` are credentials by registry, as
        X-Registry-Config has them. Raises BuildFailed, InvalidInput, APIError.
        """
        from labcore.client.build import BuildRequest, build, source_of  # most calls are of no build

        source = source_of(context, dockerfile=dockerfile)
        return build(self._api, source, (request or BuildRequest()).changed(options), auths=auths)

    def push(self, name: str, *, tag: str = "", platform: str = "", auth: RegistryAuth | None = None) -> Iterator[Progress]:
        """Push an image, and yield how it goes. Raises APIError."""
        auth = auth or RegistryAuth()  # the header has to be there
        query = {"tag": tag, "platform": _platform_json(platform)}
        return self._progress(path("images", "push", image=name), query, headers=auth.header())

    def load(self, archive: Content, *, quiet: bool = False, platform: str = "") -> Iterator[Progress]:
        """Load the images of an archive that `save` has made, or those of a platform alone, and yield how it goes."""
        query = {"quiet": quiet, "platform": _platform_json(platform)}
        return self._progress("/images/load", query, content=archive, headers=TAR)

    def import_archive(
        self,
        archive: Content,
        *,
        repository: str = "",
        tag: str = "",
        message: str = "",
        changes: Sequence[str] = (),
        platform: str = "",
    ) -> Iterator[Progress]:
        """Make an image of a root file system's archive, and yield how it goes; the last has the image's ID as status."""
        query = {
            "fromSrc": "-", "repo": repository, "tag": tag, "message": message, "changes": tuple(changes),
            "platform": platform,
        }  # fmt: skip
        return self._progress("/images/create", query, content=archive, headers=TAR)

    def _progress(self, target: str, query: Mapping[str, Any], **options: Any) -> Iterator[Progress]:
        call = f"POST {target}"
        for value in self._api.values(self._api.call("POST", target, query, timeout=None, **options), call):
            if isinstance(value, dict) and value.get("error"):
                raise ServerError(str(value["error"]), call=call, status=200)
            yield Progress(value)

    def save(self, *names: str, platform: str = "") -> Response:
        """Return a tar archive of images, to be iterated; of those for several platforms, one. Raises ImageNotFound."""
        if not names:
            raise InvalidInput("save: name the images")
        return self._api.call("GET", "/images/get", {"names": names, "platform": _platform_json(platform)}, timeout=None)


def _parts(name: str) -> tuple[str, str]:
    """Return a name without its tag or digest, and that, as docker sends them; without one the API means all tags."""
    name, _, digest = name.partition("@")
    path, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return path + slash + last, digest or tag or "latest"


def _platform_json(platform: str) -> str:
    """Return a platform as the API takes it here: a JSON object. Raises InvalidInput."""
    if not platform:
        return ""
    from labcore.spec import Platform

    said = Platform.parse(platform)
    return dumps({"os": said.os, "architecture": said.architecture, "variant": said.variant})
