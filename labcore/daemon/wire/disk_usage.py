"""SystemDataUsage: the disk usage of images, containers and volumes (GET /system/df)."""

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from labcore.daemon.wire.times import timestamp
from labcore.daemon.wire.volumes import volume_json
from labcore.engine.container_state import upper_of
from labcore.engine.engine import Engine
from labcore.engine.lifecycle import status_of
from labcore.engine.listing import command_line, status_line
from labcore.engine.prune import layers_of
from labcore.engine.records import Container
from labcore.errors import InvalidInput
from labcore.images import Image
from labcore.images.resolve import Entry, entries, image_here
from labcore.storage.tree import size_of

KINDS: Final = ("container", "image", "volume", "build-cache")


def check_kinds(kinds: Collection[str]) -> None:
    """Raises InvalidInput for a kind that there is not."""
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidInput(f"unknown object type: {kind:.80}: there are {', '.join(KINDS)}")


def disk_usage_json(engine: Engine, kinds: Collection[str]) -> dict[str, Any]:
    """Return the usage of some kinds; the others are null."""
    sizes = {name: size_of(engine.layers.directory / "layers" / name) for name in engine.layers.ids()}
    return {
        "LayersSize": sum(sizes.values()) if "image" in kinds else 0,
        "Images": _images(engine, sizes) if "image" in kinds else None,
        "Containers": [_container(engine, each, sizes) for each in engine.records.readable()] if "container" in kinds else None,
        "Volumes": _volumes(engine) if "volume" in kinds else None,
        "BuildCache": [] if "build-cache" in kinds else None,
    }


def _images(engine: Engine, sizes: dict[str, int]) -> list[dict[str, Any]]:
    found = [(entry, layers_of(engine, entry)) for entry in entries(engine.images)]
    users = Counter(layer for _, layers in found for layer in layers)
    containers = Counter(each.image_id for each in engine.records.readable())
    return [
        _image(image, entry, layers, sizes, users, containers)
        for entry, layers in found
        if (image := image_here(engine.images, entry.descriptor))
    ]


def _image(
    image: Image,
    entry: Entry,
    layers: set[str],
    sizes: dict[str, int],
    users: Counter[str],
    containers: Counter[str],
) -> dict[str, Any]:
    names = [name for name in entry.names if "@" not in name]
    return {
        "Id": image.id,
        "ParentId": "",
        "RepoTags": names,
        "RepoDigests": [f"{name.rpartition(':')[0]}@{entry.descriptor.digest}" for name in names],
        "Created": timestamp(image.config.created) // 10**9 if image.config.created else 0,
        "Size": sum(sizes.get(layer, 0) for layer in layers),
        "SharedSize": sum(sizes.get(layer, 0) for layer in layers if users[layer] > 1),
        "Labels": dict(image.config.labels) or None,
        "Containers": containers[image.id],
    }


def _container(engine: Engine, container: Container, sizes: dict[str, int]) -> dict[str, Any]:
    written = engine.uppers.usage(upper_of(container)) if container.layers else 0
    return {
        "Id": container.id,
        "Names": [f"/{container.name}"],
        "Image": container.image,
        "ImageID": container.image_id,
        "Command": command_line(container),
        "Created": timestamp(container.created) // 10**9,
        "Ports": [],
        "SizeRw": written,
        "SizeRootFs": written + sum(sizes.get(layer, 0) for layer in container.layers),
        "Labels": container.labels(),
        "State": status_of(container),
        "Status": status_line(container, health=engine.health_status(container.id)),
        "HostConfig": {"NetworkMode": container.options.network_mode or "bridge"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [],
    }


def _volumes(engine: Engine) -> list[dict[str, Any]]:
    """Return the volumes that take space here: not those that are a directory of the host."""
    users = engine.records.volume_users()
    own = [each for each in engine.volumes.readable() if not each.options]
    return [
        volume_json(engine, each)
        | {"UsageData": {"RefCount": len(users.get(each.name, ())), "Size": engine.volumes.usage(each.name)}}
        for each in own
    ]
