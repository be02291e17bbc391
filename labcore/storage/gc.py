"""Garbage collection of unpacked layers, and of what unpackers that were killed have left.

A layer stays if the caller needs it (images, containers), or if it is mounted below a running container's root: the mount
tables of all processes that can be seen say so. A container that is being started is not in them yet; therefore its starter
holds a shared lock on the directory from its look for the layers until the container runs: `using`. A collection takes the lock
exclusively, for no longer than it takes to rename what it removes.

Mount tables name a layer by its ID and not by its store: a layer that another store has mounted stays here too.

A plan that is kept and started later holds no lock: if its layers are collected meanwhile, its mount fails, and the next plan
of its image unpacks them again.
"""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labcore.errors import Unavailable
from labcore.locks import Lock
from labcore.record import Record
from labcore.storage.implied import forget

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

INCOMING: Final = ".incoming-"
REMOVED: Final = ".removed-"
LAYER: Final = rb"layers/([0-9a-f]{32})\b"


class Reclaimed(Record):
    """How many layers were removed, abandoned ones among them, and how many bytes they took."""

    layers: int = 0
    size: int = 0


@contextmanager
def using(directory: Path) -> Iterator[None]:
    """Hold the shared lock, which keeps collections out, until the block ends. Waits for a collection that is under way."""
    with Lock(directory, os.O_DIRECTORY).acquire(shared=True):
        yield


def collect(directory: Path, needed: Callable[[], set[str]]) -> Reclaimed:
    """Remove the layers below `directory` that are neither `needed` nor mounted. Raises Unavailable if mounts cannot be read.

    `needed` is asked while nobody makes or starts a container.
    """

    def goes(name: str) -> bool:
        return name not in needed_or_mounted

    if not (directory / "layers").is_dir():
        return Reclaimed()
    with Lock(directory, os.O_DIRECTORY).acquire():
        needed_or_mounted = needed() | mounted()
        _rename_away(directory, goes)
    return _remove(directory)


def sweep(directory: Path) -> None:
    """Remove what unpackers that were killed have left, unless somebody makes or starts a container just now."""
    if not (directory / "layers").is_dir():
        return
    with Lock(directory, os.O_DIRECTORY) as lock:
        if lock.try_acquire():
            _rename_away(directory, lambda _: False)
    _remove(directory)


def remove_layers(directory: Path, layers: set[str]) -> Reclaimed:
    """Remove these layers, except those that are mounted. Raises Unavailable if mounts cannot be read."""
    if not layers:
        return Reclaimed()
    with Lock(directory, os.O_DIRECTORY).acquire():
        going = layers - mounted()
        _rename_away(directory, lambda name: name in going)
    return _remove(directory)


def _rename_away(directory: Path, goes: Callable[[str], bool]) -> None:
    """Rename the layers that go, and abandoned ones, so that nobody finds them; atomically, one by one."""
    layers = directory / "layers"
    for path in list(layers.glob("*/")):
        unfinished = path.name.startswith(INCOMING) and _is_abandoned(path)
        if unfinished or (not path.name.startswith(".") and goes(path.name)):
            path.rename(layers / f"{REMOVED}{path.name}-{os.urandom(4).hex()}")
            forget(directory, path.name)


def _remove(directory: Path) -> Reclaimed:
    from labcore.storage.directories import remove_tree  # which a start, that `using` is part of, does not need
    from labcore.storage.tree import size_of

    removed = list((directory / "layers").glob(f"{REMOVED}*"))
    size = sum(size_of(path) for path in removed)
    for path in removed:
        remove_tree(path)
    return Reclaimed(len(removed), size)


def stacks() -> list[frozenset[str]]:
    """Return the layers below each overlay that some process sees. Raises Unavailable if one's mounts may not be read.

    A process that cannot be seen from here, in a PID namespace that is not below this one, is not looked for.
    """
    found: dict[bytes, None] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines = (process / "mountinfo").read_bytes().splitlines()
        except PermissionError:
            raise Unavailable(
                f"the mounts of process {process.name} cannot be read, so nobody knows which layers containers use: ask as root"
            ) from None
        except OSError:  # it has just ended
            continue
        found |= dict.fromkeys(line for line in lines if b" - overlay " in line)
    stacks = [frozenset(name.decode() for name in re.findall(LAYER, line)) for line in found]
    return [stack for stack in stacks if stack]


def mounted() -> set[str]:
    """Return the layers that are mounted in running containers."""
    return {layer for stack in stacks() for layer in stack}


@contextmanager
def incoming(layers: Path) -> Iterator[Path]:
    """Yield a new directory to be filled, locked by its maker; if it was not renamed by the block's end it is removed.

    A directory whose lock nobody holds was left by a process that was killed.
    """
    from labcore.storage.directories import remove_tree  # as above

    with ExitStack() as undo:
        with using(layers.parent):  # no collection sees it before it is locked
            place = layers / f"{INCOMING}{os.getpid()}-{os.urandom(6).hex()}"
            place.mkdir(mode=0o700)
            undo.callback(remove_tree, place)
            undo.enter_context(Lock(place, os.O_DIRECTORY).acquire())
        yield place


def _is_abandoned(incoming: Path) -> bool:
    try:
        with Lock(incoming, os.O_DIRECTORY) as lock:
            return lock.try_acquire()
    except FileNotFoundError:
        return False
