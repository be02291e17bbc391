"""Images as JSON: in the list, inspected, their history, what became of those that were removed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from labcore.daemon.wire.codec import ZERO_TIME
from labcore.engine.engine import Engine
from labcore.engine.image.list import Summary, created
from labcore.engine.image.local_images import LocalImage, layer_sizes
from labcore.engine.image.remove import Removal
from labcore.images.config import Config
from labcore.registry.search import Found
from labcore.storage.driver import driver
from labcore.storage.layers import layer_id
from labcore.timestamps import SECOND

RUN_CONFIG: Final[dict[str, Any]] = {  # what docker always says of how an image is run
    "Cmd": None,
    "Entrypoint": None,
    "Env": None,
    "Labels": None,
    "OnBuild": None,
    "User": "",
    "Volumes": None,
    "WorkingDir": "",
}


def image_summary(summary: Summary) -> dict[str, Any]:
    """Return an entry of the list (ImageSummary)."""
    local, config = summary.local, summary.local.image.config
    return {
        "Containers": summary.containers,
        "Created": summary.created,
        "Id": local.id,
        "Labels": dict(config.labels) or None,
        "ParentId": local.parent,
        "RepoDigests": list(local.digests),
        "RepoTags": list(local.tags),
        "SharedSize": summary.shared_size,
        "Size": summary.size,
    }


def image_inspect(engine: Engine, local: LocalImage) -> dict[str, Any]:
    """Return all about an image (ImageInspect)."""
    config = local.image.config
    comment = config.history[-1].comment if config.history else ""
    said: dict[str, Any] = {
        "Id": local.id,
        "RepoTags": list(local.tags),
        "RepoDigests": list(local.digests),
        "Parent": local.parent,
        "Comment": comment,
        "DockerVersion": "",
        "Author": config.author,
        "Architecture": config.architecture,
        "Os": config.os,
        "Size": sum(layer_sizes(engine, local.image)),
        "GraphDriver": _graph_driver(engine, config),
        "RootFS": {"Type": "layers"} | ({"Layers": list(config.diff_ids)} if config.diff_ids else {}),
        "Metadata": {"LastTagTime": local.tagged or ZERO_TIME},
        "Config": RUN_CONFIG | config.run_json(),
    }
    return said | {
        key: value for key, value in (("Created", config.created), ("Variant", config.variant)) if value
    }  # fmt: skip


def _graph_driver(engine: Engine, config: Config) -> dict[str, Any]:
    """Return where the layers lie, the topmost apart; they are mounted for each container anew, and nowhere else."""
    directory = engine.layers.prepared()
    paths = [str(Path(directory, "layers", layer_id(diff_id))) for diff_id in reversed(config.diff_ids)]
    data = ({"LowerDir": ":".join(paths[1:])} if paths[1:] else {}) | ({"UpperDir": paths[0]} if paths else {})
    return {"Name": graph_driver(driver(directory)), "Data": data}


def graph_driver(name: str) -> str:
    """Return docker's name of a driver of labcore.storage."""
    return "overlay2" if name == "overlay" else name


def image_history(engine: Engine, local: LocalImage, known: Mapping[str, LocalImage]) -> list[dict[str, Any]]:
    """Return an image's history (HistoryResponseItem), the newest step first; the steps of its parents have their IDs."""
    image = local.image
    sizes = iter(layer_sizes(engine, image))
    steps: list[dict[str, Any]] = [
        {
            "Comment": step.comment,
            "Created": created(step.created) // SECOND,
            "CreatedBy": step.created_by,
            "Id": "<missing>",
            "Size": 0 if step.empty_layer else next(sizes, 0),
            "Tags": None,
        }
        for step in image.config.history
    ]
    at: LocalImage | None = local
    while at is not None:
        newest = len(steps) if at is local else len(at.image.config.whole_history())
        for step in steps[max(0, newest - 1) : newest]:
            step |= {"Id": at.id, "Tags": list(at.tags) or None}
        at = known.get(at.parent)
    return steps[::-1]


def removed(removal: Removal) -> list[dict[str, str]]:
    """Return what went (ImageDeleteResponseItem)."""
    return [{"Untagged" if each.untagged else "Deleted": each.what} for each in removal.gone]


def search_result(found: Found) -> dict[str, Any]:
    """Return an image that a search has found."""
    return {
        "star_count": found.stars,
        "is_official": found.official,
        "name": found.name,
        "is_automated": False,
        "description": found.description,
    }
