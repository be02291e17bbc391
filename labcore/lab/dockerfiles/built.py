"""Layers of an image that was built from a Dockerfile: what each instruction has added, read from a daemon's store."""

import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from labcore.builder.parser.instructions import Dockerfile, From, Instruction
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.images import Image
from labcore.lab.messages import say
from labcore.record import Record

WHITEOUT: Final = ".wh."


class HasRoot(Protocol):
    """A daemon on this machine, by its state root."""

    @property
    def root(self) -> str:
        """Its state root."""

    @property
    def url(self) -> str:
        """Where it listens."""


class MadeLayer(Record):
    """A layer: its digest, its files by path with their sizes in bytes, and the directories that it made."""

    digest: str
    files: tuple[tuple[str, int], ...]
    directories: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(size for _, size in self.files)


def image_of(daemon: HasRoot, name: str) -> Image:
    """Return an image of a daemon's store. Raises ImageNotFound."""
    return Engine(Path(daemon.root)).images.find(name)


def last_stage(dockerfile: Dockerfile) -> tuple[int, Sequence[Instruction]]:
    """Return the number of the last FROM, and the instructions behind it."""
    start = max((number for number, each in enumerate(dockerfile.instructions) if isinstance(each, From)), default=-1)
    return start, dockerfile.instructions[start + 1 :]


def layers_of(daemon: HasRoot, name: str, dockerfile: Dockerfile) -> dict[int, tuple[MadeLayer, ...]]:
    """Return the layers of an image by the number of the instruction that made them: FROM has those of its base.

    Raises ImageNotFound, and InvalidInput if the image's history is not this Dockerfile's.
    """
    image = image_of(daemon, name)
    start, stage = last_stage(dockerfile)
    made_by = image.config.history[-len(stage) :] if stage else ()
    if len(made_by) < len(stage) or any(
        not entry.created_by.upper().startswith(each.name) for entry, each in zip(made_by, stage, strict=True)
    ):
        raise InvalidInput(say("{name} was not built from this Dockerfile: its history has other steps", name=name))
    with_layer = [start + 1 + place for place, entry in enumerate(made_by) if not entry.empty_layer]
    layers = [_read(Engine(Path(daemon.root)).images.blob_path(each), each.digest) for each in image.layers]
    base = len(layers) - len(with_layer)
    return {start: tuple(layers[:base])} | {number: (layer,) for number, layer in zip(with_layer, layers[base:], strict=True)}


def _read(blob: Path, digest: str) -> MadeLayer:
    with tarfile.open(blob) as archive:
        members = archive.getmembers()
    files = tuple((member.name, member.size) for member in members if not member.isdir())
    return MadeLayer(digest, files, tuple(member.name for member in members if member.isdir()))
