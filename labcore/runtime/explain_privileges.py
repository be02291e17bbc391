"""Explanations of what privileges, user namespaces and limits refuse."""

import errno
import os
from pathlib import Path

from labcore.native import Capability, CloneFlag, capget
from labcore.runtime.explanation import Explainers, Explanation
from labcore.runtime.ops import (
    ApplyApparmorProfile,
    NoNewPrivileges,
    SetCapabilities,
    SetUser,
)
from labcore.runtime.plan import Plan
from labcore.runtime.probe import in_chroot, read_setting
from labcore.runtime.rootfs_lookup import say


def missing_privilege() -> Explanation | None:
    """Explain a refusal by CAP_SYS_ADMIN that is not there."""
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


def refused_in_chroot() -> Explanation:
    """Explain what the kernel does in no chroot."""
    return Explanation(
        say("the root here is a chroot and no mount: the kernel pivots no root and makes no user namespace in one"),
        say("enter this system by pivot_root, systemd-nspawn or unshare, not by chroot"),
    )


def _clone_refused(plan: Plan, index: int) -> Explanation | None:  # noqa: ARG001
    if plan.clone.flags & CloneFlag.NEWUSER:
        return refused_in_chroot() if in_chroot() else userns_block()
    return missing_privilege()


# How the limits are named: namespaces(7), “The /proc/sys/user directory”.
LIMITED = {
    CloneFlag.NEWNS: "mnt", CloneFlag.NEWPID: "pid", CloneFlag.NEWUTS: "uts", CloneFlag.NEWIPC: "ipc", CloneFlag.NEWNET: "net",
    CloneFlag.NEWCGROUP: "cgroup", CloneFlag.NEWUSER: "user", CloneFlag.NEWTIME: "time",
}  # fmt: skip


def _too_many(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    limits = ", ".join(
        f"{path.name}={path.read_text(encoding='utf-8').strip()}"
        for path in sorted(Path("/proc/sys/user").glob("max_*_namespaces"))
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


def _more_than_permitted(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if not isinstance(op, SetCapabilities) or not (more := set(op.effective) - set(op.permitted)):
        return None
    names = " ".join(sorted(f"CAP_{capability.name}" for capability in more))
    return Explanation(
        say("what is not permitted cannot be effective: {names}", names=names),
        say("name it among the permitted ones too: capabilities(7)"),
    )


def _filter_too_late(plan: Plan, index: int) -> Explanation | None:
    if any(isinstance(op, NoNewPrivileges) for op in plan.ops[:index]):
        return None
    return Explanation(
        say("loading a filter takes CAP_SYS_ADMIN, which this process has given up, or NoNewPrivileges"),
        say("put it before SetCapabilities, or NoNewPrivileges() before it: seccomp(2)"),
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


EXPLAINERS: Explainers = (
    ("clone3", {errno.EPERM, errno.EACCES}, _clone_refused),
    ("clone3", {errno.ENOSPC, errno.EUSERS}, _too_many),
    ("clone3", {errno.EAGAIN, errno.ENOMEM}, _no_memory_for_clone),
    ("capset", {errno.EPERM}, _more_than_permitted),
    ("seccomp", {errno.EACCES}, _filter_too_late),
    ("setgroups", {errno.EINVAL}, _not_mapped),
    ("setresgid", {errno.EINVAL}, _not_mapped),
    ("setresuid", {errno.EINVAL}, _not_mapped),
    ("write", {errno.ENOENT, errno.EACCES, errno.EPERM}, _no_profile),
)
