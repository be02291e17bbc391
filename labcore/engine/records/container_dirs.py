"""Container directories: made before a container's record is, gone after it, locked by whoever changes the container.

`unfinished` in one of them says that its container is being made or removed, and which anonymous volumes with it. Whoever does
that holds the directory's lock; a killed one does not, and then the record decides: if there is none, the rest goes too. While
somebody uses one of the volumes the mark stays, and with it the directory: each `sweep` tries again.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager, suppress

from labcore.atomic import atomic_write
from labcore.disk_space import FULL, room_for
from labcore.engine.records.incoming import incoming_directory, incoming_name, sweep_incoming
from labcore.errors import InUse, NotFound, StoreDamaged
from labcore.json_codec import dumps, loads
from labcore.locks import Lock, is_at
from labcore.storage.directories import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Final

    from labcore.engine.records.records import Records
    from labcore.storage.upper import UpperStore
    from labcore.storage.volumes import VolumeStore

UNFINISHED: Final = "unfinished"
LOG: Final = "log"  # the output, which the shim writes on
LOCK_SECONDS: Final = 30.0
ASKS_AGAIN_SECONDS: Final = 1.0
OPEN: Final = os.O_DIRECTORY | os.O_NOFOLLOW


class ContainerDirs:
    """The directories below ROOT/containers, and with them the containers' files in storage.

    `uppers` and `volumes` are called when something is removed: most commands find nothing to remove.
    """

    def __init__(self, records: Records, uppers: Callable[[], UpperStore], volumes: Callable[[], VolumeStore]) -> None:
        self.directory = records.directory
        self._records = records
        self._uppers = uppers
        self._volumes = volumes
        self._ran_out: dict[str, float] = {}  # when who wanted to look into a container has given up waiting, by its ID

    def path(self, id: str) -> Path:
        """Return a container's directory."""
        return self.directory / id

    @contextmanager
    def made(self, id: str, volumes: Sequence[str] = ()) -> Iterator[Path]:
        """Make a container's directory, and keep it if the block has added its record.

        Else it goes, with the container's files and these volumes, whose names were drawn for it.
        """
        place = self.path(id)
        with incoming_directory(self.directory) as incoming:  # nobody finds it before it is locked and marked
            (incoming / UNFINISHED).write_text(_mark(volumes), encoding="utf-8")
            (incoming / LOG).touch(0o600)  # who attaches before the start keeps it open, however soon the container is removed
            incoming.rename(place)
            try:
                yield place
                (place / UNFINISHED).unlink()
            except BaseException:
                self._remove(id, volumes)
                raise

    @contextmanager
    def temporary(self, id: str, volumes: Sequence[str] = ()) -> Iterator[None]:
        """Make a directory for a container that has no record; it goes at the block's end, or with its maker.

        With it go the container's files, and these volumes.
        """
        with incoming_directory(self.directory) as incoming:
            (incoming / UNFINISHED).write_text(_mark(volumes), encoding="utf-8")
            incoming.rename(self.path(id))
            try:
                yield
            finally:
                self._remove(id, volumes)

    @contextmanager
    def locked(self, id: str, name: str, *, seconds: float = LOCK_SECONDS) -> Iterator[Path]:
        """Have a container to oneself for as long as the block lasts, to change it. Raises NotFound, InUse."""
        place = self.path(id)
        gone = NotFound(f"No such container: {name}")
        try:
            lock = Lock(place, OPEN)
        except FileNotFoundError:
            raise gone from None
        with lock.acquire(timeout_seconds=seconds, what=f"container {name}", cure="wait for that to end"):
            if not is_at(lock, place):
                raise gone
            yield place

    @contextmanager
    def locked_once(self, id: str, name: str, *, seconds: float = LOCK_SECONDS) -> Iterator[Path]:
        """Do the same for who asks twice: docker's cp looks at a path (HEAD) before it copies, also where it could not look.

        Where the first has waited in vain, the next does not wait anew.
        """
        ran_out = self._ran_out.pop(id, -ASKS_AGAIN_SECONDS)
        if time.monotonic() - ran_out < ASKS_AGAIN_SECONDS:
            with self.locked(id, name, seconds=0) as place:
                yield place
            return
        with ExitStack() as held:
            try:
                place = held.enter_context(self.locked(id, name, seconds=seconds))
            except InUse:
                now = time.monotonic()
                late = {each: when for each, when in self._ran_out.items() if now - when < ASKS_AGAIN_SECONDS}
                self._ran_out = late | {id: now}
                raise
            yield place

    def is_locked(self, id: str) -> bool:
        """Is somebody changing the container at this moment?"""
        try:
            with Lock(self.path(id), OPEN) as lock:
                return not lock.try_acquire()
        except FileNotFoundError:
            return False

    def remove(self, id: str, volumes: Sequence[str] = ()) -> list[str]:
        """Remove a container's record, and then all of its files and these volumes. The caller has it locked.

        Returns the volumes that have gone; one that somebody uses goes with the first `sweep` after that. On a full disk what
        the container has written goes first, for even to note that something is gone may take room. Raises StoreFull.
        """
        try:
            self._remove_record(id, volumes)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._uppers().remove(id)
            for each in self.path(id).iterdir():
                if each.is_file():
                    each.unlink()
            self._remove_record(id, volumes)
        return self._remove(id, volumes)

    def _remove_record(self, id: str, volumes: Sequence[str]) -> None:
        if (place := self.path(id)).is_dir():
            with room_for(f"the removal of {id[:12]}", place):
                atomic_write(place / UNFINISHED, _mark(volumes).encode())
        self._records.remove(id)

    def _remove(self, id: str, volumes: Sequence[str]) -> list[str]:
        removed, kept = self._remove_volumes(volumes)
        self._uppers().remove(id)
        if kept and (place := self.path(id)).is_dir():
            _empty_but_for_mark(place)
            return removed
        gone = incoming_name(self.directory)  # in one step: a part of it would have lost its mark
        with suppress(FileNotFoundError):
            self.path(id).rename(gone)
            remove_tree(gone)
        return removed

    def _remove_volumes(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """Remove volumes but those that another container has by now; return which have gone, and which are to go later.

        Who uses one beside the containers that have records is one that does not stay, or was killed while it started one: its
        child has the lock until it comes to its program.
        """
        removed: list[str] = []
        try:
            users = self._records.volume_users() if names else {}
        except StoreDamaged:  # nobody knows who needs them
            return removed, list(names)
        kept = []
        for name in (each for each in names if each not in users):
            try:
                self._volumes().remove(name)
                removed.append(name)
            except NotFound:
                continue
            except InUse:
                kept.append(name)
        return removed, kept

    def sweep(self) -> None:
        """Finish what was begun by those who were killed while they made or removed a container."""
        for name in os.listdir(self.directory) if self.directory.exists() else ():  # noqa: PTH208  every list does it
            incoming = name[0] == "."  # its mark may not be written yet
            if not incoming and os.path.exists(f"{self.directory}/{name}/{UNFINISHED}"):  # noqa: PTH110
                self._finish(self.directory / name / UNFINISHED)
        sweep_incoming(self.directory)

    def _finish(self, mark: Path) -> None:
        place = mark.parent
        try:
            lock = Lock(place, OPEN)
        except FileNotFoundError:
            return
        with lock:
            if not lock.try_acquire() or not is_at(lock, place):
                return
            if self._records.has(place.name):
                mark.unlink(missing_ok=True)
            else:
                self._remove(place.name, loads(mark.read_text(encoding="utf-8") or "[]"))


def _empty_but_for_mark(place: Path) -> None:
    for each in place.iterdir():
        if each.is_dir() and not each.is_symlink():
            remove_tree(each)
        elif each.name != UNFINISHED:
            each.unlink(missing_ok=True)


def _mark(volumes: Sequence[str]) -> str:
    """Return the mark of a container that is being made or removed; without volumes it takes no room."""
    return dumps(list(volumes)) if volumes else ""
