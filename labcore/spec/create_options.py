"""CreateOptions: what a caller wants of a container, docker's `run` options as fields. Parsed at the edge, spoken by all rooms.

The command line and the Engine API are read into it; with the image's config `labcore.engine.create` turns it into a
ContainerSpec. Where a field is None, or as it is by default, the image decides, and then labcore's default.
"""

from __future__ import annotations

import os

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.spec.health import Healthcheck  # the fields are read by their types
from labcore.spec.log import LogPolicy
from labcore.spec.resources import Resources
from labcore.spec.restart import RestartPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from labcore.spec.isolation import DeviceRule, IdRange, Rlimit
    from labcore.spec.network import EndpointOptions, PortBinding

MountKind: TypeAlias = "Literal['bind', 'volume', 'tmpfs']"


class Mount(Record):
    """Something from outside at a path of a container: a directory or file of the host, a volume, or a new tmpfs.

    `source` is the host's path, or the volume's name, empty for an anonymous one until its name `is_drawn`.
    `write_protects_below`: what is mounted below a read-only bind is read only too. `make`: a source that is missing is made
    (of a tmpfs, which has none: it was given by `--tmpfs`). `labels` and `driver_options` are for a volume that is made.
    `copy`: an empty volume gets what the image has at that path. `subpath`: what of the volume is mounted, if not all of it.
    `options` are mount(8)'s words. `mode`: the words that `-v` had behind the target, as they are shown again.
    """

    kind: MountKind
    target: str
    source: str = ""
    read_only: bool = False
    options: tuple[str, ...] = ()
    recursive: bool = True
    write_protects_below: bool = True
    make: bool = False
    copy: bool = True
    labels: tuple[tuple[str, str], ...] = ()
    driver_options: tuple[tuple[str, str], ...] = ()
    subpath: str = ""
    mode: str = ""
    is_drawn: bool = False

    def __post_init__(self) -> None:
        for text in (self.source, self.target, self.subpath, *self.options):
            if "\0" in text:
                raise InvalidInput(f"{text!r} contains a NUL byte: no volume, path or option can")
        if not self.target.startswith("/"):
            raise InvalidInput(f"invalid mount path: '{self.target}' mount path must be absolute: name a directory, from / on")
        place = os.path.normpath("/" + self.target.lstrip("/"))
        if place in ("/", "/proc"):
            raise InvalidInput(f"invalid specification: destination can't be '{place}'")
        if self.subpath:
            self._check_subpath()

    def _check_subpath(self) -> None:
        if not self.source:
            raise InvalidInput("must not set Subpath when using anonymous volumes")
        inside = os.path.normpath(self.subpath)
        if inside.startswith("/") or inside.split("/")[0] == "..":
            raise InvalidInput("subpath must be a relative path within the volume")


class DeviceMapping(Record):
    """A device of the host at a path of the container (`--device`); `access` is of `rwm`."""

    source: str
    target: str
    access: str = "rwm"


class CreateOptions(Record):
    """What a caller wants of a container: `docker create`'s options, and labcore's `rootfs` and `userns_remap`.

    One of `image` (a name or an ID) and `rootfs` (a directory that is used as it is) is named. `entrypoint` takes the
    place of the image's entry point and command; an empty one clears both. A variable of `environment` whose value is None
    takes away the image's. `user` is `USER[:GROUP]`, names or numbers of the new root. Modes of namespaces are docker's words:
    `host`, `private`, `container:NAME` and so on; empty is the default. `masked_paths` and `readonly_paths` None are the
    default ones. `network_mode` is also a network's name (`bridge` is the default one's), `networks` are all that the container
    is connected to; with none it has the loopback interface alone. `seccomp` empty is the default profile, `unconfined` none
    at all; any other is a profile's JSON, as docker's. `isolation` is empty or `default`: there is but one here. `attached` are
    the streams that the first client means to attach to, `console_size` is its terminal's, in rows and columns.
    `volumes_from` are `NAME[:ro|rw]`, containers whose mounts this one has too; `volume_driver` is only kept.
    """

    image: str = ""
    rootfs: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    name: str = ""
    hostname: str = ""
    domainname: str = ""
    environment: tuple[tuple[str, str | None], ...] = ()
    workdir: str = ""
    user: str = ""
    group_add: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""
    stop_timeout: int | None = None
    tty: bool = False
    console_size: tuple[int, int] | None = None
    open_stdin: bool = False
    stdin_once: bool = False
    attached: tuple[str, ...] = ()
    auto_remove: bool = False
    restart: RestartPolicy = RestartPolicy()
    healthcheck: Healthcheck | None = None
    init: bool = False
    # --- what it may do
    privileged: bool = False
    isolation: str = ""
    read_only: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    no_new_privileges: bool = False
    seccomp: str = ""
    apparmor: str = ""
    masked_paths: tuple[str, ...] | None = None
    readonly_paths: tuple[str, ...] | None = None
    writable_cgroups: bool | None = None
    # --- namespaces
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = ""
    cgroupns_mode: str = ""
    userns_mode: str = ""
    network_mode: str = ""
    userns_remap: IdRange | None = None
    # --- limits
    resources: Resources = Resources()
    cgroup_parent: str = ""
    ulimits: tuple[Rlimit, ...] = ()
    oom_score_adj: int | None = None
    shm_size: int | None = None
    sysctls: tuple[tuple[str, str], ...] = ()
    # --- files and devices
    mounts: tuple[Mount, ...] = ()
    volumes_from: tuple[str, ...] = ()
    volume_driver: str = ""
    devices: tuple[DeviceMapping, ...] = ()
    device_cgroup_rules: tuple[DeviceRule, ...] = ()
    # --- networks
    networks: tuple[EndpointOptions, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    publish_all: bool = False
    links: tuple[tuple[str, str], ...] = ()
    extra_hosts: tuple[tuple[str, str], ...] = ()
    dns: tuple[str, ...] = ()
    dns_search: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()
    # --- output
    log: LogPolicy = LogPolicy()

    def __post_init__(self) -> None:
        if self.image and self.rootfs:
            raise InvalidInput("name an image, or a directory as rootfs, and not both")
