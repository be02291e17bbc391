"""From a spec to a plan: each stage is a function `stage(spec) -> list[Op]`, and each can be replaced."""

from __future__ import annotations

from labcore.runtime.stages.namespaces import NAMESPACE_FLAGS, become_root_of, sysctl_path
from labcore.runtime.stages.sequence import STAGES, Action, LaunchOptions, Stage, SyncPoint, make_plan

__all__ = [
    "NAMESPACE_FLAGS",
    "STAGES",
    "Action",
    "LaunchOptions",
    "Stage",
    "SyncPoint",
    "become_root_of",
    "make_plan",
    "sysctl_path",
]
