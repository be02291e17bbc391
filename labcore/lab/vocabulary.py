"""The names that lessons and `my_runtime.py` are written with: `from labcore.lab.vocabulary import *`."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import labcore
from labcore import lab, native
from labcore.lab.showing import show
from labcore.native import DEVNULL, PIPE, CloneFlag, MountFlag, UnmountFlag
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.observe import confined
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import DEFAULT_PATH, NAMESPACES, BindRoot, ContainerSpec, OverlayRoot, Reference

# Where overlayfs keeps its notes: attributes named `trusted.…` are root's, and an ordinary user's lab has to ask for others.
OPAQUE = "user.overlay.opaque" if confined() else "trusted.overlay.opaque"  # on a directory that hides what lies below
USERXATTR = ",userxattr" if confined() else ""

__all__ = [
    "DEFAULT_PATH",
    "DEVNULL",
    "NAMESPACES",
    "NAMESPACE_FLAGS",
    "OPAQUE",
    "PIPE",
    "USERXATTR",
    "BindRoot",
    "CloneFlag",
    "ContainerSpec",
    "MountFlag",
    "OverlayRoot",
    "Path",
    "Plan",
    "Reference",
    "UnmountFlag",
    "confined",
    "errno",
    "hashlib",
    "json",
    "lab",
    "labcore",
    "native",
    "ops",
    "os",
    "show",
    "spawn",
    "stat",
    "subprocess",
    "sys",
    "tarfile",
]
