"""Lesson store: an image store of the lesson's own, with copies of labcore's images, in which a learner may do harm.

STATE/lab/store/oci-layout, index.json, blobs/sha256/…    an OCI image layout (labcore.images.store)
                layers/NAME/                              what the learner's `layers` unpacks
                scratch/                                  an empty directory: a container mounts its own tmpfs there
STATE/lab/trays/NAME/upper, work, view                    what an overlay made by hand needs
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcore.engine import Engine, default_root
from labcore.images import ImageStore
from labcore.lab.locked_directories import locked_directory, new_name, sweep
from labcore.spec import Reference
from labcore.spec.media import MANIFEST


def store() -> str:
    """Return the path of the lesson's store, which is made if it is not there."""
    directory = default_root() / "lab" / "store"
    for part in ("blobs/sha256", "layers", "scratch"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    return str(directory)


def new_store(*names: str) -> str:
    """Empty the lesson's store, put copies of these images of labcore's own into it, and return its path."""
    directory = default_root() / "lab" / "store"
    shutil.rmtree(directory, ignore_errors=True)
    ours, theirs = ImageStore(Path(store())), Engine().images
    for name in names:
        copy_image(theirs, ours, name)
    return str(directory)


def copy_image(source: ImageStore, target: ImageStore, name: str) -> None:
    """Copy an image from one store to another. Raises ImageNotFound, StoreDamaged, StoreFull."""
    image = source.get(Reference.parse(name))
    with target.using():
        for part in (*image.layers, image.config_descriptor, image.descriptor):
            target.put_blob(source.blobs.read(part), part.media_type)
        target.admit(Reference.parse(name), image.descriptor)


def manifest(store: str, name: str) -> dict[str, Any]:
    """Return the manifest of an image of a store; a name without a tag means `latest`. Raises ImageNotFound, StoreDamaged."""
    images = ImageStore(Path(store))
    found: dict[str, Any] = json.loads(images.blobs.read(images.get(Reference.parse(name)).descriptor))
    return found


def tag(store: str, name: str, manifest: bytes) -> str:
    """Keep a manifest's bytes in a store, give them a name in its index, and return their digest."""
    images = ImageStore(Path(store))
    media_type = str(json.loads(manifest).get("mediaType", MANIFEST))
    descriptor = images.put_blob(manifest, media_type)
    images.tag(Reference.parse(name), descriptor)
    return descriptor.digest


def tray(name: str = "tray") -> str:
    """Return a directory in which an overlay can be put together: `upper`, `work` and `view`, all empty."""
    directory = default_root() / "lab" / "trays" / name
    shutil.rmtree(directory, ignore_errors=True)
    return str(_with_parts(directory))


def _with_parts(directory: Path) -> Path:
    for part in ("upper", "work", "view"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def own_tray(name: str) -> Iterator[Path]:
    """Have a tray for a moment, which no other lab has at the same time; those of labs that were killed go."""
    trays = default_root() / "lab" / "trays"
    sweep(trays.glob(f"{name}-*"), shutil.rmtree)
    with locked_directory(lambda: _with_parts(trays / new_name(f"{name}-"))) as directory:
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)
