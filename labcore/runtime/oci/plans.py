"""The plans of OCI containers: the usual stages, with a gate at which a created container waits for `start`."""

import errno
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import Process, Resolve, UnmountFlag
from labcore.native.spawn import PRESERVED_DESCRIPTOR
from labcore.runtime import Plan, mounting, ops
from labcore.runtime.oci.config import Bundle
from labcore.runtime.oci.hooks import enter_root, joined_namespaces
from labcore.runtime.ops import Op
from labcore.runtime.stages import BEHIND_SYNC, STAGES, Stage, become_root_of, before_joining
from labcore.runtime.terminal import OpenTerminal, TerminalTaken, console_device
from labcore.spec import DEFAULT_PATH, ContainerSpec, MountPoint

Action = Callable[[Process], None]
GATE_REGISTER: Final = 63
MOST_PASSWD: Final = 1 << 20


def creation_plan(
    bundle: Bundle,
    *,
    gate: Path,
    prepare: Action,
    run_hooks: Action | None,
    take_terminal: Action,
    created: Action,
    preserved: int = 0,
    stages: Mapping[str, Stage] | None = None,
) -> Plan:
    """Return the plan of a container that is created, and waits at its gate.

    The starter's part: `prepare` when the namespaces are there and nothing is mounted yet (id maps, hooks); `run_hooks`, if it
    is given, when all is mounted, below the root's directory; `take_terminal`; `created` when all is done but becoming the
    program.
    """
    spec = bundle.spec
    by_name = {**STAGES, **(stages or {})}
    made = {name: list(stage(spec)) for name, stage in by_name.items() if name not in ("streams", "terminal", "users")}
    _check_room(made["rootfs"], preserved)
    before = [op for op in made["namespaces"] if op.before_clone]
    process = [op for op in made["namespaces"] if not op.before_clone]
    persona: list[Op] = [ops.Personality(bundle.personality)] if bundle.personality is not None else []
    return Plan(
        [
            *made["limits"],
            *before,
            *process,
            ops.CloseDescriptors(BEHIND_SYNC, preserved),
            ops.OpenExecFifo(str(gate), GATE_REGISTER),
            ops.Sync("id maps, hooks", prepare),
            *become_root_of(spec),
            ops.JoinSessionKeyring(),
            *made["hostname"],
            *made["sysctls"],
            *_root(bundle, made, run_hooks),
            *made["network"],
            *made["workdir"],
            *_terminal(spec, take_terminal),
            *made["protection"],
            *made["rlimits"],
            *persona,
            *made["confine"],
            *made["exec"][:-1],
            ops.Sync("ready", created),
            ops.WaitForStart(GATE_REGISTER),
            *_handed_on(preserved),
            *_aloud(made["exec"][-1:]),
        ]
    )


def _check_room(receiving: Sequence[Op], preserved: int) -> None:
    """Raise InvalidInput if what is handed over would be counted into the descriptors that the program is to find open."""
    room = PRESERVED_DESCRIPTOR - BEHIND_SYNC
    count = sum(op.count for op in receiving if isinstance(op, ops.Receive))
    if preserved and count > room:
        raise InvalidInput(f"--preserve-fds: with a user namespace at most {room} bind mounts, these are {count}")


def _aloud(become_program: Sequence[Op]) -> list[Op]:
    """Behind the gate nobody hears of a failure but the reader of the container's standard error."""
    return [op.replace(aloud=True) if isinstance(op, ops.Execve) else op for op in become_program]


def with_directory_modes(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with each tmpfs as open as the directory that it covers, unless it says how open it is to be."""
    if not any(_covers(mount) for mount in spec.mounts):
        return spec
    from labcore.runtime.copy_up import mode_of

    def opened(mount: MountPoint) -> MountPoint:
        mode = mode_of(spec.root.directory, mount.target) if _covers(mount) else None
        return mount if mode is None else mount.replace(options=(*mount.options, f"mode={mode:o}"))

    return spec.replace(mounts=tuple(map(opened, spec.mounts)))


def _covers(mount: MountPoint) -> bool:
    if mount.kind != "tmpfs" or mount.target == "/dev" or mount.target.startswith(("/dev/", "/sys/", "/proc/")):
        return False
    return not any(word.startswith("mode=") for word in mount.options)


def _copied_up(spec: ContainerSpec) -> list[Op]:
    """Return the ops that fill those tmpfs that are to begin with what they cover."""
    copying = [mount.target for mount in spec.mounts if mounting.COPY_UP in mount.options and mount.kind == "tmpfs"]
    if not copying:
        return []
    from labcore.runtime.copy_up import copy_up, mode_of

    root = spec.root.directory
    wanted = [target for target in copying if mode_of(root, target) is not None]

    def fill(process: Process) -> None:
        for target in wanted:
            copy_up(process, root, target)

    return [ops.Sync(f"fills {' '.join(wanted)}", fill)]


def _handed_on(preserved: int) -> list[Op]:
    return [ops.PreserveFds(preserved)] if preserved else []


def confinement(spec: ContainerSpec) -> list[Op]:
    """Return what confines any process in the container that runs something of the container's own."""
    return [*become_root_of(spec), *STAGES["confine"](spec)]


def _root(bundle: Bundle, made: dict[str, list[Op]], run_hooks: Action | None) -> list[Op]:
    devices = [*made["devices"], *_core()] if bundle.creates_devices else []
    mounted = [*made["rootfs"], *made["mounts"], *_copied_up(bundle.spec), *devices]
    return mounted if run_hooks is None else _turned_back(mounted, bundle.spec.root.directory, run_hooks)


HOST_REGISTER: Final = 59


def _turned_back(mounted: list[Op], directory: str, run_hooks: Action) -> list[Op]:
    """Return the ops that mount everything, with those around them that have hooks run as if the root had not been turned yet.

    createContainer hooks find the container's mounts below its root's directory, and all else where the runtime has it
    (config.md). So a copy of the host's tree is kept in hand, made the root again, and left as it was left before.
    """
    cut, *others = mounted
    return [
        cut,
        ops.OpenTree("/", HOST_REGISTER, recursive=True),
        *others,
        ops.PivotBack(HOST_REGISTER, directory),
        ops.Sync("createContainer hooks", run_hooks),
        ops.Chdir(directory),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
    ]


def _core() -> list[Op]:
    """Return the op that links /dev/core, as runc does where the kernel, which is the container's too, shows its memory."""
    return [ops.MakeLinks((("/dev/core", "/proc/kcore"),))] if Path("/proc/kcore").exists() else []


def _terminal(spec: ContainerSpec, take: Action, console: bool = True) -> list[Op]:
    if not spec.terminal:
        return []
    opened = [OpenTerminal(spec.user.uid), ops.Sync("takes the terminal", take), TerminalTaken()]
    return [*opened, *(console_device() if console else [])]


def exec_plan(
    spec: ContainerSpec,
    pid: int,
    *,
    take_terminal: Action,
    ready: Action,
    affinities: tuple[tuple[int, ...], tuple[int, ...]] = ((), ()),
    preserved: int = 0,
    stages: Mapping[str, Stage] | None = None,
) -> Plan:
    """Return the plan of a further process in the container whose process is `pid`: it joins all of its namespaces."""
    by_name = {**STAGES, **(stages or {})}
    made = {name: list(by_name[name](spec)) for name in ("limits", "rlimits", "confine", "exec")}
    joins = joined_namespaces(pid)
    initial, final = affinities
    return Plan(
        [
            *([ops.SetAffinityBefore(initial)] if initial else []),
            *made["limits"],
            *before_joining(spec),
            *([ops.JoinNamespaces(joins)] if joins else []),
            ops.Clone(),
            ops.NewSession(),
            ops.Umask(0),
            ops.CloseDescriptors(BEHIND_SYNC, preserved),
            *enter_root(pid),
            *become_root_of(spec),
            ops.JoinSessionKeyring(),
            *_terminal(spec, take_terminal, console=False),
            *([ops.SetAffinity(final)] if final else []),
            *made["rlimits"],
            ops.Sync("ready", ready),
            *_handed_on(preserved),
            *made["confine"],
            *made["exec"],
        ]
    )


def with_home(spec: ContainerSpec, root_directory: str) -> ContainerSpec:
    """Return the spec with HOME in its environment, as the root's own passwd(5) says for the user; else `/`.

    An empty one counts as none, as with runc.
    """
    if any(variable.startswith("HOME=") for variable in ops.last_of_each(spec.environment) if variable != "HOME="):
        return spec
    home = _home_of(spec.user.uid, root_directory) or "/"
    return spec.replace(environment=(*spec.environment, f"HOME={home}"))


def _home_of(uid: int, root_directory: str) -> str | None:
    """Look a user's home up; nothing outside of the root is followed or read, and no more than MOST_PASSWD bytes."""
    root = os.open(root_directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(native.openat2(root, "etc/passwd", flags, resolve=Resolve.IN_ROOT), "rb") as file:
            lines = file.read(MOST_PASSWD).decode(errors="replace").splitlines()
    except OSError:
        return None
    finally:
        os.close(root)
    fields = (line.split(":") for line in lines)
    return next((entry[5] for entry in fields if len(entry) > 5 and entry[2] == str(uid)), None)


def check_program(spec: ContainerSpec, pid: int) -> None:
    """Look for the program in the container's root before it is started. Raises InvalidInput if it cannot be executed."""
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    seen: set[int] = set()
    try:
        for candidate in ops.search_path(spec.argv[0], spec.environment, DEFAULT_PATH):
            path = candidate if candidate.startswith("/") else f"{spec.workdir}/{candidate}"
            seen.add(_try(root, path))
            if 0 in seen:
                return
    finally:
        os.close(root)
    if errno.EACCES in seen:
        raise InvalidInput(f"process.args[0]: {spec.argv[0]}: permission denied: it is not executable")
    where = "" if "/" in spec.argv[0] else " in $PATH"
    raise InvalidInput(f"process.args[0]: exec: {spec.argv[0]!r}: executable file not found{where}: no such file or directory")


def _try(root: int, path: str) -> int:
    """Return 0 if there is an executable file, or the errno that stands against it."""
    try:
        fd = native.openat2(root, path, os.O_PATH | os.O_CLOEXEC, resolve=Resolve.IN_ROOT)
    except OSError as error:
        return error.errno or errno.ENOENT
    try:
        mode = os.fstat(fd).st_mode
    finally:
        os.close(fd)
    return 0 if mode & 0o111 and not stat.S_ISDIR(mode) else errno.EACCES
