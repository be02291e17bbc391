"""fsck: blobs checked by their digests, unpacked layers by unpacking them once more."""

import os
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

from labcore.engine.engine import Engine
from labcore.engine.prune import stack_of
from labcore.errors import StoreDamaged
from labcore.images.gc import Damage, find_damaged, quarantine_blobs
from labcore.images.model import Descriptor
from labcore.images.resolve import entries, images
from labcore.record import Record
from labcore.storage import LayerStore
from labcore.storage.comparing import differences
from labcore.storage.fixup import fill_fixup
from labcore.storage.gc import incoming, mounted, remove_layers
from labcore.storage.implied import fixup_id
from labcore.storage.layers import layer_id
from labcore.storage.whiteouts import visible

SHOWN = 3  # differences of a layer; a damaged disk has many


class Changed(Record):
    """An unpacked layer that is not what its blob says. `users`: it lies below the root of a running container."""

    layer: str
    what: tuple[str, ...]
    in_use: bool


class Findings(Record):
    """What is damaged; `unchecked` are unpacked layers of which no blob is here that could be compared with."""

    blobs: tuple[Damage, ...]
    layers: tuple[Changed, ...]
    unchecked: tuple[str, ...]


def check(engine: Engine, progress: Callable[[str], None] = lambda _: None) -> Findings:
    """Look at everything; `progress` hears what is being looked at. Takes room on the disk for one unpacked layer, for a while.

    An ordinary user's unpacked layers have files of users that only a user namespace has: they are not looked at.
    Raises StoreDamaged if the index cannot be read.
    """
    blobs = find_damaged(engine.images, progress)
    bad = {damage.digest for damage in blobs}
    sources = {name: (diff_id, blob) for name, diff_id, blob in _sources(engine) if blob.digest not in bad}
    there = engine.layers.ids() if os.geteuid() == 0 else []
    stacks = [visible(engine.layers.directory, stack) for stack in _stacks(engine)]
    settling = {fixup_id(stack): stack for stack in stacks if set(stack) <= sources.keys() & set(there)}
    changed = []
    with engine.layers.using() if there else nullcontext():
        for name in there:
            if name in sources:
                progress(f"layer {name}")
                found = _compared(engine, name, *sources[name])
            elif name in settling:
                found = _settled_anew(engine, name, settling[name])
            else:
                continue
            what = tuple(islice(found, SHOWN))
            changed += [Changed(name, what, name in mounted())] if what else []
    known = sources.keys() | settling.keys()
    return Findings(tuple(blobs), tuple(changed), tuple(name for name in there if name not in known))


def repair(engine: Engine, findings: Findings) -> Path | None:
    """Put damaged blobs aside, and remove unpacked layers that were changed, unless a container runs on them.

    The next run unpacks a layer anew, and a pull or a load of an image brings what is missing. Returns where the blobs lie.
    """
    remove_layers(engine.layers.directory, {changed.layer for changed in findings.layers})
    return quarantine_blobs(engine.images, findings.blobs) if findings.blobs else None


def _sources(engine: Engine) -> Iterator[tuple[str, str, Descriptor]]:
    """Yield the layers of all images and cached steps: their names when they are unpacked, their diff_ids, and their blobs."""
    for entry in entries(engine.images):
        for image in images(engine.images, entry.descriptor):
            for blob, diff_id in zip(image.layers, image.config.diff_ids, strict=True):
                yield layer_id(diff_id), diff_id, blob
    for record in engine.build_cache.steps():
        if record.layer and record.diff_id:
            yield layer_id(record.diff_id), record.diff_id, record.layer


def _stacks(engine: Engine) -> Iterator[list[str]]:
    """Yield the layers of each image that has some, by their names when they are unpacked."""
    for entry in entries(engine.images):
        yield from filter(None, map(stack_of, images(engine.images, entry.descriptor)))


def _settled_anew(engine: Engine, name: str, stack: list[str]) -> Iterator[str]:
    with incoming(engine.layers.directory / "layers") as place:
        fill_fixup(place, engine.layers.directory, stack)
        yield from differences(engine.layers.directory / "layers" / name, place)


def _compared(engine: Engine, name: str, diff_id: str, blob: Descriptor) -> Iterator[str]:
    try:
        with incoming(engine.layers.directory / "layers") as place:
            LayerStore(place / "again").add(diff_id, lambda: engine.images.blob_path(blob).open("rb"))
            yield from differences(engine.layers.directory / "layers" / name, place / "again" / "layers" / name)
    except StoreDamaged as error:
        yield f"its blob cannot be unpacked: {error}"
