"""Volumes: directories that containers share and that outlive them.

::

    ROOT/storage/volumes/NAME/volume.json   what it is
                              data/         what containers have put into it

A container holds a shared lock on its volumes' directories (flock(2)); a locked one is not removed.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from labcore.atomic import atomic_write
from labcore.disk_space import room_for
from labcore.errors import InUse, InvalidInput, NotFound, StoreDamaged
from labcore.locks import Lock, is_at
from labcore.record import Record
from labcore.storage.copies import Copier
from labcore.storage.directories import NAME, OPEN, UNFINISHED, checked_name, created_whole, remove, remove_tree, sweep
from labcore.storage.subpath import is_empty, put_in_place
from labcore.storage.tree import size_of, tree_of
from labcore.storage.volume_mounts import is_mounted, mount_on, unmount_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Final

    from labcore.storage.files import Files
    from labcore.storage.volume_mounts import FileSystem

FORMAT: Final = 1
UNMOUNTING_SECONDS: Final = 5.0  # as long as somebody may have a volume to himself who is about to let it go


class Volume(Record):
    """A volume; an `anonymous` one has a random name and is removed with its container.

    `options` are docker's of the driver `local`, as they were given, None if none were: one with them may be a directory of the
    host, or have a file system mounted (`labcore.engine.volume.local_driver`).
    """

    name: str
    anonymous: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    created: str = ""
    options: tuple[tuple[str, str], ...] | None = None


class VolumeStore:
    """The volumes below one directory."""

    def __init__(self, directory: Path) -> None:
        self._volumes = directory / "volumes"

    def create(
        self,
        name: str | None = None,
        *,
        anonymous: bool = False,
        labels: Sequence[tuple[str, str]] = (),
        options: tuple[tuple[str, str], ...] | None = None,
    ) -> Volume:
        """Make a volume, or return the one that has this name; without a name, an anonymous one. Raises InvalidInput.

        An `anonymous` one with a name is one whose name was drawn by the caller.
        """
        if name is not None:
            checked_name(name, "volume")
            with suppress(NotFound):
                return self.get(name)
        created = datetime.now(UTC).isoformat()
        volume = Volume(name or os.urandom(32).hex(), anonymous or name is None, tuple(labels), created, options)
        try:
            with room_for(f"volume {volume.name}", self._volumes), created_whole(self._volumes, volume.name, "volume") as place:
                (place / "data").mkdir()
                (place / "data").chmod(0o755)
                atomic_write(place / "volume.json", json.dumps({"format": FORMAT} | volume.as_dict()).encode())
        except InvalidInput:  # somebody else was faster
            return self.get(volume.name)
        return volume

    def get(self, name: str) -> Volume:
        """Return the volume of that name. Raises NotFound, StoreDamaged."""
        try:
            return _read(self._place(name) / "volume.json")
        except FileNotFoundError:
            raise self._no_such_volume(name) from None

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(path.parent.name for path in self._volumes.glob("[!.]*/volume.json"))

    def readable(self) -> list[Volume]:
        """Return all volumes but those whose description is damaged."""
        found = []
        for name in self.names():
            with suppress(StoreDamaged, NotFound):
                found.append(self.get(name))
        return found

    def data(self, volume: Volume) -> Path:
        """Return the directory where a volume is."""
        return self._volumes / volume.name / "data"

    def usage(self, name: str) -> int:
        """Return how many bytes on disk a volume's files take, also if its description is damaged."""
        return size_of(self._volumes / name / "data")

    def remove(self, name: str) -> None:
        """Remove a volume, with all that is in it, also one whose description is damaged. Raises NotFound, InUse."""
        sweep(self._volumes)
        with self._locked(name):
            place = self._place(name)
            with suppress(FileNotFoundError):
                unmount_from(place / "data")  # what is in there is not the volume's, and stays
            remove(place)

    def is_in_use(self, name: str) -> bool:
        """Does somebody use the volume at this moment?"""
        with suppress(InUse, NotFound), self._locked(name):
            return False
        return True

    @contextmanager
    def use(self, volume: Volume) -> Iterator[None]:
        """Hold the shared lock, which keeps a volume from being removed, until the block ends. Raises NotFound."""
        with self._locked(volume.name, shared=True):
            yield

    @contextmanager
    def mounted(self, volume: Volume, file_system: FileSystem) -> Iterator[None]:
        """Do the same, with a file system mounted as the volume's directory, which `unmount_unused` ends.

        Raises NotFound, SystemCallError.
        """
        with ExitStack() as held:
            with self._mounting(volume.name):
                held.enter_context(self.use(volume))
                mount_on(self.data(volume), file_system)
            yield

    def unmount_unused(self, name: str, is_used: Callable[[], bool]) -> None:
        """Unmount a volume's file system, unless somebody holds the volume, or `is_used` knows of another. Raises NotFound."""
        data = self._place(name) / "data"
        with suppress(FileNotFoundError, InUse):
            if is_mounted(data):
                with self._mounting(name), self._locked(name):
                    if not is_used():
                        unmount_from(data)

    @contextmanager
    def _mounting(self, name: str) -> Iterator[None]:
        """Be the only one who mounts or unmounts: the lock of the description, which nobody else takes."""
        try:
            lock = Lock(self._place(name) / "volume.json")
        except FileNotFoundError:
            raise self._no_such_volume(name) from None
        with lock.acquire():
            yield

    @contextmanager
    def _locked(self, name: str, *, shared: bool = False) -> Iterator[None]:
        place = self._place(name)
        try:
            lock = Lock(place, OPEN)
        except FileNotFoundError:
            raise self._no_such_volume(name) from None
        cure = "end the containers that have it first"
        wait = UNMOUNTING_SECONDS if shared else 0
        with lock.acquire(shared=shared, timeout_seconds=wait, what=f"volume {name}", cure=cure):
            if not is_at(lock, place):
                raise self._no_such_volume(name, "somebody has just removed it")
            yield

    def _place(self, name: str) -> Path:
        """Return a volume's directory. Raises NotFound for a name that none can have, such as an image's with its tag."""
        if not NAME.fullmatch(name):
            raise self._no_such_volume(name)
        return self._volumes / name

    def _no_such_volume(self, name: str, why: str = "") -> NotFound:
        return NotFound(f"get {name}: no such volume ({why or 'there: ' + (', '.join(self.names()) or 'none')})")

    def fill(self, volume: Volume, files: Files, path: str, subpath: str = "") -> None:
        """Put a copy of a directory's content into a volume that is empty, and its owner and permissions on it: all or nothing.

        Or into an empty directory in the volume, its `subpath`. If there is no such directory, nothing happens.
        """
        data = self.data(volume)
        if not (is_empty(data, subpath) if subpath else not any(data.iterdir())):
            return
        with room_for(f"volume {volume.name}", data), suppress(NotFound), files.entry(path, follow=True) as entry:
            if not entry.is_directory:
                return
            incoming = data.with_name(f"{UNFINISHED}{os.getpid()}-{os.urandom(6).hex()}")
            try:
                top = os.open(data.parent, OPEN)
                try:
                    with tree_of(entry) as tree, Copier(top) as copier:
                        copier.copy(entry, incoming.name)
                        copier.copy_all(tree, incoming.name)
                finally:
                    os.close(top)
                if subpath:
                    put_in_place(incoming, data, subpath)
                else:
                    with suppress(OSError):  # somebody else has filled it
                        incoming.rename(data)
            finally:
                remove_tree(incoming)


def fill_directory(directory: Path, files: Files, path: str) -> None:
    """Put a copy of a directory's content into one that is empty and stays where it is: a mount's, or the host's.

    Who copies may be killed meanwhile; then a part is there.
    """
    if any(directory.iterdir()):
        return
    with room_for(f"volume {directory}", directory), suppress(NotFound), files.entry(path, follow=True) as entry:
        if not entry.is_directory:
            return
        top = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fchown(top, entry.status.st_uid, entry.status.st_gid)
            os.fchmod(top, stat.S_IMODE(entry.status.st_mode))
            with tree_of(entry) as tree, Copier(top) as copier:
                copier.copy_all(tree, "")
        finally:
            os.close(top)


def _read(path: Path) -> Volume:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if value.pop("format") != FORMAT:
            raise ValueError("it has another format than this labcore knows")
        labels, options = value.pop("labels"), value.pop("options")
        return Volume(**value, labels=_pairs(labels), options=None if options is None else _pairs(options))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreDamaged(f"{path} cannot be read: {error}") from None


def _pairs(value: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(key), str(text)) for key, text in value)
