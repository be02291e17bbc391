"""Solutions of lesson 2: limits, capabilities and id maps, and a `run` with both."""

# ruff: noqa: F403, F405
# mypy: ignore-errors

from labcore.lab.vocabulary import *


def limits(spec):
    """Return the op that has the process born in a cgroup limited to `spec.resources`."""
    if spec.resources == Resources():
        return []
    group = lab.cgroup(spec.hostname)
    if spec.resources.memory is not None:
        Path(group["memory"], MEMORY_MAX).write_text(str(spec.resources.memory))
    if spec.resources.pids is not None:
        Path(group["pids"], "pids.max").write_text(str(spec.resources.pids))
    return [ops.JoinCgroup((group["memory"], group["pids"]))]


def confine(spec):
    """Return the ops, after those of `rootfs`, that take away what the program is not to have."""
    keep = tuple(Capability[name] for name in spec.capabilities.effective)
    rights = [ops.BoundCapabilities(keep), ops.SetCapabilities(keep, keep)]

    def map_ids(process):
        for name in ("uid_map", "gid_map"):
            table = "".join(f"{ids.inside} {ids.outside} {ids.size}\n" for ids in getattr(spec, name))
            Path(f"/proc/{process.pid}/{name}").write_text(table)

    leave = ops.Call(native.unshare.step(CloneFlag.NEWUSER))
    users = [leave, ops.Sync("maps ids", map_ids), ops.SetUser(0, 0)] if spec.uid_map else []
    return [ops.ReadonlyPaths(spec.readonly_paths), *users, lab.seccomp(), *rights]


def run(root, argv, name="box", **more):
    """Start `argv` in a container on a directory, limited and confined; return its exit code."""
    spec = ContainerSpec(root=BindRoot(root), argv=tuple(argv), hostname=name, **more)
    tried = ops.search_path(argv[0], spec.environment, DEFAULT_PATH)
    program = ops.Execve(spec.argv, spec.environment, tried)
    before, after = [*limits(spec), *namespaces(spec), *hostname(spec)], [*confine(spec), program]
    return show(Plan([*before, *rootfs(spec), *after])).returncode
