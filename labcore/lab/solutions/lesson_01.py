"""Solutions of lesson 1: host name, namespaces, root, and `run`, which starts a container."""

# ruff: noqa: ARG001, F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def hostname(spec):
    """Return the ops that name the box `spec.hostname`."""
    return [ops.SetHostname(spec.hostname)]


def namespaces(spec):
    """Return the op that makes the process, with all of `spec.namespaces`."""
    flags = CloneFlag(0)
    for kind in spec.namespaces:
        flags |= NAMESPACE_FLAGS[kind]
    return [ops.Clone(flags)]


def rootfs(spec):
    """Return the ops that make `spec.root.directory` the root, with /proc."""
    root = spec.root.directory
    return [
        ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE),
        ops.Mount(root, root, flags=MountFlag.BIND | MountFlag.REC),
        ops.Chdir(root),
        ops.PivotRoot(".", "."),
        ops.Unmount(".", UnmountFlag.DETACH),
        ops.Chdir("/"),
        ops.Mount("proc", "/proc", "proc"),
    ]


def run(root, argv, name="box"):
    """Start `argv` in a container on a directory; return its exit code."""
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name)
    tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)
    program = ops.Execve(spec.argv, spec.environment, tried)
    return show(Plan([*namespaces(spec), *hostname(spec), *rootfs(spec), program])).returncode


def outside_pid(container, inside):
    """Return the number of process `inside` out here; `container` is process 1's."""
    family = [container]
    for pid in family:
        family += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        status = Path(f"/proc/{pid}/status").read_text()
        numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
        if int(numbers[-1]) == inside:
            return pid
    return None


def read_only(spec):
    """Return the ops, after those of `rootfs`, that leave only /tmp to be written to."""
    remount = MountFlag.BIND | MountFlag.REMOUNT | MountFlag.RDONLY
    return [
        ops.Mount("none", "/", flags=remount),
        ops.Mount("tmpfs", "/tmp", "tmpfs", MountFlag.NOSUID | MountFlag.NODEV),
    ]
