"""Layer archives: a container's changes as the tar archive of an image's layer, with its whiteouts (image-spec, layer.md)."""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.storage.changes import Change, is_placeholder
from labcore.storage.packing import Packer
from labcore.storage.tree import Entry, tree_at
from labcore.storage.whiteouts import OPAQUE_WHITEOUT, WHITEOUT_PREFIX, is_opaque


def layer(
    upper: Path,
    *,
    top: bool = False,
    placeholders: Collection[str] = (),
    latest: int | None = None,
    takes: Callable[[Entry], bool] = lambda _: True,
) -> Iterator[bytes]:
    """Yield the archive of an overlay's upper directory, in pieces: the same files give the same bytes.

    With `top` the root directory has an entry too; `placeholders` have none (`labcore.storage.changes`), nor has what is not
    taken. No time is later than `latest`: `Packer`.
    Raises InvalidInput for a file whose name says, in a layer, that another is deleted.
    """
    packer = Packer(latest=latest)
    with tree_at(upper) as tree:
        if top:
            yield from packer.add(tree.top(), ".")
        for entry in tree.walk():
            if is_placeholder(entry, placeholders) or not takes(entry):
                continue
            _refuse_whiteouts_name(entry)
            if entry.is_whiteout:
                yield from packer.add_empty(_beside(entry.path, WHITEOUT_PREFIX + entry.name))
                continue
            yield from packer.add(entry, entry.path)
            if entry.is_directory and is_opaque(f"/proc/self/fd/{entry.parent}/{entry.name}"):
                yield from packer.add_empty(f"{entry.path}/{OPAQUE_WHITEOUT}")
    yield packer.finish()


def layer_of_copy(
    root: Path, changes: Sequence[Change], *, top: bool = False, latest: int | None = None
) -> Iterator[bytes]:  # fmt: skip
    """Yield the archive of the changed files of a copied tree; `top` and `latest` are as in `layer`."""
    kinds = {change.path.lstrip("/"): change.kind for change in changes}
    packer = Packer(latest=latest)
    with tree_at(root) as tree:
        if top:
            yield from packer.add(tree.top(), ".")
        for entry in tree.walk(into=lambda entry: entry.path in kinds):
            if entry.path in kinds:
                _refuse_whiteouts_name(entry)
                yield from packer.add(entry, entry.path)
    for path, kind in kinds.items():
        if kind == "deleted":
            yield from packer.add_empty(_beside(path, WHITEOUT_PREFIX + path.rpartition("/")[2]))
    yield packer.finish()


def _beside(path: str, name: str) -> str:
    return os.path.join(path.rpartition("/")[0], name)  # noqa: PTH118


def _refuse_whiteouts_name(entry: Entry) -> None:
    if entry.name.startswith(WHITEOUT_PREFIX):
        raise InvalidInput(f"/{entry.path}: in a layer this name would delete another file: rename it first")
