"""Containers in the foreground: `run` and `plan`, with all that a container takes held as long as it runs."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from functools import cache

from labcore.engine.container.completed import Completed, exit_code
from labcore.engine.create import HOSTNAME, container_spec, with_mounts
from labcore.engine.engine import Engine
from labcore.engine.network.etc_files import borrowed_etc_files, etc_files, with_etc_files
from labcore.engine.network.networks import connected, launch_options_of_plan, with_variables
from labcore.engine.options.mounts import mounted
from labcore.engine.options.resources import PREFIX, cgroup_of
from labcore.engine.records.ids import ID_SHORT, new_id
from labcore.errors import InvalidInput
from labcore.native import DEVNULL, PIPE
from labcore.options.create import create_options
from labcore.record import Record
from labcore.runtime import make_plan
from labcore.runtime.cgroups import Cgroup, removal
from labcore.runtime.launch import Launch, launched
from labcore.spec import Resources
from labcore.storage.driver import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any, Final

    from labcore.images import Config
    from labcore.native import Stream
    from labcore.runtime import Carrier, LaunchOptions, Plan, Stage
    from labcore.spec import ContainerSpec, CreateOptions, MountPoint, Root

NO_LIMITS: Final = Resources()


class Prepared(Record):
    """A container's spec, its cgroup, and how it is launched: with its networks."""

    spec: ContainerSpec
    cgroup: Cgroup
    options: LaunchOptions
    starting: ExitStack

    def runs(self) -> None:
        """Say that it has been started: until then its layers are kept from going; now its mounts do that."""
        self.starting.close()


def plan(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    options: CreateOptions | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: str | Path | None = None,
    **fields: Any,
) -> Plan:
    """Return the plan of a container: print it, change it, `spawn` it, as often as wanted.

    `image` is a name in the store; `argv` empty: the image's own command. `fields` are those of
    `labcore.options.create.create_options`: `rootfs` is a directory instead of an image, `env` a mapping, and so on.
    `stages` replaces stages by name (`labcore.STAGES`). `root` is the state root. What somebody has to hold is for `run`:
    volumes, and the container's own /etc/hosts, /etc/hostname and /etc/resolv.conf.
    Raises InvalidInput, ImageNotFound, StoreDamaged.
    """
    return plan_of(Engine(root), create_options(image, argv, options=options, **fields), stages)


def plan_of(engine: Engine, options: CreateOptions, stages: Mapping[str, Stage | None] | None = None) -> Plan:
    """Return the plan of a container that has these options: `plan`."""
    return make_plan(engine.spec(options=options), stages, launch_options_of_plan(engine, options))


def run(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    options: CreateOptions | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: str | Path | None = None,
    input: bytes = b"",
    stdout: Stream = PIPE,
    stderr: Stream = PIPE,
    timeout: float | None = None,
    carrier: Carrier | None = None,
    **fields: Any,
) -> Completed:
    """Run a container to its end and return its exit code, output and time stamps. What it writes is gone afterwards.

    Takes what `plan` takes, and `input` for its standard input, where its output goes (captured unless you say otherwise),
    and after how many seconds it is killed (TimeoutError). With a `name` the container stays, and can be started again by it:
    `labcore.engine.container.attach.run_to_end`.
    Raises also StepFailed; NotFound and InUse of a volume, InUse of a name.
    """
    wanted = create_options(image, argv, options=options, **fields)
    if wanted.tty:
        raise InvalidInput("tty: run captures output, and has no terminal to give: leave it out, or labcore run -t")
    engine = Engine(root)
    if wanted.name:
        if (stages, stdout, stderr, carrier) != (None, PIPE, PIPE, None):
            raise InvalidInput(
                "name: a container that stays has a shim and a log: leave out stages, stdout, stderr and carrier"
            )
        return _run_kept(engine, wanted, input, timeout)
    with prepared(engine, wanted, etc=not {"rootfs", "mounts"} & set(stages or ())) as container:
        own = None if container.cgroup.alone and "limits" in (stages or ()) else container.cgroup  # else the stage has its say
        launch = Launch(container.spec, stages=stages, options=container.options, cgroup=own)
        stdin = PIPE if input else DEVNULL
        with launched(launch, stdin=stdin, stdout=stdout, stderr=stderr, carrier=carrier) as process:
            container.runs()
            out, err = process.communicate(input, timeout)
            return Completed(exit_code(process), out, err, process.draw_timeline, process.pid, process.pid_inside)


def _run_kept(engine: Engine, wanted: CreateOptions, input: bytes, timeout: float | None) -> Completed:
    """Run a container that stays, to its end."""
    from labcore.engine.container.attach import run_to_end  # most leave nothing
    from labcore.engine.container.create import create

    made = create(engine, wanted.replace(open_stdin=bool(input) or wanted.open_stdin, stdin_once=True))
    return run_to_end(engine, made.id, input=input, timeout=timeout)


@contextmanager
def prepared(engine: Engine, options: CreateOptions, *, container_id: str = "", etc: bool = True) -> Iterator[Prepared]:
    """Yield a container to be started and ended inside the block, with its layers, volumes and files in /etc.

    What it writes is gone then. The `container_id` begins with the name of the host inside, unless the options have one.
    Without `etc` the files are the root's own: a stage that takes the place of labcore's mounts cannot know of them.
    Raises InvalidInput, ImageNotFound, StoreDamaged, NotFound, InUse.
    """
    with ExitStack() as undo:
        starting = undo.enter_context(ExitStack())
        if not options.rootfs:
            starting.enter_context(engine.layers.using())
        root, config = engine.root_and_config(options)
        if options.image and driver(engine.layers.directory) == "copy":
            root = undo.enter_context(_copied(engine, options))
        on_root = prepared_on(engine, options, root, config, starting, container_id=container_id, etc=etc)
        yield undo.enter_context(on_root)


@contextmanager
def prepared_on(
    engine: Engine,
    options: CreateOptions,
    root: Root,
    config: Config,
    starting: ExitStack,
    *,
    container_id: str = "",
    etc: bool = True,
    mounts: Sequence[MountPoint] = (),
    lists_devices: bool = False,
) -> Iterator[Prepared]:
    """Yield the same for a container on a root that is the caller's, who holds its layers by `starting` until it runs.

    `mounts` are there beside what the options mount. With `lists_devices` it has a cgroup that keeps devices shut, and may make
    nodes. Raises InvalidInput, NotFound, InUse.
    """
    with ExitStack() as undo:
        hostname = container_id[:ID_SHORT] or HOSTNAME
        options, files_of = _joined(engine, options)
        spec = container_spec(
            options,
            root=root,
            config=config,
            hostname=hostname,
            lists_devices=lists_devices,
            pid_of=lambda kind, name: _pid_of(engine, kind, name),
        )
        spec = with_mounts(undo.enter_context(mounted(engine, options, spec, config)), mounts)
        container_id = container_id or new_id()
        on_networks = undo.enter_context(connected(engine, options, container_id, config=config))
        spec = with_variables(spec, on_networks.variables)
        if etc and files_of:
            spec = with_etc_files(spec, files_of)
        elif etc:
            files = etc_files(options, spec.hostname or hostname, on_networks)
            spec = undo.enter_context(borrowed_etc_files(f"{engine.root}/runtime/etc", files, spec))
        cgroup = _cgroup(options, container_id, lists_devices=lists_devices)
        yield Prepared(spec, cgroup, on_networks.launch_options(engine), starting)


def _joined(engine: Engine, options: CreateOptions) -> tuple[CreateOptions, str]:
    """Return the options with the names of the container whose network it joins, and where its files in /etc are; else none."""
    if not options.network_mode.startswith("container:"):
        return options, ""
    from labcore.engine.container.holding import named_as, network_owner

    owner = network_owner(engine, options)
    assert owner is not None
    return named_as(owner, options), str(engine.container_dirs.path(owner.id))


def _pid_of(engine: Engine, kind: str, name: str) -> int:
    from labcore.engine.container.holding import pid_of_running  # most containers join no other

    return pid_of_running(engine, kind, name)


def _cgroup(options: CreateOptions, container_id: str, *, lists_devices: bool) -> Cgroup:
    """Return a cgroup of the container's own, in one hierarchy alone where there is nothing for it to limit."""
    name = container_id[:ID_SHORT]
    has_devices = lists_devices or options.devices or options.device_cgroup_rules
    limits = has_devices or options.resources != NO_LIMITS or options.cgroup_parent
    cgroup = cgroup_of(options, name) if limits else Cgroup.alone_near_own(f"{PREFIX}{name}")
    _remove_abandoned(tuple(map(os.path.dirname, cgroup.entrances())))
    return cgroup


@cache
def _remove_abandoned(parents: tuple[str, ...]) -> None:
    """Remove cgroups of commands that were killed, once."""
    removal.remove_abandoned(parents, PREFIX)


@contextmanager
def _copied(engine: Engine, options: CreateOptions) -> Iterator[Root]:
    """Yield a copy of an image's layers, where they are not stacked; it goes at the block's end, or with its maker."""
    if options.userns_remap:
        raise InvalidInput("--userns-remap needs overlayfs, which this machine does not have, or LABCORE_STORAGE turns off")
    from labcore.storage.upper import Upper

    engine.container_dirs.sweep()
    id = new_id()
    with engine.container_dirs.temporary(id):
        upper = Upper(id, tuple(engine.layers_of(engine.images.find(options.image))), copied=True)
        engine.uppers.create(upper)
        yield engine.uppers.root(upper)
