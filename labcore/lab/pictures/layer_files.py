"""Layer files as values: the content of an overlay's layers, and what the kernel shows when it stacks them."""

import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from labcore.errors import InvalidInput, LabcoreError, Unavailable
from labcore.lab.messages import say
from labcore.native import DEVNULL, PIPE, CloneFlag, MountFlag
from labcore.record import Record
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.probe import confined

Kind = Literal["file", "deleted", "opaque"]
OPAQUE: Final = ("trusted.overlay.opaque", "user.overlay.opaque")
TEXT_MAX: Final = 60  # bytes: a longer file is shown by its size
SECONDS: Final = 10.0


class Entry(Record):
    """A file of a layer; or what overlayfs keeps in the place of one that is deleted, or of a directory that hides those below.

    `inscription` says what is in it, or how much.
    """

    kind: Kind
    inscription: str = ""


def entries(layer: Path) -> dict[str, Entry]:
    """Return what a layer holds, by path; of its directories only those that hide what lies below. Raises InvalidInput."""
    if not layer.is_dir():
        raise InvalidInput(
            say("{path} is no directory: a layer is given by the directory that it was unpacked into", path=layer)
        )
    found = {}
    for folder, directories, files in os.walk(layer):
        for name in (*directories, *files):
            path = Path(folder, name)
            status = path.lstat()
            if not stat.S_ISDIR(status.st_mode):
                found[str(path.relative_to(layer))] = _entry(path, status)
            elif _is_opaque(path):
                found[f"{path.relative_to(layer)}/"] = Entry("opaque")
    return found


def _entry(path: Path, status: os.stat_result) -> Entry:
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
        return Entry("deleted")
    if stat.S_ISREG(status.st_mode) and status.st_size <= TEXT_MAX:
        return Entry("file", " ".join(path.read_text(encoding="utf-8", errors="replace").split()))
    return Entry("file", size(status.st_size) if stat.S_ISREG(status.st_mode) else "")


def size(count: int) -> str:
    """Return a number of bytes as people say it."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} B"


def _is_opaque(path: Path) -> bool:
    for name in OPAQUE:
        with suppress(OSError):
            return os.getxattr(path, name) == b"y"
    return False


def seen(layers: Sequence[Path]) -> set[str]:
    """Return the paths that the kernel shows when it stacks these directories, the topmost first; directories end in `/`.

    They are stacked in a mount namespace that ends at once. Raises Unavailable if the kernel does not stack them.
    """
    find = shutil.which("find")
    if find is None:
        raise Unavailable(say("find is not installed here: apt-get install findutils"))
    place = str(layers[0])
    ours = ",userxattr" if confined() else ""
    lower = ":".join(str(layer).replace("\\", "\\\\").replace(":", "\\:") for layer in layers)
    mount = [ops.Mount("overlay", place, "overlay", MountFlag.RDONLY, f"lowerdir={lower}{ours}")] if len(layers) > 1 else []
    plan = Plan(
        [
            ops.Clone(CloneFlag.NEWNS),
            ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
            *mount,
            ops.Chdir(place),
            ops.Execve((find, ".", "-mindepth", "1", "-printf", r"%y%P\0")),
        ]
    )
    try:
        with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as process:
            out, _ = process.communicate(timeout=SECONDS)
    except (LabcoreError, TimeoutError) as error:
        raise Unavailable(say("the kernel does not stack these directories: {error}", error=error)) from None
    lines = [os.fsdecode(line) for line in out.split(b"\0") if line]
    return {line[1:] + ("/" if line[0] == "d" else "") for line in lines}
