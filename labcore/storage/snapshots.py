"""Snapshots: writable layers that outlive their container, on top of the layers of its image.

::

    ROOT/storage/snapshots/NAME/snapshot.json   what it is made of, and in which format
                                upper/          what was written, added and deleted: overlayfs's upper directory
                                work/           overlayfs's own
                                root/           instead of these: all files, where no overlay can be mounted
                                in-use          there while somebody uses it; names the process, if it is known
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from labcore.atomic import atomic_write
from labcore.disk_space import room_for
from labcore.errors import InUse, NotFound, StoreDamaged
from labcore.locks import Lock
from labcore.record import Record
from labcore.spec import BindRoot, OverlayRoot, Root
from labcore.storage.directories import OPEN, checked_name, created_whole, remove, sweep
from labcore.storage.implied import is_default_root, top_of
from labcore.storage.locks import Use, root_of_process, used, user_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.changes import Change
    from labcore.storage.files import Files

FORMAT: Final = 1
ABANDONED_SECONDS: Final = 60  # whoever has made one uses it sooner than that


class Snapshot(Record):
    """A writable layer: its name, the layers below it from the lowest up, and the image that they came from.

    `config` is that image's, for containers that are started on it when the image's name means another one.
    `user_attributes`: opaque directories are marked by user.* attributes, so that containers in user namespaces can use it too.
    `copied`: made by the copy driver, a full copy of the layers (`labcore.storage.copies`).
    `throw_away`: removed with the one container that it was made for.
    """

    name: str
    layers: tuple[str, ...]
    image: str = ""
    config: str = ""
    user_attributes: bool = False
    copied: bool = False
    throw_away: bool = False


class SnapshotStore:
    """Snapshots by name; `directory` is the LayerStore's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._snapshots = directory / "snapshots"

    def create(self, snapshot: Snapshot) -> Snapshot:
        """Make a snapshot on layers of the LayerStore. It is there whole, or not at all.

        Raises InvalidInput, also if there is one of that name; NotFound for a layer that is not here.
        """
        name = checked_name(snapshot.name, "snapshot")
        # until it is named, a collector would not see that it needs its layers
        with Lock(self.directory, OPEN).acquire(shared=True):
            for layer in snapshot.layers:
                if not (self.directory / "layers" / layer).is_dir():
                    raise NotFound(f"snapshot {name}: there is no layer {layer} in {self.directory}")
            with room_for(f"snapshot {name}", self.directory), created_whole(self._snapshots, name, "snapshot") as place:
                self._fill(place, snapshot)
                atomic_write(place / "snapshot.json", json.dumps({"format": FORMAT} | snapshot.as_dict()).encode())
        return snapshot

    def _fill(self, place: Path, snapshot: Snapshot) -> None:
        for directory in ("root",) if snapshot.copied else ("upper", "work"):
            (place / directory).mkdir()
            (place / directory).chmod(0o755)
        if snapshot.copied:
            from labcore.storage.copies import flatten

            flatten(self.stack(snapshot), place / "root")
        if snapshot.layers and (top := top_of(self.directory, snapshot.layers[-1])):
            written = place / ("root" if snapshot.copied else "upper")
            os.chown(written, top.uid, top.gid)
            written.chmod(top.mode)
            os.utime(written, ns=(top.time, top.time))

    def get(self, name: str) -> Snapshot:
        """Return the snapshot of that name. Raises NotFound, StoreDamaged."""
        path = self._snapshots / checked_name(name, "snapshot") / "snapshot.json"
        try:
            return _read(path)
        except FileNotFoundError:
            known = ", ".join(self.names()) or "none"
            raise NotFound(f"no snapshot {name} (there: {known}); `labcore run --snapshot {name} IMAGE` makes one") from None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(path.parent.name for path in self._snapshots.glob("[!.]*/snapshot.json"))

    def readable(self) -> list[Snapshot]:
        """Return all snapshots but those whose description is damaged."""
        found = []
        for name in self.names():
            with suppress(StoreDamaged, NotFound):
                found.append(self.get(name))
        return found

    def layers_in_use(self) -> set[str]:
        """Return the layers that snapshots stand on: `labcore.storage.gc` asks when nobody makes one.

        Raises StoreDamaged if a snapshot's description is: nobody knows which layers it needs then.
        """
        return {layer for name in self.names() for layer in self.get(name).layers}

    def is_in_use(self, name: str) -> bool:
        """Does somebody use the snapshot at this moment?"""
        with suppress(InUse, NotFound), self.use(name):
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a snapshot, also one whose description is damaged. Raises NotFound, InUse."""
        with self._use_as_it_lies(name):
            remove(self._snapshots / name)
        sweep(self._snapshots)

    def remove_abandoned(self) -> None:
        """Remove the throw-away snapshots of those who were killed before they could do it."""
        for snapshot in self.readable():
            with suppress(InUse, NotFound, FileNotFoundError):
                made = (self._snapshots / snapshot.name / "snapshot.json").stat().st_mtime
                if snapshot.throw_away and time.time() - made > ABANDONED_SECONDS:
                    self.remove(snapshot.name)

    # --- where it lies

    def written(self, snapshot: Snapshot) -> Path:
        """Return the directory of what was written; of a copied one, of all files."""
        return self._snapshots / snapshot.name / ("root" if snapshot.copied else "upper")

    def stack(self, snapshot: Snapshot) -> list[Path]:
        """Return the directories of the layers below, the topmost first."""
        return [self.directory / "layers" / layer for layer in reversed(snapshot.layers)]

    def root(self, snapshot: Snapshot) -> Root:
        """Return the root file system that a container on this snapshot has."""
        if snapshot.copied:
            return BindRoot(str(self.written(snapshot)))
        layers = tuple(f"layers/{layer}" for layer in reversed(snapshot.layers)) or ("scratch",)
        writable = f"snapshots/{snapshot.name}"
        return OverlayRoot(str(self.directory), layers, "scratch", writable, snapshot.user_attributes)

    # --- what is in it

    def usage(self, snapshot: Snapshot) -> int:
        """Return how many bytes on disk a snapshot's own files take."""
        from labcore.storage.tree import size_of

        return size_of(self.written(snapshot))

    def changes(self, snapshot: Snapshot) -> "list[Change]":
        """Return what was changed in the image's files: `docker diff`. It may be in use meanwhile."""
        from labcore.storage.changes import Stack, changes

        made = (self._snapshots / snapshot.name / "snapshot.json").stat().st_mtime_ns
        return changes(self.written(snapshot), Stack(self.stack(snapshot)), copied_at=made if snapshot.copied else None)

    def layer(self, snapshot: Snapshot) -> Iterator[bytes]:
        """Return what was changed as a layer's archive, in pieces: `layer_tar`."""
        from labcore.storage.layer_tar import layer, layer_of_copy

        written, top = self.written(snapshot), self.has_new_top(snapshot)
        return layer_of_copy(written, self.changes(snapshot), top=top) if snapshot.copied else layer(written, top=top)

    def has_new_top(self, snapshot: Snapshot) -> bool:
        """Have the root directory's own owner or permissions been changed? No list of changes says so, but a layer does."""
        here = self.written(snapshot).stat()
        below = self.stack(snapshot)[0].stat() if snapshot.layers else None
        if below is None:
            return not is_default_root(here)
        return (here.st_mode, here.st_uid, here.st_gid) != (below.st_mode, below.st_uid, below.st_gid)

    @contextmanager
    def files(self, name: str, *, writable: bool = False) -> "Iterator[Files]":
        """Yield all files that a container on the snapshot sees; of one that runs, its own, with what is mounted there.

        Raises NotFound, InUse; InvalidInput for a running container whose users are others outside.
        """
        from labcore.storage.files import Files, of_root

        with ExitStack() as undo:
            try:
                use = undo.enter_context(self.use(name))
            except InUse:
                pidfd = user_of(self._snapshots / name)
                if pidfd is None:
                    raise
                undo.callback(os.close, pidfd)
                yield Files(undo.enter_context(root_of_process(pidfd, f"snapshot {name}")), f"{name}:")
                return
            yield undo.enter_context(of_root(use.root, f"{name}:", writable=writable))

    def use(self, name: str) -> AbstractContextManager[Use]:
        """Have a snapshot to oneself for as long as the block lasts: what mounts it has ended when the block does.

        Raises NotFound, InUse.
        """
        snapshot = self.get(name)
        return used(self._snapshots / name, name, self.root(snapshot), snapshot.config)

    def _use_as_it_lies(self, name: str) -> AbstractContextManager[Use]:
        """Have a snapshot to oneself, of which one may not know more than whether it is an overlay's or a copy."""
        try:
            return self.use(name)
        except StoreDamaged:
            place = self._snapshots / name
            return used(place, name, self.root(Snapshot(name, (), copied=not (place / "upper").is_dir())), "")


def _read(path: Path) -> Snapshot:
    try:
        value: dict[str, Any] = json.loads(path.read_text())
        if value.pop("format") != FORMAT:
            raise ValueError("it has another format than this labcore knows")
        snapshot = Snapshot(**value)
        return snapshot.replace(layers=tuple(str(layer) for layer in snapshot.layers))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        name = path.parent.name
        raise StoreDamaged(
            f"{path} cannot be read: {error}\n  cure: mend it, or remove the snapshot: labcore snapshot rm {name}"
        ) from None


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    fd = os.open(directory, OPEN)
    try:
        yield fd
    finally:
        os.close(fd)
