"""Directories that a layer has only because something lies in them: what they are, lower layers say.

An archive may have `tmp/x` and no entry for `tmp`. Then /tmp stays what it was (image-spec, layer.md); but overlayfs takes a
merged directory's owner and permissions from the topmost layer that has it. So a stack with such directories gets one layer
more, on top, in which they are as the topmost archive that has an entry for them says. The same goes for `/`.

::

    ROOT/storage/implied/ID   the paths of a layer's directories that its archive has no entry for, each ended by a zero byte
                 says-root/   in it an empty file ID for each layer whose archive has an entry for `/`
                 layers/ID    of a stack that is settled: ID is the head of a digest of its layers' IDs
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from labcore.spec import TopDirectory

NOTED: Final = "implied"
SAYS_ROOT: Final = "says-root"


class Described(NamedTuple):
    """What an archive says of its directories: the paths of those that it has no entry for, and whether `/` has one."""

    implied: frozenset[bytes] = frozenset()
    says_root: bool = False

    def note(self, storage: Path, name: str) -> None:
        """Keep it beside the layer of that ID, before that has its name."""
        if self.implied:
            _write(storage / NOTED, name, b"".join(path + b"\0" for path in sorted(self.implied)))
        if self.says_root:
            _write(storage / SAYS_ROOT, name, b"")


def _write(directory: Path, name: str, content: bytes) -> None:
    directory.mkdir(exist_ok=True)
    incoming = directory / f".{name}-{os.urandom(4).hex()}"  # others may do the same at this moment
    with incoming.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    incoming.rename(directory / name)


def noted(storage: Path, name: str) -> Described:
    """Return what was noted of a layer."""
    try:
        paths = (storage / NOTED / name).read_bytes().split(b"\0")[:-1]
    except FileNotFoundError:
        paths = []
    return Described(frozenset(paths), (storage / SAYS_ROOT / name).exists())


def forget(storage: Path, name: str) -> None:
    """Remove what is noted of a layer that goes."""
    for kind in (NOTED, SAYS_ROOT):
        (storage / kind / name).unlink(missing_ok=True)


def is_settled(storage: Path, ids: Sequence[str]) -> bool:
    """Does overlayfs show the directories of a stack, given from the lowest up, as its archives say they are?"""
    if any(os.path.exists(f"{storage}/{NOTED}/{name}") for name in ids[1:]):  # noqa: PTH110 - every start asks
        return False
    hidden = any(top_of(storage, name) for name in ids[:-1])
    return not hidden or (storage / SAYS_ROOT / ids[-1]).exists()


def top_of(storage: Path, name: str) -> TopDirectory | None:
    """Return what `/` is in a layer, if that is another than where no archive has an entry for it: root's, 0755."""
    status = os.stat(f"{storage}/layers/{name}")  # noqa: PTH116 - every start asks
    if is_plain(status):
        return None
    return TopDirectory(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns)


def is_plain(status: os.stat_result) -> bool:
    """Is a directory what it is where no archive has an entry for it?"""
    return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o755, 0, 0)


def settling_id(ids: Sequence[str]) -> str:
    """Return the ID of the layer that settles a stack: the head of a digest, as layers have it."""
    import hashlib  # few stacks have one

    return hashlib.sha256("+".join(ids).encode()).hexdigest()[: len(ids[0])]
