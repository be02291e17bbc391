r"""A small, complete, real container system to learn Docker by building it.

    >>> labcore.run("busybox", ["hostname"], hostname="box").stdout
    b'box\n'
    >>> print(labcore.plan("busybox", ["hostname"]))     # what that does, op by op
    >>> labcore.spawn(labcore.plan("busybox", ["sh"]))   # the same in two steps, with a handle on the process

The rooms: spec, errors, native, runtime, storage, images, engine; around them client, cli, vm, doctor, bench, lab.
Names are loaded when they are first used: importing labcore costs next to nothing.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.client import connect
    from labcore.engine import Completed, Engine, plan, run
    from labcore.errors import LabcoreError
    from labcore.native import DEVNULL, PIPE, Process
    from labcore.runtime import STAGES, Plan, spawn
    from labcore.spec import ContainerSpec

__version__ = "0.1.0"

__all__ = [
    "DEVNULL",
    "PIPE",
    "STAGES",
    "Completed",
    "ContainerSpec",
    "Engine",
    "LabcoreError",
    "Plan",
    "Process",
    "connect",
    "plan",
    "run",
    "spawn",
]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.client": ("connect",),
        "labcore.engine": ("Completed", "Engine", "plan", "run"),
        "labcore.errors": ("LabcoreError",),
        "labcore.native": ("DEVNULL", "PIPE", "Process"),
        "labcore.runtime": ("STAGES", "Plan", "spawn"),
        "labcore.spec": ("ContainerSpec",),
    },
)


def __dir__() -> list[str]:
    return __all__
