"""From a spec to a plan: each stage is a function `stage(spec) -> list[Op]`, and each can be replaced."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

from labcore.errors import InvalidInput
from labcore.native import Capability, CloneFlag, MountAttribute, MountFlag, UnmountFlag
from labcore.runtime import ops
from labcore.runtime.ops import Op
from labcore.runtime.plan import Plan
from labcore.spec import DEFAULT_PATH, BindRoot, ContainerSpec, OverlayRoot

# What does not depend on the spec is worked out once (@cache): a start costs the kernel two milliseconds, and Python should not
# double that.

Stage = Callable[[ContainerSpec], Sequence[Op]]

NAMESPACE_FLAGS = {
    "mount": CloneFlag.NEWNS,
    "pid": CloneFlag.NEWPID,
    "uts": CloneFlag.NEWUTS,
    "ipc": CloneFlag.NEWIPC,
    "network": CloneFlag.NEWNET,
    "cgroup": CloneFlag.NEWCGROUP,
    "user": CloneFlag.NEWUSER,
}

# Parts of /proc and /sys that are the whole machine's, not the container's: hidden, or shown but not to be written to.
HIDDEN = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
    "/sys/devices/virtual/powercap",
)  # fmt: skip
PROTECTED = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

DEVPTS_OPTIONS = "newinstance,ptmxmode=0666,mode=0620,gid=5"  # 5 is tty, on every Linux

QUIET = MountFlag.NOSUID | MountFlag.NODEV | MountFlag.NOEXEC


def namespaces(spec: ContainerSpec) -> list[Op]:
    """Make the process with namespaces of its own, in a session of its own."""
    flags = CloneFlag(0)
    for kind in spec.namespaces:
        flags |= NAMESPACE_FLAGS[kind]
    plan: list[Op] = [ops.Clone(flags), ops.NewSession(), ops.Umask(0)]
    return [*plan, ops.DieWithParent()] if spec.dies_with_parent else plan


def hostname(spec: ContainerSpec) -> list[Op]:
    """Name the host; without a UTS namespace it would be the host's own name that changed."""
    return [ops.SetHostname(spec.hostname)] if "uts" in spec.namespaces else []


def rootfs(spec: ContainerSpec) -> list[Op]:
    """Cut the mount tree off from the host's, put the new root together, and turn into it."""
    private = ops.Mount("none", "/", None, MountFlag.REC | MountFlag.PRIVATE)
    build = _overlay(spec.root) if isinstance(spec.root, OverlayRoot) else _bind(spec.root)
    # Both paths "." stack the old root on the new one, where the next line unmounts it: no directory is needed for it.
    turn = [ops.PivotRoot(".", "."), ops.Unmount(".", UnmountFlag.DETACH), ops.Chdir("/")]
    return [private, *build, *turn]


def _overlay(root: OverlayRoot) -> list[Op]:
    # Relative names keep the option string short (it must fit one page) and free of characters that overlayfs gives a meaning.
    scratch = root.scratch
    options = f"lowerdir={':'.join(root.layers)},upperdir={scratch}/upper,workdir={scratch}/work"
    return [
        ops.Chdir(root.directory),
        ops.Mount("tmpfs", scratch, "tmpfs", MountFlag.NODEV, "mode=700"),
        ops.MakeDirectories((f"{scratch}/upper", f"{scratch}/work", f"{scratch}/root")),
        ops.Mount("overlay", f"{scratch}/root", "overlay", MountFlag.NODEV, options),
        ops.Chdir(f"{scratch}/root"),
    ]


def _bind(root: BindRoot) -> list[Op]:
    attributes = MountAttribute.NODEV | (MountAttribute.RDONLY if root.read_only else MountAttribute(0))
    return [
        ops.Mount(root.directory, root.directory, None, MountFlag.BIND | MountFlag.REC),
        ops.SetMountAttributes(root.directory, attributes),
        ops.Chdir(root.directory),
    ]


def descriptors(spec: ContainerSpec) -> list[Op]:  # noqa: ARG001
    """Let go of everything that the starter has open, before paths are followed that the image or its user has named."""
    return [ops.CloseDescriptors()]


def _read_only(spec: ContainerSpec) -> bool:
    return isinstance(spec.root, BindRoot) and spec.root.read_only


@cache
def _mounts() -> list[Op]:
    return [
        ops.Mount("proc", "/proc", "proc", QUIET),
        ops.Mount("sysfs", "/sys", "sysfs", QUIET | MountFlag.RDONLY),
        ops.Mount("tmpfs", "/dev", "tmpfs", MountFlag.NOSUID | MountFlag.STRICTATIME, "mode=755,size=65536k"),
        ops.MakeDirectories(("/dev/pts", "/dev/shm", "/dev/mqueue")),
        ops.Mount("devpts", "/dev/pts", "devpts", MountFlag.NOSUID | MountFlag.NOEXEC, DEVPTS_OPTIONS),
        ops.Mount("shm", "/dev/shm", "tmpfs", QUIET, "mode=1777,size=65536k"),
        ops.Mount("mqueue", "/dev/mqueue", "mqueue", QUIET),
    ]


def mounts(spec: ContainerSpec) -> list[Op]:
    """Mount what programs expect to find: /proc, /sys, and a /dev to be filled."""
    make: list[Op] = [] if _read_only(spec) else [ops.MakeDirectories(("/proc", "/sys", "/dev"))]
    return [*make, *_mounts()]


DEVICES = (
    ("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7),
    ("/dev/random", 1, 8), ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0),
)  # fmt: skip
DEVICE_LINKS = (
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
)


@cache
def _fill_dev() -> list[Op]:
    return [ops.MakeDevices(DEVICES), ops.MakeLinks(DEVICE_LINKS)]


def devices(spec: ContainerSpec) -> list[Op]:  # noqa: ARG001
    """Fill /dev: the devices that are not hardware."""
    return _fill_dev()


def network(spec: ContainerSpec) -> list[Op]:
    """Switch on the loopback interface: a new network namespace has one, and it is down."""
    return [ops.LinkUp("lo")] if "network" in spec.namespaces else []


@cache
def _protection() -> list[Op]:
    directories = tuple(path for path in HIDDEN if Path(path).is_dir())  # the container's kernel is ours
    files = tuple(path for path in HIDDEN if path not in directories)
    return [ops.Hide(files, directories), ops.Protect(PROTECTED)]


def protection(spec: ContainerSpec) -> list[Op]:  # noqa: ARG001
    """Cover and write-protect what in /proc and /sys belongs to the whole machine."""
    return _protection()


@cache
def _keep(names: tuple[str, ...]) -> list[Op]:
    try:
        return [ops.KeepCapabilities(tuple(Capability[name] for name in names))]
    except KeyError as error:
        raise InvalidInput(f"capabilities: no such capability: {error.args[0]}: see capabilities(7)") from None


def capabilities(spec: ContainerSpec) -> list[Op]:
    """Give up the parts of root's power that the spec does not name."""
    return _keep(spec.capabilities)


def program(spec: ContainerSpec) -> list[Op]:
    """Become the container's program."""
    candidates = ops.search_path(spec.argv[0], spec.environment, DEFAULT_PATH)
    path = PurePosixPath(spec.workdir)
    parents = tuple(str(directory) for directory in (*reversed(path.parents), path) if directory != PurePosixPath("/"))
    return [
        *([ops.MakeDirectories(parents)] if parents and not _read_only(spec) else []),
        ops.Chdir(spec.workdir),
        ops.Umask(0o022),
        ops.Execve(spec.argv, spec.environment, candidates),
    ]


STAGES: Mapping[str, Stage] = {
    "namespaces": namespaces,
    "hostname": hostname,
    "rootfs": rootfs,
    "descriptors": descriptors,
    "mounts": mounts,
    "devices": devices,
    "network": network,
    "protection": protection,
    "capabilities": capabilities,
    "exec": program,
}


def make_plan(spec: ContainerSpec, stages: Mapping[str, Stage | None] | None = None) -> Plan:
    """Compile a spec: the ops of all stages, in the order of STAGES.

    `stages` replaces stages by name; None leaves one out. Raises InvalidInput for an unknown name.
    """
    if not stages:
        return _default_plan(spec)
    if unknown := set(stages) - set(STAGES):
        raise InvalidInput(f"no such stage: {', '.join(sorted(unknown))}; there are {', '.join(STAGES)}")
    chosen = [stages.get(name, stage) for name, stage in STAGES.items()]
    return Plan(op for stage in chosen if stage is not None for op in stage(spec))


@lru_cache(maxsize=64)
def _default_plan(spec: ContainerSpec) -> Plan:
    return Plan(op for stage in STAGES.values() for op in stage(spec))
