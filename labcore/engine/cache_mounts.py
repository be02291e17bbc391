"""Cache mounts: directories that outlive the builds which mount them (`RUN --mount=type=cache`), locked while they are in use.

::

    ROOT/builder/mounts/NAME/id       what the Dockerfile calls it
                             N/       its files; with the sharing `private` there is one for each build at a time
                             N.lock   locked by who uses it: shared or alone. When it was made, and a dot for each use

NAME is a digest of all that tells one mount from another.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from itertools import count

from labcore.atomic import atomic_write
from labcore.disk_space import room_for
from labcore.errors import Cancelled, InvalidInput
from labcore.files import read_text
from labcore.locks import POLL_SECONDS, Lock, is_at
from labcore.record import Record
from labcore.timestamps import now, rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Final, Literal, TypeAlias

    from labcore.cancellation import Cancellation

Sharing: TypeAlias = "Literal['shared', 'private', 'locked']"
ID: Final = "id"
LOCK: Final = ".lock"
OPEN: Final = os.O_RDWR | os.O_CREAT


class CacheMount(Record):
    """A cache mount on disk: the key is NAME/N, `id` what the Dockerfile calls it; times are RFC 3339."""

    key: str
    id: str
    created: str
    last_used: str
    uses: int


class CacheMounts:
    """The cache mounts below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def held(
        self, name: str, id: str, *, sharing: Sharing, fill: Callable[[Path], None], cancellation: Cancellation
    ) -> Iterator[Path]:  # fmt: skip
        """Yield a mount's directory, locked as `sharing` has it as long as the block lasts; a new one is filled first.

        Raises Cancelled while it waits for others, StoreFull.
        """
        from labcore.storage.directories import created_whole  # few builds need it

        place = self.directory / name
        with room_for(f"cache mount {id}", self.directory):
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            place.mkdir(exist_ok=True)
            if not (place / ID).exists():
                atomic_write(place / ID, os.fsencode(id), durable=False)
            with _locked(place, sharing, cancellation) as number:
                if not (place / number).is_dir():
                    with suppress(InvalidInput), created_whole(place, number, "cache mount") as new:  # another was faster
                        new.chmod(0o755)
                        fill(new)
                yield place / number

    def mounts(self) -> Iterator[CacheMount]:
        """Yield all of them, sorted."""
        for lock in sorted(self.directory.glob(f"*/*{LOCK}")):
            key = f"{lock.parent.name}/{lock.name.removesuffix(LOCK)}"
            with suppress(OSError):  # it has just been removed
                created, _, uses = read_text(lock).partition("\n")
                used = rfc3339(lock.stat().st_mtime_ns)
                yield CacheMount(key, read_text(lock.parent / ID), created, used, len(uses))

    def place(self, mount: CacheMount) -> Path:
        """Return the directory of one."""
        return self.directory / mount.key

    def is_in_use(self, mount: CacheMount) -> bool:
        """Does a step that runs have it mounted?"""
        try:
            with Lock(f"{self.place(mount)}{LOCK}") as lock:
                return not lock.try_acquire()
        except FileNotFoundError:
            return False

    def remove(self, mount: CacheMount) -> bool:
        """Remove one with its files, unless it is in use; return whether it went."""
        from labcore.storage.directories import remove, sweep

        place = self.place(mount)
        try:
            lock = Lock(f"{place}{LOCK}")
        except FileNotFoundError:
            return False
        with lock:
            if not lock.try_acquire():
                return False
            if place.is_dir():
                remove(place)
            sweep(place.parent)
            place.with_name(f"{place.name}{LOCK}").unlink()
        return True


@contextmanager
def _locked(place: Path, sharing: Sharing, cancellation: Cancellation) -> Iterator[str]:
    """Lock one of a mount's directories, and note the use; yield its number."""
    for number in count() if sharing == "private" else iter(lambda: 0, 1):
        path = f"{place}/{number}{LOCK}"
        with Lock(path, OPEN) as lock:
            while not lock.try_acquire(shared=sharing == "shared"):
                if sharing == "private":
                    break
                if cancellation.wait(POLL_SECONDS):
                    raise Cancelled("the build was cancelled while it waited for a cache mount that another one has locked")
            else:
                if is_at(lock, path):  # nobody has removed it meanwhile
                    _note_use(lock)
                    yield str(number)
                    return


def _note_use(lock: Lock) -> None:
    fd = os.open(lock.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(fd, b"." if os.fstat(fd).st_size else f"{now()}\n.".encode())
    finally:
        os.close(fd)
