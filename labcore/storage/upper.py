"""Upper directories: containers' writable layers on overlayfs, by the container's ID (docker's RW layers).

::

    ROOT/storage/upper/ID/upper/   what was written, added and deleted: overlayfs's upper directory
                          work/    overlayfs's own
                          root/    instead of these: all files, where no overlay can be mounted

ID is the container's. What the layers below are, and which of the two ways it is, the container's record knows: here is no
other description. One container at a time has it; that is the engine's to see to.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager

from labcore.disk_space import room_for
from labcore.errors import InUse, NotFound
from labcore.record import Record
from labcore.spec import BindRoot, OverlayRoot
from labcore.storage import overlay
from labcore.storage.directories import created_whole, remove, sweep, temporary
from labcore.storage.implied import is_default_root, top_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from labcore.spec import Root
    from labcore.storage.changes import Change
    from labcore.storage.upper_layer import Settling

DYING_SECONDS = 2.0  # that a container may take to end after its shim was killed


class Upper(Record):
    """An upper directory: its container's ID, and the layers that it stands on, from the lowest up.

    `user_attributes`: what is deleted is noted so that user namespaces can read it; then all kinds of containers may use it.
    `copied`: this machine stacks no layers, and it is a copy of them that was written to (`labcore.storage.copies`).
    `volatile`: nobody needs it after a crash, and nothing that is written to it is waited for.
    `placeholders` are empty files that were made for something to be mounted on, and are no changes.
    """

    id: str
    layers: tuple[str, ...]
    user_attributes: bool = False
    copied: bool = False
    placeholders: tuple[str, ...] = ()
    volatile: bool = False


class UpperStore:
    """Upper directories beside the layers that they stand on: `directory` is LayerStore's."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._uppers = directory / "upper"

    def create(self, upper: Upper) -> None:
        """Make an upper directory: it is there whole, or not at all. The caller keeps its layers: `LayerStore.using`.

        Raises NotFound for a layer that is not here, StoreFull.
        """
        what = f"container {upper.id[:12]}"
        self._check_layers(upper, what)
        with room_for(f"the files of {what}", self.directory), created_whole(self._uppers, upper.id, "writable layer") as place:
            self._fill(place, upper)

    @contextmanager
    def temporary(self, upper: Upper) -> Iterator[Upper]:
        """Yield a new upper directory, with an ID of its own; it goes at the block's end, or after its maker was killed.

        The rest is as in `create`.
        """
        self._check_layers(upper, "a step")
        with ExitStack() as undo:
            with room_for("the files of a step", self.directory):
                place = undo.enter_context(temporary(self._uppers))
                upper = upper.replace(id=place.name)
                self._fill(place, upper)
            yield upper

    def _check_layers(self, upper: Upper, what: str) -> None:
        for layer in upper.layers:
            if not (self.directory / "layers" / layer).is_dir():
                raise NotFound(f"{what}: there is no layer {layer} in {self.directory}")

    def _fill(self, place: Path, upper: Upper) -> None:
        for directory in ("root",) if upper.copied else ("upper", "work"):
            (place / directory).mkdir()
            (place / directory).chmod(0o755)
        if upper.copied:
            from labcore.storage.copies import flatten

            flatten(self.stack(upper), place / "root")
            os.utime(place)  # from here on a change is the container's: `changes`
        if upper.layers and (top := top_of(self.directory, upper.layers[-1])):
            written = place / ("root" if upper.copied else "upper")
            os.chown(written, top.uid, top.gid)
            written.chmod(top.mode)
            os.utime(written, ns=(top.time, top.time))

    def remove(self, id: str) -> None:
        """Remove an upper directory, if there is one: in one step, whatever becomes of this process."""
        if (self._uppers / id).is_dir():
            remove(self._uppers / id)
        sweep(self._uppers)

    def sweep(self) -> None:
        """Remove what killed processes have left of those that they made or removed: of steps of builds, too."""
        sweep(self._uppers)

    def wait_until_free(self, upper: Upper) -> None:
        """Wait until it is mounted nowhere: a container whose shim was killed takes moments to die. Raises InUse."""
        root = self.root(upper)
        if isinstance(root, OverlayRoot) and not overlay.wait_until_unmounted(root, seconds=DYING_SECONDS):
            raise InUse(f"the files of container {upper.id[:12]} are still mounted somewhere: end what uses them first")

    # --- where it lies

    def written(self, upper: Upper) -> Path:
        """Return the directory of what was written; of a copied one, of all files."""
        return self._uppers / upper.id / ("root" if upper.copied else "upper")

    def stack(self, upper: Upper) -> list[Path]:
        """Return the directories of the layers below, the topmost first."""
        return [self.directory / "layers" / layer for layer in reversed(upper.layers)]

    def root(self, upper: Upper) -> Root:
        """Return the root file system that a container on it has."""
        if upper.copied:
            return BindRoot(str(self.written(upper)))
        layers = tuple(f"layers/{layer}" for layer in reversed(upper.layers)) or ("scratch",)
        return OverlayRoot(
            str(self.directory), layers, "scratch", f"upper/{upper.id}", upper.user_attributes, volatile=upper.volatile
        )

    # --- what is in it

    def usage(self, upper: Upper) -> int:
        """Return how many bytes on disk its own files take."""
        from labcore.storage.tree import size_of

        return size_of(self.written(upper))

    def changes(self, upper: Upper) -> list[Change]:
        """Return what was changed in the image's files: `docker diff`. It may be in use meanwhile."""
        from labcore.storage.changes import Stack, changes

        written = self.written(upper)
        copied_at = written.parent.stat().st_mtime_ns if upper.copied else None
        return changes(written, Stack(self.stack(upper)), copied_at=copied_at, placeholders=upper.placeholders)

    def layer(self, upper: Upper, *, latest: int | None = None, settling: Settling | None = None) -> Iterator[bytes]:
        """Return what was changed as a layer's archive, in pieces: `layer_tar`. No time in it is later than `latest`.

        `settling` makes the upper directory's entries on the way what `commit` wants.
        """
        from labcore.storage.layer_tar import layer, layer_of_copy

        written, top = self.written(upper), self.has_new_top(upper)
        if upper.copied:
            return layer_of_copy(written, self.changes(upper), top=top, latest=latest)
        takes = settling.takes if settling else lambda _: True
        return layer(written, top=top, placeholders=upper.placeholders, latest=latest, takes=takes)

    def remove_mount_points(self, upper: Upper, targets: Iterable[str]) -> None:
        """Remove what a start has made for something to be mounted on: `labcore.storage.mount_points`."""
        from labcore.storage.mount_points import remove_mount_points

        remove_mount_points(self.written(upper), self.stack(upper), targets, copied=upper.copied)

    def is_unchanged(self, upper: Upper) -> bool:
        """Is nothing in it a change? It is not in use any more."""
        if self.has_new_top(upper):
            return False
        return not (self.changes(upper) if upper.copied else any(os.scandir(self.written(upper))))

    def settling(self, upper: Upper) -> Settling:
        """Return what settles its entries, so that it can become a layer: `commit`."""
        from labcore.storage.upper_layer import Settling

        return Settling(self.stack(upper))

    def commit(self, upper: Upper, name: str) -> None:
        """Make an upper directory whose entries are settled the layer of that ID, atomically, unless there is one."""
        from labcore.storage.upper_layer import commit_upper

        commit_upper(self.written(upper), self.directory, name, has_root_entry=self.has_new_top(upper))

    def has_new_top(self, upper: Upper) -> bool:
        """Have the root directory's own owner or permissions been changed? No list of changes says so, but a layer does."""
        here = self.written(upper).stat()
        below = self.stack(upper)[0].stat() if upper.layers else None
        if below is None:
            return not is_default_root(here)
        return (here.st_mode, here.st_uid, here.st_gid) != (below.st_mode, below.st_uid, below.st_gid)
