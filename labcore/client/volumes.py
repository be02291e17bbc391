"""Volumes: create, list, inspect, remove, prune."""

from __future__ import annotations

from labcore.client.answer import Answer, mapping, number, optional, records, text
from labcore.client.api import API, filters_json, path
from labcore.client.container_values import Pruned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from labcore.client.api import Filters


class VolumeUsage(Answer):
    """How many containers use a volume, and its size in bytes; -1 for what was not asked for."""

    containers: int = number("RefCount")
    size: int = number("Size")


class Volume(Answer):
    """A volume; `usage` is there from the disk usage alone."""

    name: str = text("Name")
    driver: str = text("Driver")
    mountpoint: str = text("Mountpoint")
    created: str = text("CreatedAt")
    scope: str = text("Scope")
    labels: Mapping[str, str] = mapping("Labels")
    options: Mapping[str, str] = mapping("Options")
    usage: VolumeUsage | None = optional("UsageData", VolumeUsage)


class _VolumeList(Answer):
    volumes: tuple[Volume, ...] = records("Volumes", Volume)


class Volumes:
    """The volumes of a daemon, by name."""

    def __init__(self, api: API) -> None:
        self._api = api

    def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Volume:
        """Create a volume, or find it as it is; without a name, an anonymous one."""
        body = {"Name": name, "Driver": driver, "Labels": dict(labels or {}), "DriverOpts": dict(options or {})}
        return Volume(self._api.post("/volumes/create", json=body))

    def list(self, *, filters: Filters | None = None) -> tuple[Volume, ...]:
        """Return them."""
        return _VolumeList(self._api.get("/volumes", {"filters": filters_json(filters)})).volumes

    def inspect(self, name: str) -> Volume:
        """Return all about one. Raises NotFound."""
        return Volume(self._api.get(path("volumes", name)))

    def remove(self, name: str, *, force: bool = False) -> None:
        """Remove it; with `force` it need not be there. Raises Conflict for one that a container uses."""
        self._api.change("DELETE", path("volumes", name), {"force": force}, timeout=None)

    def prune(self, *, filters: Filters | None = None) -> Pruned:
        """Remove the anonymous ones that no container uses, or all with `{"all": "true"}`."""
        return Pruned(self._api.post("/volumes/prune", {"filters": filters_json(filters)}, timeout=None))
