"""From a spec to a plan: each stage is a function `stage(spec) -> list[Op]`, and each can be replaced."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from labcore.errors import InvalidInput
from labcore.native import SYNC_DESCRIPTOR, Capability, CloneFlag, MountAttribute, MountFlag, Process, UnmountFlag
from labcore.runtime import mounting, ops
from labcore.runtime.ops import Op
from labcore.runtime.plan import Plan
from labcore.runtime.probe import kernel_version
from labcore.runtime.userns import Tree, copied_trees, groups_are_fixed
from labcore.spec import (
    DEFAULT_PATH,
    BindRoot,
    CapabilitySets,
    ContainerSpec,
    Device,
    MountPoint,
    OverlayRoot,
    SeccompProfile,
)

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
    "time": CloneFlag.NEWTIME,
}
JOINED_FIRST = ("user",)  # its rights are needed in the others
JOINED_LAST = ("mount",)


def limits(spec: ContainerSpec) -> list[Op]:
    """Have the process born in the cgroups that were made for it: what it may use is set there, whatever it does later."""
    return [ops.JoinCgroup(spec.cgroups)] if spec.cgroups else []


def namespaces(spec: ContainerSpec) -> list[Op]:
    """Make the process with namespaces of its own, in a session of its own; those of others are joined before."""
    flags = CloneFlag(0)
    for kind in spec.namespaces:
        flags |= NAMESPACE_FLAGS[kind]
    clocks: list[Op] = []
    if spec.time_offsets:
        flags &= ~CloneFlag.NEWTIME
        clocks = [ops.SetTimeOffsets(spec.time_offsets)]
    plan: list[Op] = [*before_joining(spec), *clocks, *_joined(spec), ops.Clone(flags), ops.NewSession(), ops.Umask(0)]
    return [*plan, ops.DieWithParent()] if spec.dies_with_parent else plan


def before_joining(spec: ContainerSpec) -> list[Op]:
    """Return the ops that write to the machine's own /proc, for in what is joined another could lie in its place.

    AppArmor's profile for the program, and how soon the OOM killer thinks of it.
    """
    profile: list[Op] = [ops.ApplyApparmorProfile(spec.apparmor)] if spec.apparmor else []
    return [*profile, *([ops.AdjustOomScore(spec.oom_score_adj)] if spec.oom_score_adj is not None else [])]


def _joined(spec: ContainerSpec) -> list[Op]:
    def order(join: tuple[str, str]) -> int:
        return -1 if join[0] in JOINED_FIRST else int(join[0] in JOINED_LAST)

    joins = tuple((NAMESPACE_FLAGS[kind], path) for kind, path in sorted(spec.joins, key=order))
    return [ops.JoinNamespaces(joins)] if joins else []


def hostname(spec: ContainerSpec) -> list[Op]:
    """Name the host; without a UTS namespace it would be the host's own name that changed."""
    if "uts" not in spec.namespaces or spec.hostname is None:
        return []
    domain = [ops.SetDomainname(spec.domainname)] if spec.domainname else []
    return [ops.SetHostname(spec.hostname), *domain]


def rootfs(spec: ContainerSpec) -> list[Op]:
    """Cut the mount tree off from the host's, put the new root together, and turn into it."""
    # As a slave the tree is cut off in one direction only: what the host mounts below the root's directory still arrives.
    cut = MountFlag.SLAVE if spec.propagation in ("slave", "rslave") else MountFlag.PRIVATE
    private = ops.Mount("none", "/", None, MountFlag.REC | cut)
    wanted = _to_give(spec)
    given = [ops.Receive("copies mounts", lambda process: copied_trees(process, wanted), len(wanted))] if wanted else []
    new_user, hands_over = _in_user_namespace(spec), _hands_over(spec)
    take = mounting.take_in_hand(spec.mounts, spec.root.directory, new_user=new_user, apart=hands_over)
    build = _overlay(spec.root, spec) if isinstance(spec.root, OverlayRoot) else _bind(spec.root, cut)
    # Both paths "." stack the old root on the new one, where the next line unmounts it: no directory is needed for it. Until
    # then `/..` leads into it, and so would an image's link to that.
    turn = [ops.PivotRoot(".", "."), ops.Unmount(".", UnmountFlag.DETACH), ops.Chdir("/")]
    return [*([] if _has_mounts(spec) else [ops.UnshareMountNamespace()]), private, *given, *take, *build, *turn]


def _has_mounts(spec: ContainerSpec) -> bool:
    """Return whether the container has a mount namespace that is not the starter's."""
    return "mount" in {*spec.namespaces, *(kind for kind, _ in spec.joins)}


def _in_user_namespace(spec: ContainerSpec) -> bool:
    return spec.rootless or "user" in spec.namespaces or _is_apart(spec)


def _is_apart(spec: ContainerSpec) -> bool:
    """Return whether the container's root is another one than the starter: of a user namespace of its own, or a joined one."""
    return bool(spec.uid_map) or any(kind == "user" for kind, _ in spec.joins)


def _hands_over(spec: ContainerSpec) -> bool:
    """Return whether the starter copies the host's mounts for the container's root: that takes rights over its own mounts."""
    return _is_apart(spec) and os.geteuid() == 0


SCRATCH = "/tmp"  # of the starter, in this mount namespace only: the store's own is closed to the container's root


def _to_give(spec: ContainerSpec) -> list[Tree]:
    """Return the parts of the host's tree that the starter hands over: layers, then volumes."""
    if not _hands_over(spec):
        return []
    volumes = (mount for mount in spec.mounts if mounting.is_given(mount, apart=True))
    options = [(mount.source, mounting.parse_options(mount.options), mounting.MAPPED in mount.options) for mount in volumes]
    layers = [(path, mounting.Options(), True) for path in _layers_to_map(spec)]
    return [Tree(*each) for each in (*layers, *options)]


def _layers_to_map(spec: ContainerSpec) -> list[str]:
    root = spec.root
    if not isinstance(root, OverlayRoot) or not spec.uid_map:
        return []
    return [f"{root.directory}/{layer}" for layer in (*root.layers, root.writable) if layer]


def _overlay(root: OverlayRoot, spec: ContainerSpec) -> list[Op]:
    # Relative names keep the option string short (it must fit one page) and free of characters that overlayfs gives a meaning.
    in_userns = spec.rootless or bool(spec.uid_map)  # what marks deleted files is written where its root may: overlayfs.rst
    if root.writable and in_userns and not root.user_attributes:
        raise InvalidInput(
            f"{root.writable}: root's own container made it, and one in a user namespace cannot read what was deleted there"
        )
    layers, writable, target = list(root.layers), root.writable, root.scratch
    plan: list[Op] = [ops.Chdir(root.directory)]
    if spec.uid_map:
        plan, layers, writable, target = _received(root)
    elif not writable:
        plan.append(ops.Mount("tmpfs", root.scratch, "tmpfs", MountFlag.NODEV, "mode=700"))
    if not writable:
        writable = "." if spec.uid_map else root.scratch
        target = f"{writable}/root"
        plan.append(ops.MakeDirectories((f"{writable}/upper", f"{writable}/work", target)))
        if root.top:
            plan.append(ops.SetDirectoryMetadata(f"{writable}/upper", root.top.mode, root.top.uid, root.top.gid, root.top.time))
    options = root.options(writable, user_attributes=root.user_attributes or in_userns)
    return [*plan, *_stack(layers, options, target), ops.Chdir(target)]


def _received(root: OverlayRoot) -> tuple[list[Op], list[str], str, str]:
    """Attach on a new tmpfs what the starter has handed over; return also where layers, writable layer and root are then."""
    layers = [f"lower{number}" for number in range(len(root.layers))]
    writable = "kept" if root.writable else ""
    places = [*layers, writable] if writable else layers
    plan: list[Op] = [
        ops.Mount("tmpfs", SCRATCH, "tmpfs", MountFlag.NODEV, "mode=700"),
        ops.Chdir(SCRATCH),
        ops.MakeDirectories((*places, "root") if writable else tuple(places)),
        *(ops.MoveReceivedMount(BEHIND_SYNC + number, name) for number, name in enumerate(places)),
    ]
    return plan, layers, writable, "root"


PAGE: Final = 4096  # of which mount(2) takes one for all options
LAYERS_ONE_BY_ONE: Final = (6, 5)  # from this kernel on
OVERLAY_REGISTER: Final = 61  # above those of what is taken in hand


def _stack(layers: list[str], options: tuple[str, ...], target: str) -> list[Op]:
    """Mount the layers as one tree: by mount(2), or where their names do not fit the page that it takes, one by one."""
    data = ",".join([f"lowerdir={':'.join(layers)}", *options])
    if len(data) < PAGE:
        return [ops.Mount("overlay", target, "overlay", MountFlag.NODEV, data)]
    if kernel_version() < LAYERS_ONE_BY_ONE:
        raise InvalidInput(f"{len(layers)} layers are more than this kernel stacks by mount(2): use Linux 6.5, or fewer layers")
    each = tuple(f"lowerdir+={layer}" for layer in layers)
    return [
        ops.FsMount("overlay", OVERLAY_REGISTER, (*each, *options)),
        ops.MoveMount(OVERLAY_REGISTER, target, MountAttribute.NODEV),
    ]


def _bind(root: BindRoot, cut: MountFlag) -> list[Op]:
    # As a slave it would be covered by what the host mounts on the same directory later.
    alone = [ops.Mount("none", root.directory, None, MountFlag.PRIVATE)] if cut == MountFlag.SLAVE else []
    return [
        ops.Mount(root.directory, root.directory, None, MountFlag.BIND | MountFlag.REC),
        *alone,
        *([] if root.devices else [ops.SetMountAttributes(root.directory, MountAttribute.NODEV)]),
        ops.Chdir(root.directory),
    ]


BEHIND_SYNC = SYNC_DESCRIPTOR + 1  # what a plan with a `sync` needs of its carrier lies below: see csrc/monitor.h


def descriptors(spec: ContainerSpec) -> list[Op]:
    """Let go of everything that the starter has open, before anything else is opened, or a path followed that is not ours."""
    synced = spec.terminal or _is_apart(spec) or spec.user.uid  # through a descriptor that stays open
    return [ops.CloseDescriptors(BEHIND_SYNC) if synced else ops.CloseDescriptors()]


def users(spec: ContainerSpec) -> list[Op]:
    """Have the user namespace's numbers mapped, and become its root: until then this process is nobody there."""
    if not spec.uid_map:
        return []
    from labcore.runtime.userns import write_id_maps

    def map_ids(process: Process) -> None:
        write_id_maps(process.pid, spec.uid_map, spec.gid_map)

    return [ops.Sync("maps ids", map_ids), *become_root_of(spec)]


def become_root_of(spec: ContainerSpec) -> list[Op]:
    """Return the op that makes this process root of its user namespace: until then it is nobody there, and root out here."""
    return [ops.SetUser(0, 0, None if groups_are_fixed(spec) else ())] if _is_apart(spec) else []


def sysctls(spec: ContainerSpec) -> list[Op]:
    """Set kernel parameters of the container's namespaces, while nothing of the container's is mounted yet."""
    if not spec.sysctls:
        return []
    joined = {kind for kind, _ in spec.joins}
    # A procfs shows a PID namespace, and it takes rights over that to make one: root of a user namespace has none over others.
    private = "pid" in {*spec.namespaces, *joined} or not (spec.rootless or "user" in {*spec.namespaces, *joined})
    if "mount" in joined and not private:
        raise InvalidInput("sysctls: with a user namespace and somebody else's mounts they take a new pid namespace too")
    return [ops.SetSysctls(tuple((sysctl_path(name), value) for name, value in spec.sysctls), private)]


def sysctl_path(name: str) -> str:
    """Return a kernel parameter's path below /proc/sys: of `.` and `/` the first that occurs separates, sysctl.d(5).

    Raises InvalidInput for a name that would lead elsewhere.
    """
    swapped = str.maketrans("./", "/.")
    path = name.translate(swapped) if name.partition("/")[0].count(".") else name
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidInput(f"sysctls: {name!r} is no kernel parameter: see sysctl -a")
    return path


@lru_cache(maxsize=64)
def _mounts(mounts: tuple[MountPoint, ...], new_user: bool, apart: bool, received: int) -> list[Op]:
    mounting.check_mounts(mounts)
    return mounting.mount_all(mounts, new_user=new_user, apart=apart, received=received)


def mounts(spec: ContainerSpec) -> list[Op]:
    """Mount what programs expect to find: /proc, /sys, and a /dev to be filled; and what the spec adds."""
    placed = mounting.with_resolved_targets(spec.mounts, spec.root)
    received = BEHIND_SYNC + len(_layers_to_map(spec))
    return _mounts(placed, _in_user_namespace(spec), _hands_over(spec), received)


DEVICE_LINKS = (
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
)
KINDS = {"c": 0o020000, "u": 0o020000, "b": 0o060000, "p": 0o010000}


@lru_cache(maxsize=64)
def _fill_dev(devices: tuple[Device, ...]) -> list[Op]:
    plain = [d for d in devices if (d.kind, d.mode, d.uid, d.gid) == ("c", 0o666, 0, 0) and Path(d.path).parent == Path("/dev")]
    others: list[Op] = []
    for device in devices:
        if device not in plain:
            number = os.makedev(device.major, device.minor)
            others += mounting.make_place(str(Path(device.path).parent), directory=True)
            others.append(ops.MakeNode(device.path, KINDS[device.kind] | device.mode, number, device.uid, device.gid))
    together = ops.MakeDevices(tuple((d.path, d.major, d.minor) for d in plain))
    return [*([together] if plain else []), *others, ops.MakeLinks(DEVICE_LINKS)]


def devices(spec: ContainerSpec) -> list[Op]:
    """Fill /dev: the devices that are not hardware, and those that the spec adds."""
    return _fill_dev(spec.devices)


def network(spec: ContainerSpec) -> list[Op]:
    """Switch on the loopback interface: a new network namespace has one, and it is down."""
    return [ops.LinkUp("lo")] if "network" in spec.namespaces else []


@cache
def _protection(masked: tuple[str, ...], readonly: tuple[str, ...]) -> list[Op]:
    kernels = [path for path in masked if path.startswith(("/proc/", "/sys/"))]  # the container's kernel is ours
    files = tuple(path for path in masked if path not in kernels or not Path(path).is_dir())
    directories = tuple(path for path in masked if path not in kernels or Path(path).is_dir())
    return [*([ops.MaskPaths(files, directories)] if masked else []), *([ops.ReadonlyPaths(readonly)] if readonly else [])]


def protection(spec: ContainerSpec) -> list[Op]:
    """Cover and write-protect what in /proc and /sys belongs to the whole machine, and the root if it is to be read only."""
    read_only = isinstance(spec.root, BindRoot) and spec.root.read_only
    # Added to what holds already: a remount would set all flags anew, and lose those that are not named again.
    root: list[Op] = [ops.SetMountAttributes("/", MountAttribute.RDONLY, recursive=False)] if read_only else []
    protected = [*_protection(spec.masked_paths, spec.readonly_paths), *root, *_propagation(spec)]
    return protected if _has_mounts(spec) else [*protected, ops.RejoinMountNamespace()]


def _propagation(spec: ContainerSpec) -> list[Op]:
    if spec.propagation in ("private", "rprivate", "slave", "rslave"):  # so it has been since the tree was cut off
        return []
    return [ops.Mount("none", "/", None, mounting.PROPAGATION[spec.propagation])]


def rlimits(spec: ContainerSpec) -> list[Op]:
    """Set resource limits, and how and with whose memory this process runs."""
    plan: list[Op] = []
    if spec.rlimits:
        plan.append(ops.SetRlimits(_numbered(spec)))
    if spec.scheduler:
        plan.append(ops.SetScheduler(spec.scheduler))
    if spec.io_priority:
        plan.append(ops.SetIoPriority(spec.io_priority))
    if spec.memory_policy:
        plan.append(ops.SetMemoryPolicy(spec.memory_policy))
    return plan


def _numbered(spec: ContainerSpec) -> tuple[tuple[str, int, int, int], ...]:
    import resource

    found = []
    for limit in spec.rlimits:
        number = getattr(resource, f"RLIMIT_{limit.name}", None)
        if number is None:
            raise InvalidInput(f"limits: no such limit: {limit.name}: see setrlimit(2)")
        found.append((limit.name, number, limit.soft, limit.hard))
    return tuple(found)


@cache
def _capabilities(names: tuple[str, ...]) -> tuple[Capability, ...]:
    try:
        return tuple(Capability[name] for name in names)
    except KeyError as error:
        raise InvalidInput(f"capabilities: no such capability: {error.args[0]}: see capabilities(7)") from None


@cache
def _bounded(sets: CapabilitySets) -> list[Op]:
    return [ops.BoundCapabilities(_capabilities(sets.bounding))]


@cache
def _kept(sets: CapabilitySets) -> list[Op]:
    kept = (sets.effective, sets.permitted, sets.inheritable, sets.ambient)
    return [ops.SetCapabilities(*(_capabilities(names) for names in kept))]


# What SECCOMP_SET_MODE_FILTER may be told besides: seccomp(2), linux/seccomp.h.
FILTER_FLAGS = {"SECCOMP_FILTER_FLAG_TSYNC": 1, "SECCOMP_FILTER_FLAG_LOG": 2, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4}


@lru_cache(maxsize=16)
def _filter(profile: SeccompProfile | None, kept_in: str | None) -> list[Op]:
    if profile is None:
        return []
    from labcore.runtime.seccomp import compiled

    flags = sum(FILTER_FLAGS[name] for name in profile.flags)
    return [ops.LoadFilter(compiled(profile, Path(kept_in) if kept_in else None), flags)]


def confine(spec: ContainerSpec) -> list[Op]:
    """Become the user, and give up the parts of root's power that the spec does not name.

    The filter: without no_new_privs it takes CAP_SYS_ADMIN to load one, so it comes before capabilities are given up; with it,
    last, and then it need not allow what happens here.
    """
    user = spec.user
    changes = user.uid != 0 or user.gid != 0 or bool(user.groups)
    groups = None if not user.groups and groups_are_fixed(spec) else user.groups
    become: list[Op] = [ops.KeepCapabilities(), ops.SetUser(user.uid, user.gid, groups)] if changes else []
    if changes and spec.dies_with_parent:
        become.append(ops.DieWithParent())  # a change of user has unset it
    filtering = _filter(spec.seccomp, spec.filters_kept_in)
    early, late = ([], filtering) if spec.no_new_privileges else (filtering, [])
    no_new: list[Op] = [ops.NoNewPrivileges()] if spec.no_new_privileges else []
    return [*_bounded(spec.capabilities), *no_new, *early, *_entered(spec), *become, *_kept(spec.capabilities), *late]


def _entered(spec: ContainerSpec) -> list[Op]:
    """Enter the working directory while there is still the right to: the user's own may not suffice, nor may root's."""
    return [ops.TryChdir(spec.workdir)] if spec.workdir != "/" or spec.user.uid else []


def program(spec: ContainerSpec) -> list[Op]:
    """Become the container's program."""
    candidates = ops.search_path(spec.argv[0], spec.environment, DEFAULT_PATH)
    become = ops.Execve(spec.argv, ops.last_of_each(spec.environment), candidates)
    return [ops.Chdir(spec.workdir, otherwise=True), ops.Umask(spec.user.umask), become]


def workdir(spec: ContainerSpec) -> list[Op]:
    """Make the directory that the program starts in, while there is still the right to."""
    path = PurePosixPath(mounting.resolved(os.path.normpath(spec.workdir), spec.root, spec.mounts))
    parents = tuple(str(directory) for directory in (*reversed(path.parents), path) if directory != PurePosixPath("/"))
    return [ops.MakeDirectories(parents)] if parents else []


def streams(spec: ContainerSpec) -> list[Op]:
    """Have the pipes that the process has for its streams given to its user, if that is not root out here."""
    if spec.terminal or not (spec.user.uid or spec.uid_map):
        return []
    from labcore.runtime.stdio import give_streams

    return [ops.Sync("gives the user the streams", lambda process: give_streams(process.pid, spec.user.uid))]


def terminal(spec: ContainerSpec) -> list[Op]:
    """Give the process a terminal, if it is to have one; the monitor that keeps the container has the other end."""
    if not spec.terminal:
        return []
    from labcore.runtime.terminal import OpenTerminal, TerminalTaken, console_device, keep

    return [OpenTerminal(spec.user.uid), ops.Sync("takes the terminal", keep), TerminalTaken(), *console_device()]


STAGES: Mapping[str, Stage] = {
    "limits": limits,
    "namespaces": namespaces,
    "hostname": hostname,
    "descriptors": descriptors,
    "users": users,
    "sysctls": sysctls,
    "rootfs": rootfs,
    "mounts": mounts,
    "devices": devices,
    "network": network,
    "workdir": workdir,
    "streams": streams,
    "terminal": terminal,
    "protection": protection,
    "rlimits": rlimits,
    "confine": confine,
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
