"""System: ping, version, info, disk usage, events."""

from __future__ import annotations

from labcore.client.answer import Answer, flag, mapping, number, record, records, text, texts
from labcore.client.api import ANSWER_SECONDS, API, filters_json
from labcore.client.container_values import ContainerSummary
from labcore.client.images import ImageSummary
from labcore.client.volumes import Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from labcore.client.api import Filters
    from labcore.client.images import RegistryAuth


class Version(Answer):
    """The daemon's version."""

    version: str = text("Version")
    api_version: str = text("ApiVersion")
    min_api_version: str = text("MinAPIVersion")
    os: str = text("Os")
    architecture: str = text("Arch")
    kernel: str = text("KernelVersion")


class Info(Answer):
    """What the daemon says of itself and its machine; `json` has all of it."""

    id: str = text("ID")
    name: str = text("Name")
    containers: int = number("Containers")
    containers_running: int = number("ContainersRunning")
    containers_paused: int = number("ContainersPaused")
    containers_stopped: int = number("ContainersStopped")
    images: int = number("Images")
    driver: str = text("Driver")
    cgroup_version: str = text("CgroupVersion")
    server_version: str = text("ServerVersion")
    operating_system: str = text("OperatingSystem")
    kernel: str = text("KernelVersion")
    processors: int = number("NCPU")
    memory: int = number("MemTotal")
    root: str = text("DockerRootDir")
    warnings: tuple[str, ...] = texts("Warnings")


class CacheRecord(Answer):
    """A step, or a cache mount, that is in the cache of builds; times are those of RFC 3339, empty for never."""

    id: str = text("ID")
    kind: str = text("Type")  # regular, source.local, exec.cachemount
    description: str = text("Description")
    parents: tuple[str, ...] = texts("Parents")
    is_in_use: bool = flag("InUse")
    is_shared: bool = flag("Shared")
    size: int = number("Size")
    created: str = text("CreatedAt")
    last_used: str = text("LastUsedAt")
    uses: int = number("UsageCount")


class PrunedCache(Answer):
    """Records of the cache that were removed, and how many bytes that has freed."""

    records: tuple[str, ...] = texts("CachesDeleted")
    space_reclaimed: int = number("SpaceReclaimed")


class DiskUsage(Answer):
    """What lies on disk for whom, in bytes."""

    layers_size: int = number("LayersSize")
    images: tuple[ImageSummary, ...] = records("Images", ImageSummary)
    containers: tuple[ContainerSummary, ...] = records("Containers", ContainerSummary)
    volumes: tuple[Volume, ...] = records("Volumes", Volume)
    build_cache: tuple[CacheRecord, ...] = records("BuildCache", CacheRecord)


class Actor(Answer):
    """Whom an event is about."""

    id: str = text("ID")
    attributes: Mapping[str, str] = mapping("Attributes")


class Event(Answer):
    """Something that has happened: `kind` (container, image, network, volume), `action`, and to whom."""

    kind: str = text("Type")
    action: str = text("Action")
    actor: Actor = record("Actor", Actor)
    time_ns: int = number("timeNano")


class System:
    """The daemon itself."""

    def __init__(self, api: API) -> None:
        self._api = api

    def ping(self) -> str:
        """Return the version of the API that is spoken, once the daemon has answered."""
        with self._api.call("GET", "/_ping") as answer:
            answer.content()
        return self._api.version

    def version(self) -> Version:
        """Return the daemon's version."""
        return Version(self._api.get("/version"))

    def log_in(self, auth: RegistryAuth) -> str:
        """Try credentials at their registry; return an identity token to be kept instead of the password, or nothing.

        Raises Unauthorized, ServerError.
        """
        answer = self._api.post("/auth", json=auth.said(), timeout=ANSWER_SECONDS)
        token = answer.get("IdentityToken") if isinstance(answer, dict) else None
        return token if isinstance(token, str) else ""

    def info(self) -> Info:
        """Return what the daemon says of itself and its machine."""
        return Info(self._api.get("/info"))

    def disk_usage(self, kinds: Sequence[str] = ()) -> DiskUsage:
        """Return what lies on disk, of all `kinds` or of some: `container`, `image`, `volume`, `build-cache`."""
        return DiskUsage(self._api.get("/system/df", {"type": tuple(kinds)}, timeout=ANSWER_SECONDS * 10))

    def prune_cache(
        self,
        *,
        all: bool = False,
        filters: Filters | None = None,
        reserved_space: int = 0,
        max_used_space: int = 0,
        min_free_space: int = 0,
    ) -> PrunedCache:
        """Remove what is in the cache of builds and not used, until so many bytes of it are left, or of the disk free."""
        query = {
            "all": all,
            "filters": filters_json(filters),
            "keep-storage": reserved_space or None,
            "reserved-space": reserved_space or None,
            "max-used-space": max_used_space or None,
            "min-free-space": min_free_space or None,
        }
        return PrunedCache(self._api.post("/build/prune", query, timeout=None))

    def events(self, *, since: str = "", until: str = "", filters: Filters | None = None) -> Iterator[Event]:
        """Yield events from now on, or `since` then, `until` then or until the caller stops.

        The daemon has begun to listen when this returns.
        """
        query = {"since": since, "until": until, "filters": filters_json(filters)}
        answer = self._api.call("GET", "/events", query, timeout=None)
        return map(Event, self._api.values(answer, "GET /events"))
