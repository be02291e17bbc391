"""What the kernel does for containers: each feature is tried, in a process that is gone afterwards."""

import gzip
import os
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from labcore.doctor.finding import Finding, attempt
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
from labcore.runtime.explain import userns_block
from labcore.runtime.observe import in_chroot, mountinfo

PRIVATE = ops.Mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)

NAMESPACES = {
    "mount": (CloneFlag.NEWNS, "a root file system of one's own", True),
    "pid": (CloneFlag.NEWPID, "being process 1", True),
    "uts": (CloneFlag.NEWUTS, "a host name of one's own", True),
    "ipc": (CloneFlag.NEWIPC, "message queues and shared memory of one's own", True),
    "network": (CloneFlag.NEWNET, "interfaces and ports of one's own", True),
    "cgroup": (CloneFlag.NEWCGROUP, "a cgroup tree of one's own", True),
    "time": (CloneFlag.NEWTIME, "clocks of one's own (lesson 2 shows them)", False),
    "user": (CloneFlag.NEWUSER, "containers without root", False),
}

NOBODY = 65534

OPTIONS = (
    "NAMESPACES", "UTS_NS", "IPC_NS", "PID_NS", "NET_NS", "USER_NS", "CGROUPS", "MEMCG", "CGROUP_PIDS", "CGROUP_FREEZER",
    "OVERLAY_FS", "VETH", "BRIDGE", "NF_TABLES", "NF_NAT", "SECCOMP_FILTER", "POSIX_MQUEUE", "UNIX98_PTYS", "CPUSETS",
)  # fmt: skip


def findings() -> Iterator[Finding]:
    """Yield one finding for each feature."""
    yield _kernel()
    yield _options()
    for kind, (flag, affects, essential) in NAMESPACES.items():
        yield attempt(f"{kind} namespace", Plan([ops.Clone(flag)]), affects=affects, works="made one", essential=essential)
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
    affects = "clone3, pidfds and close_range, which every start uses"
    found = attempt("kernel", plan, affects=affects, works=f"{release}, has {affects}", essential=True)
    return found if found.state == "ok" else found.replace(cure="Linux 5.12 or newer")


def _options() -> Finding:
    affects = "nothing by itself: what follows was tried"
    text = _config()
    if text is None:
        return Finding("kernel options", "untried", "this kernel keeps its configuration to itself", affects)
    chosen = set(re.findall(r"^CONFIG_(\w+)=[ym]$", text, re.MULTILINE))
    if absent := [option for option in OPTIONS if option not in chosen]:
        return Finding("kernel options", "limited", f"without {' '.join(absent)}", affects)
    return Finding("kernel options", "ok", f"all {len(OPTIONS)} that containers use are switched on", affects)


def _config() -> str | None:
    with suppress(OSError):
        return gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    with suppress(OSError):
        return Path(f"/boot/config-{os.uname().release}").read_text()
    return None


def _unprivileged() -> Finding:
    """Become an ordinary user and make a user namespace, as rootless containers do."""
    affects = "user namespaces of ordinary users (rootless containers)"
    become = [ops.Become(NOBODY, NOBODY)] if os.geteuid() == 0 else []
    plan = Plan([ops.Clone(), *become, ops.Call(unshare.step(CloneFlag.NEWUSER))])
    found = attempt("unprivileged use", plan, affects=affects, works="an ordinary user made a user namespace")
    if found.state == "missing" and (block := userns_block(ordinary_user=True)):
        return found.replace(detail=block.cause, cure=block.cure)
    return found


def _root_mount() -> Finding:
    affects = "whether a mount made in a container would appear on the host: every plan makes its own tree private first"
    if in_chroot():
        return Finding(
            "root mount", "missing", "/ is no mount point: this is a chroot, which pivot_root and user namespaces refuse",
            affects, "enter this system by pivot_root, systemd-nspawn or unshare, not by chroot", essential=True,
        )  # fmt: skip
    fields = next(fields for fields in reversed(mountinfo()) if fields[4] == "/")
    shared = any(field.startswith("shared:") for field in fields[6 : fields.index("-")])
    return Finding("root mount", "ok", "shared, as systemd makes it" if shared else "private", affects)


def _pivot() -> Finding:
    with_scratch = [ops.Clone(CloneFlag.NEWNS), PRIVATE, ops.Mount("tmpfs", "/tmp", "tmpfs"), ops.Chdir("/tmp")]
    plan = Plan([*with_scratch, ops.PivotRoot(".", "."), ops.Unmount(".", UnmountFlag.DETACH)])
    return attempt("pivot_root", plan, affects="turning into a new root", works="turned one", essential=True)


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
    return attempt("overlayfs", plan, affects="images made of layers", works="mounted one", essential=True)


def _cgroups() -> Finding:
    affects = "limits on memory, processes and CPU"
    mounts = [(fields[4], fields[fields.index("-") + 1]) for fields in mountinfo() if "-" in fields]
    v2 = [point for point, kind in mounts if kind == "cgroup2"]
    v1 = [point for point, kind in mounts if kind == "cgroup"]
    if not v1 and not v2:
        return Finding("cgroups", "missing", "mounted nowhere", affects, "mount -t cgroup2 none /sys/fs/cgroup")
    version = "hybrid (v1 with a v2 tree beside it)" if v1 and v2 else "v1" if v1 else "v2"
    controllers = (
        sorted({Path(point).name for point in v1} - {"systemd"}) or (_read(Path(v2[0]) / "cgroup.controllers")).split()
    )
    detail = f"{version}: {' '.join(controllers)}"
    place = Path(next((point for point in v1 if point.endswith("pids")), (v2 or v1)[0])) / f"labcore-doctor-{os.getpid()}"
    try:
        place.mkdir()
        place.rmdir()
    except OSError as error:
        return Finding("cgroups", "limited", f"{detail}; making one: {error.strerror}", affects, "run as root")
    return Finding("cgroups", "ok", f"{detail}; made one", affects)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _seccomp() -> Finding:
    allow_everything = struct.pack("=HBBI", 0x06, 0, 0, SECCOMP_RET_ALLOW)  # one BPF instruction: return ALLOW
    load = ops.Call(seccomp.step(SeccompMode.FILTER, 0, allow_everything))
    plan = Plan([ops.Clone(), ops.NoNewPrivileges(), load])
    return attempt("seccomp", plan, affects="filtering system calls", works="loaded a filter")


def _capabilities() -> Finding:
    affects = "what root may do here"
    missing = [capability.name for capability in Capability if capability not in capget()["effective"]]
    if "SYS_ADMIN" in missing:
        cure = "run as root" if os.geteuid() else "this root is itself confined: run outside of that container"
        return Finding("capabilities", "missing", f"without {' '.join(missing)}", affects, cure, essential=True)
    if missing:
        return Finding("capabilities", "limited", f"all but {' '.join(missing)}", affects, "limits can be lowered, not raised")
    return Finding("capabilities", "ok", "all", affects)
