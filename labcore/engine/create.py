"""From CreateOptions and an image's config to a ContainerSpec: what the image says, overruled by what the caller says."""

from __future__ import annotations

from labcore.engine.container.namespaces import hostname_of, namespaces, no_containers, sysctls
from labcore.engine.options.devices import rules, with_devices
from labcore.engine.options.resources import limited
from labcore.engine.options.security import confinement
from labcore.runtime.probe import confined
from labcore.runtime.userns import fitted, groups_are_fixed, with_bound_devices
from labcore.spec import (
    DEFAULT_CAPABILITIES,
    DEFAULT_MOUNTS,
    DEFAULT_PATH,
    DOCKER_CAPABILITIES,
    CapabilitySets,
    ContainerSpec,
    MountPoint,
    OverlayRoot,
    User,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from labcore.engine.container.namespaces import PidOf
    from labcore.images import Config
    from labcore.spec import (
        CreateOptions,
        IdRange,
        Root,
    )

ROOT: Final = User()
DEFAULT_USER: Final = "0"  # of docker's containers: root, with what passwd(5) and group(5) say of it
HOSTNAME: Final = "labcore"  # of containers that have no name and no number


def container_spec(
    options: CreateOptions,
    *,
    root: Root,
    config: Config,
    hostname: str = HOSTNAME,
    default_user: str = "",
    lists_devices: bool = False,
    pid_of: PidOf = no_containers,
) -> ContainerSpec:
    """Return the spec of a container on this root, which the caller has to itself.

    `config` is its image's, `hostname` the name of the host inside unless the options have one, `default_user` whom the program
    runs as where nobody is named: `0` is looked up, as docker does, and has root's groups. With `lists_devices` a cgroup keeps
    shut what the options do not open; then nodes may be made. `pid_of` returns the process of a container that `container:NAME`
    means. What the options mount is not in it yet: `with_mounts`, once volumes are held.
    Raises InvalidInput, with the field and the cure, for what cannot be; Unavailable.
    """
    name = hostname_of(options, hostname)
    whom, home = _account(options, config, default_user, root)
    kinds = namespaces(options, DEFAULT_MOUNTS, pid_of)
    held_back = confinement(options, kinds.mounts, DOCKER_CAPABILITIES if lists_devices else DEFAULT_CAPABILITIES)
    root = root.replace(devices=lists_devices) if isinstance(root, OverlayRoot) else root
    remap = options.userns_remap if options.userns_mode != "host" else None
    spec = ContainerSpec(
        root=root.replace(read_only=True) if options.read_only else root,
        argv=command(config, options),
        environment=environment(config, options, hostname=name, home=home),
        workdir=options.workdir or config.workdir,
        hostname=name,
        domainname=options.domainname,
        rlimits=options.ulimits,
        sysctls=sysctls(options, kinds.new, all_groups=not (remap or confined())),
        oom_score_adj=options.oom_score_adj,
        resources=limited(options, rules(options)),
        terminal=options.tty,
        console_size=options.console_size,
        namespaces=kinds.new,
        joins=kinds.joins,
        **held_back.as_dict(),
    )
    if options.init or options.shm_size is not None:
        from labcore.engine.options.init_and_shm import with_init_and_shm  # most have none

        spec = with_init_and_shm(spec, options)
    spec = fitted(_remapped(spec, remap) if remap else spec)
    if options.devices or options.privileged:
        spec = with_devices(spec, options, bound=bool(remap) or confined())
    return _as_user(spec, whom)


def with_mounts(spec: ContainerSpec, mounts: Sequence[MountPoint]) -> ContainerSpec:
    """Return the spec with what the options' mounts have become (`labcore.engine.volume.volumes.attached`)."""
    return spec.replace(mounts=(*spec.mounts, *mounts)) if mounts else spec


def command(config: Config, options: CreateOptions) -> tuple[str, ...]:
    """Return what is run: whoever names another entry point does not want the image's arguments to its own."""
    if options.entrypoint is None:
        return (*config.entrypoint, *(options.command or config.command))
    return (*options.entrypoint, *options.command)


def environment(config: Config, options: CreateOptions, *, hostname: str, home: str) -> tuple[str, ...]:
    """Return the variables in docker's order: what each container has, what was asked for, what only the image has, HOME."""
    merged = {"PATH": "PATH=" + DEFAULT_PATH, "HOSTNAME": f"HOSTNAME={hostname}"}
    if options.tty:
        merged["TERM"] = "TERM=xterm"
    wanted = {name: f"{name}={value}" for name, value in options.environment if value is not None}
    inherited = {variable.partition("=")[0]: variable for variable in config.environment}
    merged |= wanted | {name: variable for name, variable in inherited.items() if name not in wanted}
    merged.setdefault("HOME", f"HOME={home}")
    gone = {name for name, value in options.environment if value is None}
    return tuple(variable for name, variable in merged.items() if name not in gone and "=" in variable)


def _account(options: CreateOptions, config: Config, default: str, root: Root) -> tuple[User, str]:
    """Return whom the program runs as, and that user's home directory: root where nobody is named."""
    user = options.user or config.user
    if not (user or options.group_add or default):
        return ROOT, "/root"
    from labcore.engine.options.users import account, default_account  # in the library few look anybody up

    named = user or options.group_add
    return account(user or "0", root, options.group_add) if named else default_account(default, root)


def _remapped(spec: ContainerSpec, ids: IdRange) -> ContainerSpec:
    """Return the spec with a user namespace, whose users outside are those of `ids`."""
    apart = spec.replace(namespaces=(*spec.namespaces, "user"), uid_map=(ids,), gid_map=(ids,))
    return with_bound_devices(apart)


def _as_user(spec: ContainerSpec, user: User) -> ContainerSpec:
    """Return the spec with another user, who has none of root's power at first, but may gain what bounds it: execve(2)."""
    if user.groups and groups_are_fixed(spec):
        user = user.replace(groups=())
    if user == spec.user:
        return spec
    capabilities = CapabilitySets(bounding=spec.capabilities.bounding) if user.uid else spec.capabilities
    return spec.replace(user=user, capabilities=capabilities)
