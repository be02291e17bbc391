"""From a container's spec to a plan, and from a plan to a process (the exec driver).

Names are loaded when they are first used: half of the commands of an OCI runtime need none of them.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.runtime import ops
    from labcore.runtime.plan import Carrier, Plan
    from labcore.runtime.stages import STAGES, LaunchOptions, Stage, make_plan
    from labcore.runtime.start import spawn

__all__ = ["STAGES", "Carrier", "LaunchOptions", "Plan", "Stage", "make_plan", "ops", "spawn"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.runtime.plan": ("Carrier", "Plan"),
        "labcore.runtime.stages": ("STAGES", "LaunchOptions", "Stage", "make_plan"),
        "labcore.runtime.start": ("spawn",),
    },
)
