"""Kernel checks: each feature that containers need is tried, in a process of its own."""

import gzip
import os
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from labcore.doctor.finding import Finding, attempt, say
from labcore.native import (
    SECCOMP_RET_ALLOW,
    Capability,
    CloneFlag,
    MountFlag,
    SeccompMode,
    UnmountFlag,
    capget,
    seccomp,
    unshare,
)
from labcore.runtime import Plan, ops
from labcore.runtime.explain_privileges import userns_block
from labcore.runtime.probe import in_chroot, mountinfo

PRIVATE = ops.Mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)

NOBODY = 65534

OPTIONS = (
    "NAMESPACES", "UTS_NS", "IPC_NS", "PID_NS", "NET_NS", "USER_NS", "CGROUPS", "MEMCG", "CGROUP_PIDS", "CGROUP_FREEZER",
    "OVERLAY_FS", "VETH", "BRIDGE", "NF_TABLES", "NF_NAT", "SECCOMP_FILTER", "POSIX_MQUEUE", "UNIX98_PTYS", "CPUSETS",
)  # fmt: skip


def findings() -> Iterator[Finding]:
    """Yield one finding for each feature."""
    yield _kernel()
    yield _options()
    yield from _namespaces()
    yield _unprivileged()
    yield _root_mount()
    yield _pivot()
    yield _overlay()
    yield _cgroups()
    yield _seccomp()
    yield _capabilities()


def _kernel() -> Finding:
    release = os.uname().release
    plan = Plan([ops.Clone(), ops.CloseDescriptors()])
    affects = say("clone3, pidfds and close_range, which every start uses")
    works = say("{release}, has {affects}", release=release, affects=affects)
    found = attempt("kernel", plan, affects=affects, works=works, essential=True)
    return found if found.state == "ok" else found.replace(cure=say("Linux 5.12 or newer"))


def _options() -> Finding:
    affects = say("nothing by itself: what follows was tried")
    text = _config()
    if text is None:
        return Finding("kernel options", "untried", say("this kernel keeps its configuration to itself"), affects)
    chosen = set(re.findall(r"^CONFIG_(\w+)=[ym]$", text, re.MULTILINE))
    if absent := [option for option in OPTIONS if option not in chosen]:
        return Finding("kernel options", "limited", say("without {names}", names=" ".join(absent)), affects)
    detail = say("all {count} that containers use are switched on", count=len(OPTIONS))
    return Finding("kernel options", "ok", detail, affects)


def _config() -> str | None:
    with suppress(OSError):
        return gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    with suppress(OSError):
        return Path(f"/boot/config-{os.uname().release}").read_text(encoding="utf-8")
    return None


def _namespaces() -> Iterator[Finding]:
    for kind, flag, affects, essential in (
        ("mount", CloneFlag.NEWNS, say("a root file system of one's own"), True),
        ("pid", CloneFlag.NEWPID, say("being process 1"), True),
        ("uts", CloneFlag.NEWUTS, say("a host name of one's own"), True),
        ("ipc", CloneFlag.NEWIPC, say("message queues and shared memory of one's own"), True),
        ("network", CloneFlag.NEWNET, say("interfaces and ports of one's own"), True),
        ("cgroup", CloneFlag.NEWCGROUP, say("a cgroup tree of one's own"), True),
        ("time", CloneFlag.NEWTIME, say("clocks of one's own (lesson 2 shows them)"), False),
        ("user", CloneFlag.NEWUSER, say("containers without root"), False),
    ):
        plan = Plan([ops.Clone(flag)])
        yield attempt(f"{kind} namespace", plan, affects=affects, works=say("made one"), essential=essential)


def _unprivileged() -> Finding:
    """Become an ordinary user and make a user namespace, as rootless containers do."""
    affects = say("user namespaces of ordinary users (rootless containers)")
    become = [ops.SetUser(NOBODY, NOBODY)] if os.geteuid() == 0 else []
    plan = Plan([ops.Clone(), *become, ops.Call(unshare.step(CloneFlag.NEWUSER))])
    found = attempt("unprivileged use", plan, affects=affects, works=say("an ordinary user made a user namespace"))
    if found.state == "missing" and (block := userns_block(ordinary_user=True)):
        return found.replace(detail=block.cause, cure=block.cure)
    return found


def _root_mount() -> Finding:
    affects = say("whether a mount made in a container would appear on the host: every plan makes its own tree private first")
    if in_chroot():
        detail = say("/ is no mount point: this is a chroot, which pivot_root and user namespaces refuse")
        cure = say("enter this system by pivot_root, systemd-nspawn or unshare, not by chroot")
        return Finding("root mount", "missing", detail, affects, cure, essential=True)
    fields = next(fields for fields in reversed(mountinfo()) if fields[4] == "/")
    shared = any(field.startswith("shared:") for field in fields[6 : fields.index("-")])
    return Finding("root mount", "ok", say("shared, as systemd makes it") if shared else say("private"), affects)


def _pivot() -> Finding:
    with_scratch = [ops.Clone(CloneFlag.NEWNS), PRIVATE, ops.Mount("tmpfs", "/tmp", "tmpfs"), ops.Chdir("/tmp")]
    plan = Plan([*with_scratch, ops.PivotRoot(".", "."), ops.Unmount(".", UnmountFlag.DETACH)])
    return attempt("pivot_root", plan, affects=say("turning into a new root"), works=say("turned one"), essential=True)


def _overlay() -> Finding:
    plan = Plan(
        [
            ops.Clone(CloneFlag.NEWNS),
            PRIVATE,
            ops.Mount("tmpfs", "/tmp", "tmpfs"),
            ops.Chdir("/tmp"),
            ops.MakeDirectories(("lower", "upper", "work", "root")),
            ops.Mount("overlay", "root", "overlay", data="lowerdir=lower,upperdir=upper,workdir=work"),
        ]
    )
    return attempt("overlayfs", plan, affects=say("images made of layers"), works=say("mounted one"), essential=True)


def _cgroups() -> Finding:
    affects = say("limits on memory, processes and CPU")
    mounts = [(fields[4], fields[fields.index("-") + 1]) for fields in mountinfo() if "-" in fields]
    v2 = [point for point, kind in mounts if kind == "cgroup2"]
    v1 = [point for point, kind in mounts if kind == "cgroup"]
    if not v1 and not v2:
        return Finding("cgroups", "missing", say("mounted nowhere"), affects, "mount -t cgroup2 none /sys/fs/cgroup")
    version = say("hybrid (v1 with a v2 tree beside it)") if v1 and v2 else "v1" if v1 else "v2"
    controllers = (
        sorted({Path(point).name for point in v1} - {"systemd"}) or (_read(Path(v2[0]) / "cgroup.controllers")).split()
    )
    detail = say("{version}: {controllers}", version=version, controllers=" ".join(controllers))
    place = Path(next((point for point in v1 if point.endswith("pids")), (v2 or v1)[0])) / f"labcore-doctor-{os.getpid()}"
    try:
        place.mkdir()
        place.rmdir()
    except OSError as error:
        detail = say("{detail}; making one: {error}", detail=detail, error=error.strerror)
        return Finding("cgroups", "limited", detail, affects, say("run as root"))
    return Finding("cgroups", "ok", say("{detail}; made one", detail=detail), affects)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _seccomp() -> Finding:
    allow_everything = struct.pack("=HBBI", 0x06, 0, 0, SECCOMP_RET_ALLOW)  # one BPF instruction: return ALLOW
    load = ops.Call(seccomp.step(SeccompMode.FILTER, 0, allow_everything))
    plan = Plan([ops.Clone(), ops.NoNewPrivileges(), load])
    return attempt("seccomp", plan, affects=say("filtering system calls"), works=say("loaded a filter"))


def _capabilities() -> Finding:
    affects = say("what root may do here")
    missing = [capability.name for capability in Capability if capability not in capget()["effective"]]
    if "SYS_ADMIN" in missing:
        cure = say("run as root") if os.geteuid() else say("this root is itself confined: run outside of that container")
        detail = say("without {names}", names=" ".join(missing))
        return Finding("capabilities", "missing", detail, affects, cure, essential=True)
    if missing:
        detail, cure = say("all but {names}", names=" ".join(missing)), say("limits can be lowered, not raised")
        return Finding("capabilities", "limited", detail, affects, cure)
    return Finding("capabilities", "ok", say("all"), affects)
