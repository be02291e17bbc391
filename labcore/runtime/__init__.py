"""From a spec to a plan to a process: the exec driver."""

from labcore.runtime.plan import Carrier, Plan
from labcore.runtime.stages import STAGES, Stage, make_plan
from labcore.runtime.start import spawn

__all__ = ["STAGES", "Carrier", "Plan", "Stage", "make_plan", "spawn"]
