"""The launcher's work between the last mount and the turn of the root: createContainer hooks (config.md)."""

from __future__ import annotations

from labcore.native import UnmountFlag
from labcore.runtime import ops
from labcore.runtime.mounting import HOST_REGISTER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from labcore.runtime.ops import Op


def with_hooks(mounted: Sequence[Op], directory: str, hooks: Sequence[Op]) -> list[Op]:
    """Return the ops that mount everything below a root's directory, and have `hooks` work as if there was no new root yet.

    They find the container's mounts below that directory, and all else where the runtime has it. So a copy of the host's tree
    is kept in hand, made the root again, and left as it was left before.
    """
    cut, *others = mounted
    return [
        cut,
        ops.OpenTree("/", HOST_REGISTER, recursive=True),
        *others,
        ops.PivotBack(HOST_REGISTER, directory),
        *hooks,
        ops.Chdir(directory),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]
