"""Explanations of failed mounts and of a failed pivot_root."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from labcore.native import CloneFlag, MountFlag
from labcore.runtime.explain_privileges import missing_privilege, refused_in_chroot
from labcore.runtime.explanation import Explainers, Explanation
from labcore.runtime.ops import (
    Chdir,
    MakeDevices,
    MakeDirectories,
    Mount,
    PivotRoot,
    TryChdir,
)
from labcore.runtime.plan import Plan
from labcore.runtime.probe import confined, in_chroot, mountinfo
from labcore.runtime.rootfs_lookup import say


def _mount_invalid(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, Mount):
        return None
    if op.fstype == "overlay":
        return _overlay_invalid(plan, index, op)
    if op.target == "/" and in_chroot():
        return refused_in_chroot()
    if op.flags & (MountFlag.REMOUNT | MountFlag.PRIVATE | MountFlag.SLAVE):
        return Explanation(
            say("{target} is no mount point", target=op.target),
            say("mount it first, if only onto itself with BIND"),
        )
    return None


def _overlay_invalid(plan: Plan, index: int, op: Mount) -> Explanation:
    upper, work = op.options.get("upperdir"), op.options.get("workdir")
    if upper and not work:
        return Explanation(
            say("an overlay with an upperdir needs a workdir beside it"),
            say("add workdir=… to the options"),
        )
    if upper and work:
        directory = _working_directory(plan, index)
        try:
            if (directory / upper).stat().st_dev != (directory / work).stat().st_dev:
                return Explanation(
                    say("upperdir and workdir must be on one file system, for overlayfs moves files between them by rename"),
                    say("make both in one directory"),
                )
        except OSError:
            pass  # made inside the plan, and gone with its mount namespace: nothing is left to be compared
        if upper == work or work.startswith(upper + "/") or upper.startswith(work + "/"):
            return Explanation(
                say("upperdir and workdir lie inside one another"),
                say("make two directories side by side"),
            )
    return Explanation(
        say(
            "overlayfs does not take these directories: the upper one may itself be on an overlay, or be of a file system that "
            "has no extended attributes"
        ),
        say("put upperdir and workdir on ext4, xfs, btrfs or a tmpfs; the last line of dmesg says more"),
    )


def _working_directory(plan: Plan, index: int) -> Path:
    """Return where relative paths of op `index` begin, as far as it can be seen from here."""
    path = Path.cwd()
    for op in plan.ops[:index]:
        if isinstance(op, Chdir):
            path = path / op.path
    return path


def _umount_busy(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    return Explanation(
        say("a process still has its root or its working directory there, or a file open"),
        say("Unmount(path, UnmountFlag.DETACH) takes it away now, and the kernel finishes when the last user has left"),
    )


def _device_in_the_old_root(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, MakeDevices) or any(isinstance(earlier, PivotRoot) for earlier in plan.ops[:index]):
        return None
    path = next((path for path, _, _ in op.devices if path.startswith("/")), None)
    if path is None:
        return None
    return Explanation(
        say("{path} is in the old root: the new one has not been turned to yet", path=path),
        say("leave out the first slash: the working directory is the new root"),
    )


def _mount_missing(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, Mount):
        return None
    if op.options.get("lowerdir", "").startswith(("(", "[")):
        return Explanation(
            say("lowerdir is a list as Python prints it"),
            say("join its names by colons: ':'.join(…)"),
        )
    directory = _working_directory(plan, index)
    made = {path for earlier in plan.ops[:index] if isinstance(earlier, MakeDirectories) for path in earlier.paths}
    places = [directory / path for path in _directories_of(op) if path not in made]
    missing = [str(place) for place in places if not os.path.lexists(place)]
    what = ", ".join(missing) or say("{target}, or what it is mounted from,", target=op.target)
    return Explanation(
        say("{what} does not exist", what=what),
        say("make it first: MakeDirectories((…,)), or correct the path"),
    )


def _directories_of(op: Mount) -> list[str]:
    if op.fstype == "overlay":
        lowers = op.options.get("lowerdir", "").split(":")
        return [*lowers, *filter(None, map(op.options.get, ("upperdir", "workdir"))), op.target]
    return [op.source, op.target] if op.flags & MountFlag.BIND else [op.target]


def not_a_directory(plan: Plan, index: int) -> Explanation | None:
    """Explain a path on which something is no directory."""
    op = plan.ops[index]
    if isinstance(op, Chdir | TryChdir):
        return Explanation(say("{path} is a file, not a directory", path=op.path), say("name a directory"))
    if not isinstance(op, Mount):
        return None
    directory = _working_directory(plan, index)
    files = [path for path in _directories_of(op) if (directory / path).is_file()]
    what = say(" and ").join(files) or say("one of the two")
    return Explanation(
        say("{what} is a file: a directory is mounted on a directory only, a file on a file", what=what),
        say("name a directory as the root, or bind the file onto a file"),
    )


def _unknown_file_system(plan: Plan, index: int) -> Explanation:
    fstype = getattr(plan.ops[index], "fstype", None)
    return Explanation(
        say("this kernel has no file system called {fstype}", fstype=fstype),
        say("sudo modprobe {fstype}; `labcore doctor` lists more", fstype=fstype),
    )


def _mount_forbidden(plan: Plan, index: int) -> Explanation | None:
    if not plan.clone.flags & CloneFlag.NEWNS and os.geteuid() == 0:
        return missing_privilege()
    op = plan.ops[index]
    if (plan.clone.flags & CloneFlag.NEWUSER or confined()) and isinstance(op, Mount) and op.fstype in ("proc", "sysfs"):
        namespace = say("a PID namespace") if op.fstype == "proc" else say("a network namespace")
        return Explanation(
            say(
                "in a user namespace {fstype} can be mounted only together with {namespace} of one's own, and only while "
                "another is in sight of which nothing is covered",
                fstype=op.fstype,
                namespace=namespace,
            ),
            say(
                "clone {namespace} too, and mount it before the old root is unmounted; or bind the host's {target}",
                namespace=namespace,
                target=op.target,
            ),
        )
    return missing_privilege()


def _pivot_invalid(plan: Plan, index: int) -> Explanation:
    op = plan.ops[index]
    if any(fields[4] == "/" and fields[fields.index("-") + 1] == "rootfs" for fields in mountinfo()):
        return Explanation(
            say("the machine runs from its initial ramdisk, which cannot be pivoted away"),
            say("boot from a disk"),
        )
    if not _is_private([op for op in plan.ops[:index] if isinstance(op, Mount)]):
        return Explanation(
            say(
                "the mounts here are shared with another mount namespace, and a pivot_root would change the root for all of "
                "them"
            ),
            say("first Mount('none', '/', flags=MountFlag.REC | MountFlag.PRIVATE), in a mount namespace of one's own"),
        )
    target = op.new_root if isinstance(op, PivotRoot) else "?"
    return Explanation(
        say("{target!r} is no mount point, or the old root's place is not below it", target=target),
        say("bind the directory onto itself first (Mount(d, d, flags=MountFlag.BIND | MountFlag.REC)) and Chdir into it"),
    )


def _is_private(mounts: Sequence[Mount]) -> bool:
    """Whether the last of them that says how the root propagates says that it does not."""
    said = [
        op.flags for op in mounts if op.target == "/" and op.flags & (MountFlag.SHARED | MountFlag.PRIVATE | MountFlag.SLAVE)
    ]
    return bool(said) and not said[-1] & MountFlag.SHARED


def _pivot_busy(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    return Explanation(
        say("the new root is the root already, or lies on the same mount"),
        say("make it a mount of its own first: Mount(d, d, flags=MountFlag.BIND | MountFlag.REC), then Chdir into it"),
    )


EXPLAINERS: Explainers = (
    ("umount2", {errno.EBUSY}, _umount_busy),
    ("mount", {errno.EINVAL}, _mount_invalid),
    ("mount", {errno.ENOENT}, _mount_missing),
    ("mount", {errno.ENODEV}, _unknown_file_system),
    ("mount", {errno.EPERM, errno.EACCES}, _mount_forbidden),
    ("mknodat", {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT}, _device_in_the_old_root),
    ("pivot_root", {errno.EINVAL}, _pivot_invalid),
    ("pivot_root", {errno.EBUSY}, _pivot_busy),
    ("mount", {errno.ENOTDIR}, not_a_directory),
)
