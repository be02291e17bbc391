"""Vocabulary of lessons and of `my_runtime.py`: `from labcore.lab.vocabulary import *`."""

import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import labcore
from labcore import lab, native
from labcore.errors import ImageNotFound
from labcore.lab.cgroups import freezer, memory_max
from labcore.lab.miniature import Container, Exec, Hijack, Reply
from labcore.lab.running import show
from labcore.native import DEVNULL, PIPE, Capability, CloneFlag, MountFlag, UnmountFlag
from labcore.procfs import NAMESPACE_FILES
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.probe import confined
from labcore.runtime.stages import NAMESPACE_FLAGS
from labcore.spec import (
    DEFAULT_CAPABILITIES,
    DEFAULT_PATH,
    NAMESPACES,
    READONLY_PATHS,
    BindRoot,
    ContainerSpec,
    IdRange,
    OverlayRoot,
    Reference,
    Resources,
    root_with,
)
from labcore.spec.media import CONFIG, MANIFEST

FREEZER, FROZEN, THAWED = freezer()  # the file of a cgroup that freezes it, and what is to be written there
MEMORY_MAX = memory_max()  # the file of a cgroup that limits memory: version 2 has given it another name

# Where overlayfs keeps its notes: attributes named `trusted.…` are root's, and an ordinary user's lab has to ask for others.
OPAQUE = "user.overlay.opaque" if confined() else "trusted.overlay.opaque"  # on a directory that hides what lies below
USERXATTR = ",userxattr" if confined() else ""

__all__ = [
    "CONFIG",
    "DEFAULT_CAPABILITIES",
    "DEFAULT_PATH",
    "DEVNULL",
    "FREEZER",
    "FROZEN",
    "MANIFEST",
    "MEMORY_MAX",
    "NAMESPACES",
    "NAMESPACE_FILES",
    "NAMESPACE_FLAGS",
    "OPAQUE",
    "PIPE",
    "READONLY_PATHS",
    "THAWED",
    "USERXATTR",
    "BindRoot",
    "Capability",
    "CloneFlag",
    "Container",
    "ContainerSpec",
    "Exec",
    "Hijack",
    "IdRange",
    "ImageNotFound",
    "MountFlag",
    "OverlayRoot",
    "Path",
    "Plan",
    "Reference",
    "Reply",
    "Resources",
    "UnmountFlag",
    "confined",
    "errno",
    "hashlib",
    "io",
    "json",
    "lab",
    "labcore",
    "native",
    "ops",
    "os",
    "re",
    "root_with",
    "secrets",
    "show",
    "shutil",
    "signal",
    "socket",
    "spawn",
    "stat",
    "subprocess",
    "sys",
    "tarfile",
    "time",
]
