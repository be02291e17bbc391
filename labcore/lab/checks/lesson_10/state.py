"""State of a build in a check: a drawn image to begin with, the layers that a step has added, and what is in them."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labcore.images import Descriptor, ImageStore
from labcore.lab import building
from labcore.lab.checks.lesson_03.running import a_state_root, enter_state_root, state_store
from labcore.lab.checks.scenario import Draw
from labcore.lab.checks.surroundings import hand_on_capabilities

Json = Mapping[str, Any]
FRESH = "cat /proc/sys/kernel/random/uuid > /etc/fresh"  # never the same: what is not run again leaves it as it was


@contextmanager
def a_context(draw: Draw) -> Iterator[None]:
    """Have a store with the drawn image, and a folder with files to copy."""
    with a_state_root(draw):
        folder = context(draw)
        (folder / "sub").mkdir(parents=True)
        (folder / "page").write_text(f"page {draw.token}\n", encoding="utf-8")
        (folder / "sub" / "leaf").write_text(f"leaf {draw.token}\n", encoding="utf-8")
        (folder / "two words").write_text(f"words {draw.token}\n", encoding="utf-8")
        yield


def context(draw: Draw) -> Path:
    """Return the folder."""
    return Path(draw.root, "context")


def enter(draw: Draw) -> str:
    """Be where the store is, in the sandbox; return its path."""
    hand_on_capabilities()
    enter_state_root(draw)
    return str(state_store(draw))


def begun(draw: Draw, **config: Any) -> dict[str, Any]:
    """Return the state that FROM the drawn image begins with, with these fields in its config."""
    found = building.base(str(state_store(draw)), draw.hostname)
    return found | {"config": {**found["config"], **config}}


def files_in(draw: Draw, layer: Json) -> dict[str, str]:
    """Return the files of a layer of the store, by path, without a slash in front. Raises what a blob that is none does."""
    blob = ImageStore(state_store(draw)).blobs.read(Descriptor.from_json(dict(layer)))
    found = {}
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        for each in archive:
            if each.isfile() and (file := archive.extractfile(each)):
                found[each.name.removeprefix("./").lstrip("/")] = file.read().decode(errors="replace")
    return found
