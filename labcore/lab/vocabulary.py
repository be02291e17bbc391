"""The names that lessons and `my_runtime.py` are written with: `from labcore.lab.vocabulary import *`."""

import errno
import os
from pathlib import Path

import labcore
from labcore import lab, native
from labcore.lab.showing import show
from labcore.native import DEVNULL, PIPE, CloneFlag, MountFlag, UnmountFlag
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import DEFAULT_PATH, BindRoot, ContainerSpec

__all__ = [
    "DEFAULT_PATH",
    "DEVNULL",
    "NAMESPACE_FLAGS",
    "PIPE",
    "BindRoot",
    "CloneFlag",
    "ContainerSpec",
    "MountFlag",
    "Path",
    "Plan",
    "UnmountFlag",
    "errno",
    "lab",
    "labcore",
    "native",
    "ops",
    "os",
    "show",
    "spawn",
]
