"""Images that files are copied into, for tests of COPY and ADD: real layers, seen by real containers."""

import io
import os
import tarfile
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import labcore
from labcore.builder.copy.archive import layer_archive
from labcore.builder.copy.context import ContextArchive
from labcore.builder.copy.selection import Selection
from labcore.engine import Engine
from labcore.spec import Reference
from labcore.spec.media import LAYER
from labcore.storage.files import of_root
from labcore.storage.layers import unrepeated
from tests.unit.test_unpack import archive

Entry = tuple[tarfile.TarInfo, bytes]


class Builder:
    """An image's layers, and what is copied on top of them."""

    def __init__(self, engine: Engine, undo: ExitStack, place: Path) -> None:
        self._engine, self._undo, self._place = engine, undo, place
        self.layers = engine.layers_of(engine.images.get(Reference.parse("busybox")))
        self.added: list[bytes] = []

    def add(self, layer: bytes) -> None:
        self.layers.append(self._engine.layers.add("sha256:" + sha256(layer).hexdigest(), lambda: io.BytesIO(layer)))
        self.added.append(layer)

    def context(self, *entries: Entry) -> ContextArchive:
        return self._undo.enter_context(ContextArchive.spooled(io.BytesIO(archive(*entries)), self._place))

    def copy(self, selections: Sequence[Selection], to: str, **options: object) -> dict[str, tarfile.TarInfo]:
        """Copy, and return what the layer's archive has."""
        with of_root(self._engine.layers.overlay(self._engine.layers.with_fixup(unrepeated(self.layers)))) as root:
            data = b"".join(layer_archive(selections, root, to, **options))  # type: ignore[arg-type]
        self.add(data)
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return {member.name: member for member in tar.getmembers()}

    def see(self, script: str) -> list[str]:
        """Have a container of it carry out a script."""
        images, name = self._engine.images, f"test-{os.urandom(4).hex()}"
        base = images.get(Reference.parse("busybox"))
        with images.using():
            blobs = [images.put_blob(each, LAYER) for each in self.added]
            config = base.config.replace(diff_ids=(*base.config.diff_ids, *(blob.digest for blob in blobs)), history=())
            images.put_image(Reference.parse(name), [*base.layers, *blobs], config)
        self._undo.callback(images.untag, Reference.parse(name))
        done = labcore.run(name, ["sh", "-c", script], root=self._engine.root)
        assert done.exit_code == 0, done.stderr
        return done.stdout.decode().splitlines()


def shown(members: dict[str, tarfile.TarInfo]) -> list[str]:
    return [f"{name} {each.mode:o} {each.uid}:{each.gid} {int(each.mtime)}" for name, each in members.items()]
