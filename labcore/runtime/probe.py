"""Probes of this machine: kernel version, mounts, user namespace, from /proc."""

from __future__ import annotations

import os
from functools import cache

from labcore.files import read_bytes, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Final


def read_setting(name: str) -> str | None:
    """Return a kernel setting of /proc/sys, None if this kernel has no such setting."""
    try:
        return read_text(f"/proc/sys/{name}").strip()
    except OSError:
        return None


@cache
def kernel_version() -> tuple[int, int]:
    """Return the kernel's version, such as (6, 18): uname(2)."""
    major, minor = os.uname().release.split("-")[0].split(".")[:2]
    return int(major), int(minor)


def in_chroot() -> bool:
    """Return whether `/` is no mount point. Then it is a chroot: pivot_root and user namespaces refuse to work there."""
    return not any(fields[4] == "/" for fields in mountinfo())


def mountinfo() -> list[list[str]]:
    """Return this process's mounts, each as the fields that proc(5) numbers from 0; those behind `-` are of the file system."""
    return [line.split() for line in read_text("/proc/self/mountinfo").splitlines()]


def file_system(path: Path) -> str:
    """Return the type of the file system that holds `path`, "unknown" where its mount is out of sight (in a chroot)."""
    best, kind = "", "unknown"
    for fields in mountinfo():
        if path.resolve().is_relative_to(fields[4]) and len(fields[4]) >= len(best):
            best, kind = fields[4], fields[fields.index("-") + 1]
    return kind


EVERYBODY: Final = 0xFFFFFFFF


def confined() -> bool:
    """Return whether this process is in a user namespace: where even root may not do all that root may do."""
    return mapped("uid_map") < EVERYBODY


@cache
def mapped(name: str) -> int:
    """Return how many ids `uid_map` or `gid_map` maps for this process: user_namespaces(7). Who enters another clears this."""
    try:
        lines = read_bytes(f"/proc/self/{name}").splitlines()
    except OSError:  # no /proc: nothing can be said, and little be done
        return EVERYBODY
    return sum(int(line.split()[2]) for line in lines)
