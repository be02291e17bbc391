r"""A small, complete, real container system to learn Docker by building it.

    >>> labcore.run("busybox", ["hostname"], hostname="box").stdout
    b'box\n'
    >>> print(labcore.plan("busybox", ["hostname"]))     # what that does, op by op
    >>> labcore.spawn(labcore.plan("busybox", ["sh"]))   # the same in two steps, with a handle on the process

The rooms: spec, errors, native, runtime, storage, images, engine; around them cli, doctor, bench, lab.
Names are loaded when they are first used: importing labcore costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labcore.engine import Completed, Engine, plan, run
    from labcore.errors import LabcoreError
    from labcore.native import DEVNULL, PIPE, Process
    from labcore.runtime import STAGES, Plan, spawn
    from labcore.spec import ContainerSpec

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
    "plan",
    "run",
    "spawn",
]

_HOMES = {
    "labcore.engine": ("Completed", "Engine", "plan", "run"),
    "labcore.errors": ("LabcoreError",),
    "labcore.native": ("DEVNULL", "PIPE", "Process"),
    "labcore.runtime": ("STAGES", "Plan", "spawn"),
    "labcore.spec": ("ContainerSpec",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'labcore' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
