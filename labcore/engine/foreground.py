"""Containers in the foreground: `run` and `plan`, with all that a container takes held as long as it runs."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from labcore.engine.create import HOSTNAME, container_spec, with_mounts
from labcore.engine.engine import Engine
from labcore.engine.etc_files import borrowed_etc_files, etc_files
from labcore.engine.fields import create_options
from labcore.engine.resources import cgroup_of
from labcore.errors import InvalidInput
from labcore.images import Config
from labcore.native import DEVNULL, PIPE, Process, Stream
from labcore.record import Record
from labcore.runtime import Carrier, Plan, Stage, make_plan
from labcore.runtime.cgroups import Cgroup
from labcore.runtime.launch import Launch, launched
from labcore.spec import ContainerSpec, CreateOptions, Moment, Resources
from labcore.storage.driver import driver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.locks import Use

ID_SHORT: Final = 12  # digits of an ID that people are shown


class Completed(Record):
    """A container that has run: its exit code (128 + signal if one killed it), its output, and when each op was done."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    draw_timeline: Callable[[], tuple[Moment, ...]]
    pid: int
    pid_inside: int

    @cached_property
    def timeline(self) -> tuple[Moment, ...]:
        """When each op of its plan was done: drawn up once somebody asks."""
        return self.draw_timeline()

    def __repr__(self) -> str:
        end = self.timeline[-1].start_us + self.timeline[-1].duration_us
        started = f"started in {end / 1e3:.1f} ms"
        return f"Completed(exit_code={self.exit_code}, stdout={self.stdout!r}, stderr={self.stderr!r}, {started})"


class Prepared(Record):
    """A container's spec, its cgroup, and the snapshot that it writes to, if what it writes stays somewhere."""

    spec: ContainerSpec
    cgroup: Cgroup | None
    starting: ExitStack
    use: "Use | None" = None

    def runs(self, process: Process) -> None:
        """Say that it has been started: its files are reached through this process from now on.

        Until then its layers are kept from going; now its mounts do that.
        """
        self.starting.close()
        if self.use:
            self.use.runs(process)


def plan(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    options: CreateOptions | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: Path | None = None,
    **fields: Any,
) -> Plan:
    """Return the plan of a container: print it, change it, `spawn` it, as often as wanted.

    `image` is a name in the store; `argv` empty: the image's own command. `fields` are those of
    `labcore.engine.fields.create_options`: `rootfs` is a directory instead of an image, `env` a mapping, and so on. `stages`
    replaces stages by name (`labcore.STAGES`). `root` is the state root. What somebody has to hold is for `run`: volumes,
    and the container's own /etc/hosts, /etc/hostname and /etc/resolv.conf.
    Raises InvalidInput, ImageNotFound, StoreDamaged.
    """
    engine = Engine(root)
    return make_plan(engine.spec(image, argv, options=options, **fields), stages, engine.launch_options)


def run(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    options: CreateOptions | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: Path | None = None,
    input: bytes = b"",
    stdout: Stream = PIPE,
    stderr: Stream = PIPE,
    timeout: float | None = None,
    carrier: Carrier | None = None,
    snapshot: str | None = None,
    **fields: Any,
) -> Completed:
    """Run a container to its end and return its exit code, output and time stamps. What it writes is gone afterwards.

    Takes what `plan` takes, and `input` for its standard input, where its output goes (captured unless you say otherwise),
    and after how many seconds it is killed (TimeoutError). With a `snapshot` what it writes is kept under that name, and gone
    on from the next time.
    Raises also StepFailed; NotFound and InUse of a snapshot or volume.
    """
    wanted = create_options(image, argv, options=options, **fields)
    if wanted.tty:
        raise InvalidInput("tty: run captures output, and has no terminal to give: leave it out, or labcore run -t")
    if wanted.name:
        raise InvalidInput(f"name {wanted.name!r}: a container of run is gone when it has ended: leave it out")
    engine = Engine(root)
    with prepared(engine, wanted, snapshot=snapshot, etc=not {"rootfs", "mounts"} & set(stages or ())) as container:
        launch = Launch(container.spec, stages=stages, options=engine.launch_options, cgroup=container.cgroup)
        stdin = PIPE if input else DEVNULL
        with launched(launch, stdin=stdin, stdout=stdout, stderr=stderr, carrier=carrier) as process:
            container.runs(process)
            out, err = process.communicate(input, timeout)
            return Completed(exit_code(process), out, err, process.draw_timeline, process.pid, process.pid_inside)


def exit_code(process: Process) -> int:
    """Return how a process ended, as a shell and docker say it: its exit code, or 128 plus the signal."""
    code = process.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def prepared(
    engine: Engine, options: CreateOptions, *, snapshot: str | None = None, container_id: str = "", etc: bool = True
) -> Iterator[Prepared]:
    """Yield a container to be started and ended inside the block, with its layers, volumes, writable layer and files in /etc.

    What it writes is kept in the `snapshot` of that name, which is made of the image if it is not there; then the image may be
    left out. The `container_id` begins with the name of the host inside, unless the options have one. Without `etc` the files
    are the root's own: a stage that takes the place of labcore's mounts cannot know of them.
    Raises InvalidInput, ImageNotFound, StoreDamaged, NotFound, InUse.
    """
    with ExitStack() as undo:
        starting = undo.enter_context(ExitStack())
        if not options.rootfs:
            starting.enter_context(engine.layers.using())
        use = undo.enter_context(_writable_layer(engine, options, snapshot))
        root, config = (use.root, _config_of(use)) if use else engine.root_and_config(options)
        hostname = container_id[:ID_SHORT] or HOSTNAME
        spec = container_spec(options, root=root, config=config, hostname=hostname)
        spec = undo.enter_context(mounted(engine, options, spec, config))
        if etc:
            files = etc_files(options, spec.hostname or hostname)
            spec = undo.enter_context(borrowed_etc_files(engine.root / "runtime" / "etc", files, spec))
        yield Prepared(spec, _cgroup(options, container_id or new_id()), starting, use)


def _cgroup(options: CreateOptions, container_id: str) -> Cgroup | None:
    """Return a cgroup of the container's own, where there is something for it to do."""
    if options.resources == Resources() and not (options.cgroup_parent or options.devices or options.device_cgroup_rules):
        return None
    return cgroup_of(options, container_id[:ID_SHORT])


def new_id() -> str:
    """Return a container's ID: 64 hex digits, drawn."""
    return os.urandom(32).hex()


def _config_of(use: "Use") -> Config:
    return Config.parse(use.config.encode(), f"snapshot {use.name}")


@contextmanager
def mounted(engine: Engine, options: CreateOptions, spec: ContainerSpec, config: Config) -> Iterator[ContainerSpec]:
    """Yield the spec with the options' mounts, and the volumes that the image wants, which are held inside the block."""
    if not (options.mounts or config.volumes):
        yield spec
        return
    from labcore.engine.volumes import attached, completed

    wanted = completed(options.mounts, config.volumes)
    with attached(engine.volumes, wanted, spec.root, mapped=bool(spec.uid_map), devices=options.privileged) as mounts:
        yield with_mounts(spec, mounts)


@contextmanager
def _writable_layer(engine: Engine, options: CreateOptions, snapshot: str | None) -> Iterator["Use | None"]:
    """Yield a snapshot in use: the one that is named, or, where layers are not stacked but copied, one for this container."""
    copied = snapshot is None and bool(options.image) and driver(engine.layers.prepared()) == "copy"
    if snapshot is None and not copied:
        yield None
        return
    if options.rootfs:
        raise InvalidInput("a rootfs is used as it is, and has no snapshot: leave out one of them")
    from labcore.engine.snapshots import made, snapshot_for

    with ExitStack() as undo:
        if snapshot is not None:
            found = snapshot_for(engine, snapshot, options)
        else:
            engine.snapshots.remove_abandoned()
            found = made(engine, f"run-{os.getpid()}-{os.urandom(6).hex()}", options, throw_away=True)
            undo.callback(engine.snapshots.remove, found.name)
        yield undo.enter_context(engine.snapshots.use(found.name))
