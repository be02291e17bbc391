"""Unpacked layers that nobody needs any more go, and what killed unpackers have left.

Needed is what the caller says (images, snapshots), and what lies below the root of a running container: the kernel's mount
tables say that, of every process that can be seen. A container that is only being started is not in them yet. Its starter has
the directory's lock, shared, from the moment that it looks for the layers until the container runs: `using`. A collection takes
the same lock for itself alone, and for no longer than it takes to rename what goes.

Mount tables name a layer by its ID, and do not say in which store: one that another store has mounted stays here too.

So no layer goes below a container that `labcore run` or `labcore.run` starts, or has started. A plan that is kept and started
later holds nothing: if its layers go meanwhile, its mount fails, and the image's next plan unpacks them anew.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from labcore.errors import Unavailable
from labcore.record import Record
from labcore.storage.implied import forget

INCOMING: Final = ".incoming-"
REMOVED: Final = ".removed-"
LAYER: Final = re.compile(rb"layers/([0-9a-f]{32})\b")


class Gone(Record):
    """How many layers were removed, what others have left among them; and the bytes that they took."""

    layers: int = 0
    size: int = 0


@contextmanager
def using(directory: Path) -> Iterator[None]:
    """Keep collections out for as long as the block lasts. One that is under way is waited for."""
    with _locked(directory, fcntl.LOCK_SH):
        yield


def collect(directory: Path, needed: Callable[[], set[str]]) -> Gone:
    """Remove the layers below `directory` that are neither `needed` nor mounted. Raises Unavailable if mounts cannot be read.

    `needed` is asked while nobody starts a container or makes a snapshot.
    """

    def goes(name: str) -> bool:
        return name not in kept

    if not (directory / "layers").is_dir():
        return Gone()
    with _locked(directory, fcntl.LOCK_EX):
        kept = needed() | mounted()
        _take_out(directory, goes)
    return _remove(directory)


def set_aside(directory: Path, layers: set[str]) -> Gone:
    """Remove these layers, but for those that running containers stand on. Raises Unavailable if mounts cannot be read."""
    if not layers:
        return Gone()
    with _locked(directory, fcntl.LOCK_EX):
        going = layers - mounted()
        _take_out(directory, lambda name: name in going)
    return _remove(directory)


def _take_out(directory: Path, goes: Callable[[str], bool]) -> None:
    """Give layers that go, and what the dead have left, names by which nobody finds them; in one step each."""
    layers = directory / "layers"
    for path in list(layers.glob("*/")):
        unfinished = path.name.startswith(INCOMING) and _is_abandoned(path)
        if unfinished or (not path.name.startswith(".") and goes(path.name)):
            path.rename(layers / f"{REMOVED}{path.name}-{os.urandom(4).hex()}")
            forget(directory, path.name)


def _remove(directory: Path) -> Gone:
    from labcore.storage.directories import remove_tree  # which a start, that `using` is part of, does not need
    from labcore.storage.tree import size_of

    removed = list((directory / "layers").glob(f"{REMOVED}*"))
    size = sum(size_of(path) for path in removed)
    for path in removed:
        remove_tree(path)
    return Gone(len(removed), size)


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
    stacks = [frozenset(name.decode() for name in LAYER.findall(line)) for line in found]
    return [stack for stack in stacks if stack]


def mounted() -> set[str]:
    """Return the layers that running containers stand on."""
    return {layer for stack in stacks() for layer in stack}


@contextmanager
def incoming(layers: Path) -> Iterator[Path]:
    """Yield a new directory to be filled; if it has got no name by the end it goes.

    Its lock says that its maker lives: what a killed one leaves is known by that.
    """
    import tempfile

    from labcore.storage.directories import remove_tree

    with ExitStack() as undo:
        with using(layers.parent):  # no collection sees it before it is locked
            place = Path(tempfile.mkdtemp(dir=layers, prefix=INCOMING))
            undo.callback(remove_tree, place)
            undo.enter_context(_locked(place, fcntl.LOCK_EX))
        yield place


def _is_abandoned(incoming: Path) -> bool:
    try:
        with _locked(incoming, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return True
    except (BlockingIOError, FileNotFoundError):
        return False


@contextmanager
def _locked(directory: Path, how: int) -> Iterator[None]:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, how)
        yield
    finally:
        os.close(fd)
