"""Machines as a step may meet them, made in the sandbox: shared mounts, inheritable capabilities, no cgroups or namespaces."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore import native, procfs
from labcore.lab.checks.process_view import ProcessView
from labcore.native import Capability, CloneFlag, MountFlag, UnmountFlag
from labcore.procfs import NAMESPACE_FILES

CGROUPS: Final = "/sys/fs/cgroup"


def share_mounts() -> None:
    """Make the sandbox's mounts shared, as systemd makes a machine's."""
    native.mount("none", "/", flags=MountFlag.REC | MountFlag.SHARED)


def hand_on_capabilities() -> None:
    """Make all capabilities of this process inheritable, as some machines' are."""
    own = [power for power in Capability if int(procfs.status(os.getpid())["CapPrm"], 16) >> power & 1]
    native.capset(effective=own, permitted=own, inheritable=own)


def have_cgroups() -> None:
    """Mount cgroups where there are none, as in most containers: what is found missing is to be what a check takes away."""
    if not any(Path(CGROUPS).glob("**/cgroup.procs")):
        native.mount("none", CGROUPS, "cgroup2")


def hide_cgroups() -> None:
    """Take the cgroups away in this mount namespace: unmounted where that may be, and covered in any case."""
    for mount in reversed(ProcessView(os.getpid()).mounts):
        if mount.fstype in ("cgroup", "cgroup2"):
            with suppress(OSError):  # those of a more privileged namespace are locked
                native.umount2(mount.point, UnmountFlag.DETACH)
    native.mount("none", CGROUPS, "tmpfs")


def forbid_namespaces(kinds: Iterable[str]) -> None:
    """Enter a user namespace in which no namespaces of these kinds may be made: there is no way back from it."""
    user, group = os.geteuid(), os.getegid()
    native.unshare(CloneFlag.NEWUSER)
    map_to("self", user, group)
    for kind in kinds:
        Path(f"/proc/sys/user/max_{NAMESPACE_FILES[kind]}_namespaces").write_text("0", encoding="utf-8")


def map_to(process: int | str, user: int, group: int) -> None:
    """Map root in a process's user namespace to this user and group outside: user_namespaces(7)."""
    for file, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path(f"/proc/{process}/{file}").write_text(text, encoding="utf-8")
