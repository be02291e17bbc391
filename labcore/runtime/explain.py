"""Explanations of failures: cause and cure, from the op, the call, the errno, and the state of this machine."""

import errno
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from labcore.native import Capability, CloneFlag, MountFlag, capget
from labcore.runtime.ops import (
    ApplyApparmorProfile,
    Chdir,
    Execve,
    JoinNamespaces,
    MakeDirectories,
    Mount,
    PivotRoot,
    SetCapabilities,
    SetHostname,
    SetUser,
    TryChdir,
)
from labcore.runtime.plan import Plan
from labcore.runtime.probe import confined, in_chroot, mountinfo, read_setting
from labcore.runtime.rootfs_lookup import explain_program, say


class Explanation(NamedTuple):
    """Two sentences; an empty cure means that there is none to give."""

    cause: str
    cure: str


Explainer = Callable[[Plan, int], Explanation | None]


def explain(plan: Plan, index: int, call: str, number: int) -> Explanation:
    """Explain errno `number` of `call` in the plan's op `index`."""
    for wanted_call, wanted_errors, explainer in EXPLAINERS:
        if call == wanted_call and number in wanted_errors:
            found = explainer(plan, index)
            if found is not None:
                return found
    if number == errno.EPERM and (missing := _missing_privilege()):
        return missing
    return Explanation(say("{error}, says {call}; see man 2 {call}", error=os.strerror(number), call=call), "")


def explain_death(number: int) -> Explanation:
    """Explain a child that was gone before its plan was walked to the end."""
    if not number:
        return Explanation(say("the process ended before it had come to its program"), "")
    name = signal.Signals(number).name
    return Explanation(
        say("the process was killed by {name} before it became its program", name=name),
        say("look for who sent it: the kernel's OOM killer says so in dmesg")
        if number == signal.SIGKILL
        else say("start it again"),
    )


# --- privileges and user namespaces -----------------------------------------------------------------------------------


def _missing_privilege() -> Explanation | None:
    if Capability.SYS_ADMIN in capget()["effective"]:
        return None
    if os.geteuid():
        return Explanation(
            say("you are user {user}, and this takes CAP_SYS_ADMIN, which root has", user=os.geteuid()),
            say("run it as root: sudo labcore …"),
        )
    return Explanation(
        say("you are root without CAP_SYS_ADMIN: this process itself runs in a container, or had its rights taken away"),
        say("run it outside, or give that container CAP_SYS_ADMIN"),
    )


def userns_block(*, ordinary_user: bool | None = None) -> Explanation | None:
    """Say which of the known settings keeps this user (or an ordinary one) from making user namespaces, if one does."""
    if read_setting("user/max_user_namespaces") == "0":
        return Explanation(say("this machine allows no user namespaces"), "sudo sysctl user.max_user_namespaces=15000")
    if not (os.geteuid() != 0 if ordinary_user is None else ordinary_user):
        return None
    if read_setting("kernel/unprivileged_userns_clone") == "0":
        cause = say("this machine allows user namespaces to root only")
        return Explanation(cause, "sudo sysctl kernel.unprivileged_userns_clone=1")
    if read_setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        return Explanation(
            say("AppArmor keeps ordinary users from using user namespaces (Ubuntu 24.04 does so from the start)"),
            "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        )
    return None


def _chroot() -> Explanation:
    return Explanation(
        say("the root here is a chroot and no mount: the kernel pivots no root and makes no user namespace in one"),
        say("enter this system by pivot_root, systemd-nspawn or unshare, not by chroot"),
    )


def _clone_refused(plan: Plan, index: int) -> Explanation | None:  # noqa: ARG001
    if plan.clone.flags & CloneFlag.NEWUSER:
        return _chroot() if in_chroot() else userns_block()
    return _missing_privilege()


# How the limits are named: namespaces(7), “The /proc/sys/user directory”.
LIMITED = {
    CloneFlag.NEWNS: "mnt", CloneFlag.NEWPID: "pid", CloneFlag.NEWUTS: "uts", CloneFlag.NEWIPC: "ipc", CloneFlag.NEWNET: "net",
    CloneFlag.NEWCGROUP: "cgroup", CloneFlag.NEWUSER: "user", CloneFlag.NEWTIME: "time",
}  # fmt: skip


def _too_many(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    limits = ", ".join(
        f"{path.name}={path.read_text().strip()}" for path in sorted(Path("/proc/sys/user").glob("max_*_namespaces"))
    )
    names = [f"user/max_{LIMITED[kind]}_namespaces" for kind in plan.clone.flags if kind in LIMITED]
    forbidden = next((name for name in names if read_setting(name) == "0"), None)
    return Explanation(
        say("a limit on the number of namespaces is reached: {limits}", limits=limits),
        f"sudo sysctl {forbidden.replace('/', '.')}=15000" if forbidden else say("raise it: sudo sysctl user.max_…"),
    )


def _no_memory_for_clone(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    return Explanation(
        say("too many processes, or the cgroup's pids limit is reached"),
        say("end some; see pids.max and ulimit -u"),
    )


# --- mounts -----------------------------------------------------------------------------------------------------------


def _mount_invalid(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, Mount):
        return None
    if op.fstype == "overlay":
        return _overlay_invalid(plan, index, op)
    if op.target == "/" and in_chroot():
        return _chroot()
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


def _mount_missing(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, Mount):
        return None
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


def _mount_not_a_directory(plan: Plan, index: int) -> Explanation | None:
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
        return _missing_privilege()
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
    return _missing_privilege()


# --- the root ---------------------------------------------------------------------------------------------------------


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


# --- names, directories, programs -------------------------------------------------------------------------------------


def _hostname(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if isinstance(op, SetHostname) and len(op.hostname.encode()) > 64:
        size = len(op.hostname.encode())
        return Explanation(say("the host name has {size} bytes; 64 are allowed", size=size), say("shorten it"))
    return None


def _chdir_missing(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    return (
        Explanation(
            say("there is no directory {path} at this point of the plan", path=op.path),
            say("make it, or correct the path"),
        )
        if isinstance(op, Chdir | TryChdir)
        else None
    )


def _chdir_closed(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, Chdir):
        return None
    return Explanation(
        say("{path}, or a directory on the way to it, is closed to this user", path=op.path),
        say("open it with chmod, or name another directory"),
    )


def _more_than_permitted(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, SetCapabilities) or not (more := set(op.effective) - set(op.permitted)):
        return None
    names = " ".join(sorted(f"CAP_{capability.name}" for capability in more))
    return Explanation(
        say("what is not permitted cannot be effective: {names}", names=names),
        say("name it among the permitted ones too: capabilities(7)"),
    )


def _link_in_the_way(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    return Explanation(
        say("a symbolic link lies in the way: one of /proc's to another process, or one in the place of /proc, /sys or /dev"),
        say("take it out of the image, or name another place"),
    )


def _not_mapped(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, SetUser):
        return None
    return Explanation(
        say("not all of these are mapped in this user namespace: {who}", who=op.detail),
        say("name one that is; an ordinary user needs subordinate numbers (/etc/subuid, /etc/subgid) and newuidmap (uidmap)"),
    )


def _no_profile(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, ApplyApparmorProfile):
        return None
    return Explanation(
        say("AppArmor has no profile {name}, or does not let this process have it", name=op.profile),
        say("load it with apparmor_parser; aa-status lists those that are"),
    )


def _program(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if any(flag == CloneFlag.NEWNS for join in plan.ops if isinstance(join, JoinNamespaces) for flag, _ in join.namespaces):
        return None  # its root is not one that can be looked into from here
    return Explanation(*explain_program(plan, op)) if isinstance(op, Execve) else None


EXPLAINERS: tuple[tuple[str, set[int], Explainer], ...] = (
    ("clone3", {errno.EPERM, errno.EACCES}, _clone_refused),
    ("clone3", {errno.ENOSPC, errno.EUSERS}, _too_many),
    ("clone3", {errno.EAGAIN, errno.ENOMEM}, _no_memory_for_clone),
    ("umount2", {errno.EBUSY}, _umount_busy),
    ("mount", {errno.EINVAL}, _mount_invalid),
    ("mount", {errno.ENOENT}, _mount_missing),
    ("mount", {errno.ENOTDIR}, _mount_not_a_directory),
    ("mount", {errno.ENODEV}, _unknown_file_system),
    ("mount", {errno.EPERM, errno.EACCES}, _mount_forbidden),
    ("pivot_root", {errno.EINVAL}, _pivot_invalid),
    ("pivot_root", {errno.EBUSY}, _pivot_busy),
    ("sethostname", {errno.EINVAL}, _hostname),
    ("chdir", {errno.ENOENT}, _chdir_missing),
    ("chdir", {errno.ENOTDIR}, _mount_not_a_directory),
    ("openat2", {errno.ENOENT}, _chdir_missing),
    ("openat2", {errno.ENOTDIR}, _mount_not_a_directory),
    ("chdir", {errno.EACCES, errno.EPERM}, _chdir_closed),
    ("capset", {errno.EPERM}, _more_than_permitted),
    ("setgroups", {errno.EINVAL}, _not_mapped),
    ("setresgid", {errno.EINVAL}, _not_mapped),
    ("setresuid", {errno.EINVAL}, _not_mapped),
    ("openat2", {errno.ELOOP}, _link_in_the_way),
    ("write", {errno.ENOENT, errno.EACCES, errno.EPERM}, _no_profile),
    ("execve", {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.E2BIG}, _program),
)
