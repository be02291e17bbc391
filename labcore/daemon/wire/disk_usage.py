"""SystemDataUsage: the disk usage of images, containers, volumes and the build cache (GET /system/df)."""

from collections.abc import Collection
from typing import Any, Final

from labcore.daemon.wire.build_cache_json import cache_json
from labcore.daemon.wire.container import summaries
from labcore.daemon.wire.images import image_summary
from labcore.daemon.wire.volumes import volume_json
from labcore.engine.engine import Engine
from labcore.engine.image.list import list_images
from labcore.errors import InvalidInput
from labcore.storage.tree import size_of

KINDS: Final = ("container", "image", "volume", "build-cache")


def check_kinds(kinds: Collection[str]) -> None:
    """Raises InvalidInput for a kind that there is not."""
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidInput(f"unknown object type: {kind:.80}: there are {', '.join(KINDS)}")


def disk_usage_json(engine: Engine, kinds: Collection[str]) -> dict[str, Any]:
    """Return the usage of some kinds; the others are null."""
    images = list_images(engine, {}, every=True, shared_size=True) if "image" in kinds else None
    containers = engine.records.readable() if "container" in kinds else None
    return {
        "LayersSize": 0 if images is None else _layers_size(engine),
        "Images": None if images is None else [image_summary(each) for each in images],
        "Containers": None if containers is None else summaries(engine, containers, size=True),
        "Volumes": _volumes(engine) if "volume" in kinds else None,
        "BuildCache": cache_json(engine) if "build-cache" in kinds else None,
    }


def _layers_size(engine: Engine) -> int:
    return sum(size_of(engine.layers.directory / "layers" / name, apparent=True) for name in engine.layers.ids())


def _volumes(engine: Engine) -> list[dict[str, Any]]:
    """Return the volumes that take space here: not those that are a directory of the host."""
    users = engine.records.volume_users()
    own = [each for each in engine.volumes.readable() if not each.options]
    return [
        volume_json(engine, each)
        | {"UsageData": {"RefCount": len(users.get(each.name, ())), "Size": engine.volumes.usage(each.name)}}
        for each in own
    ]
