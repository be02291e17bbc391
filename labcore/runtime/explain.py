"""Explanations of failures: cause and cure, from the op, the call, the errno, and the state of this machine."""

import errno
import os
import signal
from pathlib import Path

from labcore.native import CloneFlag
from labcore.runtime import explain_mounts, explain_privileges
from labcore.runtime.explain_mounts import not_a_directory
from labcore.runtime.explain_privileges import missing_privilege
from labcore.runtime.explanation import Explainers, Explanation
from labcore.runtime.ops import (
    Chdir,
    Execve,
    JoinNamespaces,
    SetHostname,
    TryChdir,
)
from labcore.runtime.plan import Plan
from labcore.runtime.rootfs_lookup import explain_program, say


def explain(plan: Plan, index: int, call: str, number: int) -> Explanation:
    """Explain errno `number` of `call` in the plan's op `index`."""
    for wanted_call, wanted_errors, explainer in EXPLAINERS:
        if call == wanted_call and number in wanted_errors:
            found = explainer(plan, index)
            if found is not None:
                return found
    if number == errno.EPERM and (missing := missing_privilege()):
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


def _hostname(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if isinstance(op, SetHostname) and len(op.hostname.encode()) > 64:
        size = len(op.hostname.encode())
        return Explanation(say("the host name has {size} bytes; 64 are allowed", size=size), say("shorten it"))
    return None


def _no_namespace(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    missing = [path for _, path in op.namespaces if not Path(path).exists()] if isinstance(op, JoinNamespaces) else []
    if not missing:
        return None
    there = " ".join(sorted(each.name for each in Path("/proc/self/ns").iterdir()))
    return Explanation(
        say("{path} does not exist: the process has ended, or its files are called otherwise", path=missing[0]),
        say("look which process it is; the files in /proc/PID/ns are: {names}", names=there),
    )


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


def _link_in_the_way(plan: Plan, index: int) -> Explanation:  # noqa: ARG001
    return Explanation(
        say("a symbolic link lies in the way: one of /proc's to another process, or one in the place of /proc, /sys or /dev"),
        say("take it out of the image, or name another place"),
    )


def _program(plan: Plan, index: int) -> Explanation | None:
    op = plan.ops[index]
    if any(flag == CloneFlag.NEWNS for join in plan.ops if isinstance(join, JoinNamespaces) for flag, _ in join.namespaces):
        return None  # its root is not one that can be looked into from here
    return Explanation(*explain_program(plan, op)) if isinstance(op, Execve) else None


EXPLAINERS: Explainers = (
    *explain_privileges.EXPLAINERS,
    *explain_mounts.EXPLAINERS,
    ("sethostname", {errno.EINVAL}, _hostname),
    ("chdir", {errno.ENOENT}, _chdir_missing),
    ("chdir", {errno.ENOTDIR}, not_a_directory),
    ("openat2", {errno.ENOENT}, _chdir_missing),
    ("openat", {errno.ENOENT}, _no_namespace),
    ("openat2", {errno.ENOTDIR}, not_a_directory),
    ("chdir", {errno.EACCES, errno.EPERM}, _chdir_closed),
    ("openat2", {errno.ELOOP}, _link_in_the_way),
    ("execve", {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ENOEXEC, errno.ELOOP, errno.E2BIG}, _program),
)
