"""config.json: a bundle read into a spec, resources and hooks (config.md and config-linux.md)."""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.files import read_text
from labcore.record import Record
from labcore.runtime import mounting
from labcore.runtime.mount_flags import is_bind
from labcore.runtime.oci.linux import (
    cgroups_path,
    check_maps,
    id_range,
    is_ours,
    personality,
    propagation,
    read_devices,
    read_mount,
    read_namespaces,
    read_sysctls,
    rootfs_of,
    time_offsets,
)
from labcore.runtime.oci.node import ConfigError, Node, shortened
from labcore.runtime.oci.resources import read_resources
from labcore.runtime.oci.scheduling import (
    read_io_priority,
    read_memory_policy,
    read_numbers,
    read_scheduler,
)
from labcore.runtime.oci.seccomp import read_seccomp
from labcore.runtime.userns import fitted, with_bound_devices, with_bound_sysfs
from labcore.spec import (
    BindRoot,
    CapabilitySets,
    ContainerSpec,
    Rlimit,
    User,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from labcore.spec import MountPoint

LONGEST_TIMEOUT = (1 << 31) // 1000 - 1  # seconds, of which poll(2) takes the milliseconds
APPARMOR = "/sys/module/apparmor/parameters/enabled"
SET_NAMES = ("bounding", "effective", "permitted", "inheritable", "ambient")
# What other systems or other kernels have, and what cannot be tried on this one: refused by name, never ignored.
REFUSED = (
    ("process.selinuxLabel", "SELinux labels are not supported"),
    ("linux.mountLabel", "SELinux labels are not supported"),
    ("linux.intelRdt", "Intel RDT is not supported"),
    ("solaris", "this is Linux"),
    ("windows", "this is Linux"),
    ("vm", "virtual machines are not started here"),
)
HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


class Hook(Record):
    """A program that is run at a point of a container's life; `timeout` in seconds."""

    path: str
    args: tuple[str, ...]
    env: tuple[str, ...]
    timeout: int | None


class Bundle(Record):
    """A config.json that has been read. One that has no process can be created, and not started."""

    spec: ContainerSpec
    cgroup: str
    hooks: dict[str, tuple[Hook, ...]]
    annotations: dict[str, str]
    has_process: bool = True
    version: str = "1.0.2"


Warn: TypeAlias = "Callable[[str], None]"


def unheard(_: str) -> None:
    """Say nothing: it has been said when the container was created."""


def read_bundle(config: dict[str, Any], directory: str, warn: Warn = unheard) -> Bundle:
    """Read a config.json that lies in `directory`. Raises ConfigError, naming the JSON path.

    `warn` is told what cannot be given, where the specification wants the container to be made without it.
    """
    root = Node(config)
    _refuse(root)
    version = root["ociVersion"].required_text()
    if not _is_supported(version):
        raise root["ociVersion"].fail(f"must be 1.x.y, and is {version!r}")
    process = root["process"]
    read_affinities(process)  # for `exec`, and refused as early as all else
    mounts = tuple(read_mount(node, directory) for node in root["mounts"].items())
    try:
        spec = _isolation(root, directory, mounts, warn)
        mounting.check_mounts(spec.mounts)
    except InvalidInput as error:
        raise error if isinstance(error, ConfigError) else ConfigError(shortened(str(error))) from None
    creates = not any(m.target.rstrip("/") == "/dev" and is_bind(m) for m in mounts)
    if not creates:
        spec = spec.replace(devices=())
    elif _has_user_namespace(spec):
        spec = with_bound_devices(spec)
    if _has_user_namespace(spec):
        spec = with_bound_sysfs(spec)
    spec = fitted(spec)
    return Bundle(
        spec=spec,
        cgroup=cgroups_path(root["linux"]["cgroupsPath"]),
        hooks=read_hooks(config),
        annotations={name: node.text() for name, node in root["annotations"].members()},
        has_process=bool(process),
        version=version,
    )


def _is_supported(version: str) -> bool:
    """Return whether it is 1.x.y, as semver.org has it; what a later 1.x adds is ignored, as unknown properties are."""
    numbers = version.replace("+", "-").partition("-")[0].split(".")
    known = version.isascii() and version.translate({ord(mark): "" for mark in ".+-"}).isalnum()
    return known and len(numbers) == 3 and numbers[0] == "1" and all(number.isdecimal() for number in numbers)


def _has_user_namespace(spec: ContainerSpec) -> bool:
    return "user" in {*spec.namespaces, *(kind for kind, _ in spec.joins)}


def read_hooks(config: dict[str, Any]) -> dict[str, tuple[Hook, ...]]:
    """Read the hooks of a config.json, by kind. Raises ConfigError."""
    hooks = Node(config)["hooks"]
    return {name: tuple(_hook(node) for node in hooks[name].items()) for name in HOOKS}


def _refuse(root: Node) -> None:
    for path, problem in REFUSED:
        node = root
        for name in path.split("."):
            node = node[name]
        if node and node.value not in ("", {}, []):
            raise node.fail(problem)


def _isolation(root: Node, directory: str, mounts: tuple[MountPoint, ...], warn: Warn) -> ContainerSpec:
    linux, process = root["linux"], root["process"]
    new, joins = read_namespaces(linux["namespaces"])
    apart = {*new, *(kind for kind, path in joins if not is_ours(kind, path))}
    hostname = root["hostname"].text() or None
    for name in ("hostname", "domainname"):
        if root[name].text() and "uts" not in apart:
            raise root[name].fail("needs a uts namespace: it would rename this machine")
    for name in ("uidMappings", "gidMappings"):
        if linux[name].value and "user" not in apart:
            raise linux[name].fail("needs a user namespace: there is none to be mapped")
    check_maps(mounts, root["mounts"], apart)
    spec = ContainerSpec(
        root=BindRoot(rootfs_of(root["root"], directory), root["root"]["readonly"].flag(), devices=True),
        argv=("/",),
        hostname=hostname,
        domainname=root["domainname"].text(),
        namespaces=new,
        joins=joins,
        uid_map=tuple(map(id_range, linux["uidMappings"].items())),
        gid_map=tuple(map(id_range, linux["gidMappings"].items())),
        propagation=propagation(linux["rootfsPropagation"]),
        mounts=mounts,
        devices=tuple(read_devices(linux["devices"])),
        masked_paths=linux["maskedPaths"].texts(),
        readonly_paths=linux["readonlyPaths"].texts(),
        sysctls=tuple(read_sysctls(linux["sysctl"], apart)),
        memory_policy=read_memory_policy(linux["memoryPolicy"]),
        time_offsets=time_offsets(linux["timeOffsets"], new),
        seccomp=read_seccomp(linux["seccomp"]),
        resources=read_resources(linux["resources"]),
        session_keyring=True,
        personality=personality(linux["personality"]),
    )
    return read_process(process, spec, warn) if process else spec


def read_affinities(process: Node) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return on which processors exec's process runs until it is in the container's cgroups, and then; none: on all."""
    affinity = process["execCPUAffinity"]
    return read_numbers(affinity["initial"]), read_numbers(affinity["final"])


def read_process(process: Node, spec: ContainerSpec, warn: Warn = unheard) -> ContainerSpec:
    """Return the spec with the program, user and rights of a `process` object: config.json's, or one given to exec."""
    args = process["args"].texts()
    if not args or not args[0]:
        raise process["args"].fail("is missing or empty: name a program")
    for item in process["env"].items():
        if "=" not in item.text():
            raise item.fail(f"{item.value!r} is not NAME=value")
    user = process["user"]
    groups = tuple(node.identity() for node in user["additionalGids"].items())
    return spec.replace(
        argv=args,
        environment=process["env"].texts(),
        workdir=process["cwd"].absolute_path(),
        user=User(user["uid"].identity(), user["gid"].identity(), groups, user["umask"].number(0o022, 0, 0o777)),
        capabilities=_capabilities(process["capabilities"], spec, warn),
        no_new_privileges=process["noNewPrivileges"].flag(),
        rlimits=_rlimits(process["rlimits"], warn),
        scheduler=read_scheduler(process["scheduler"]),
        io_priority=read_io_priority(process["ioPriority"]),
        oom_score_adj=process["oomScoreAdj"].optional_number(-1000, 1000),
        terminal=process["terminal"].flag(),
        console_size=_console_size(process["consoleSize"]),
        apparmor=_profile(process["apparmorProfile"]),
    )


def _console_size(node: Node) -> tuple[int, int] | None:
    """Return the terminal's rows and columns."""
    return (node["height"].unsigned(24, 16), node["width"].unsigned(80, 16)) if node else None


def _profile(node: Node) -> str:
    name = node.text()
    if name and not (os.path.exists(APPARMOR) and read_text(APPARMOR).startswith("Y")):
        raise node.fail("AppArmor is not enabled on this machine")
    if not name.isprintable():
        raise node.fail("holds characters that cannot be printed")
    return name


def _capabilities(node: Node, spec: ContainerSpec, warn: Warn) -> CapabilitySets:
    """Read the five sets, without what nobody knows here, and what this process does not have itself and so cannot give.

    In a user namespace of its own the container has them all.
    """
    from labcore.native import Capability, capget

    known = set(Capability.__members__)
    ours = known if _has_user_namespace(spec) else {capability.name for capability in capget()["permitted"]}
    named = {name: [item.text().removeprefix("CAP_") for item in node[name].items()] for name in SET_NAMES}
    wanted = {each for names in named.values() for each in names}
    if unknown := sorted(wanted - known):
        warn(shortened(f"{node.path}: not known here, and not given: {', '.join(map(repr, unknown))}"))
    if missing := sorted(wanted - ours - set(unknown)):
        warn(f"{node.path}: not held here, and not given: {', '.join(missing)}")
    sets = {name: tuple(each for each in names if each in ours) for name, names in named.items()}
    # No more can be ambient than is permitted and inheritable, capabilities(7); podman asks for it, and expects it left out.
    sets["ambient"] = tuple(each for each in sets["ambient"] if each in sets["permitted"] and each in sets["inheritable"])
    return CapabilitySets(**sets)


def _rlimits(nodes: Node, warn: Warn) -> tuple[Rlimit, ...]:
    if not nodes:
        return ()
    import resource

    made: dict[str, Rlimit] = {}
    for node in nodes.items():
        name = node["type"].required_text()
        if not name.startswith("RLIMIT_") or not hasattr(resource, name):
            raise node["type"].fail(f"no such limit: {name!r}")
        if name in made:
            raise node["type"].fail(f"{name} is named twice")
        soft, hard = (node[which].number(0, -1, (1 << 64) - 1) for which in ("soft", "hard"))
        wanted = Rlimit(name.removeprefix("RLIMIT_"), soft, hard)
        made[name] = clamped(wanted)
        if made[name] != wanted:
            given = f"{made[name].soft}:{made[name].hard}"
            warn(f"{node.path}: {soft}:{hard} is more than may be given without CAP_SYS_RESOURCE: {name} is {given}")
    return tuple(made.values())


def clamped(limit: Rlimit) -> Rlimit:
    """Return a limit that may be set here: without CAP_SYS_RESOURCE nobody may raise a hard limit."""
    import resource

    from labcore.native import Capability, capget

    if Capability.SYS_RESOURCE in capget()["effective"]:
        return limit
    _, most = resource.getrlimit(getattr(resource, f"RLIMIT_{limit.name}"))
    if most == resource.RLIM_INFINITY:
        return limit
    infinite = 1 << 64
    hard = min(limit.hard if 0 <= limit.hard < infinite - 1 else infinite, most)
    return limit.replace(hard=hard, soft=min(limit.soft if 0 <= limit.soft < infinite - 1 else infinite, hard))


def _hook(node: Node) -> Hook:
    timeout = node["timeout"].optional_number()
    if timeout is not None and timeout <= 0:
        raise node["timeout"].fail(f"must be more than 0, and is {timeout}")
    timeout = timeout and min(timeout, LONGEST_TIMEOUT)
    path = node["path"].absolute_path()
    return Hook(path, node["args"].texts() or (path,), node["env"].texts(), timeout)
