"""The engine: the only room that composes others. An image's name in, a running container out."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, cached_property
from pathlib import Path

from labcore.errors import InvalidInput
from labcore.images import Config, Image, ImageStore
from labcore.native import DEVNULL, PIPE, Capability, Process, Stream, capget, program
from labcore.paths import default_root
from labcore.record import Record
from labcore.runtime import Carrier, LaunchOptions, Plan, Stage, make_plan, spawn
from labcore.runtime.probe import kernel_version
from labcore.runtime.seccomp.default import default_profile
from labcore.runtime.userns import fitted, groups_are_fixed, with_bound_devices
from labcore.spec import (
    DEFAULT_CAPABILITIES,
    DEFAULT_MOUNTS,
    DEFAULT_PATH,
    BindRoot,
    CapabilitySets,
    ContainerSpec,
    IdRange,
    Moment,
    MountPoint,
    OverlayRoot,
    Platform,
    Reference,
    Root,
    SeccompProfile,
    User,
    root_with,
)
from labcore.storage.layers import LayerStore, unrepeated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.container_dirs import ContainerDirs
    from labcore.engine.progress import Progress
    from labcore.engine.records import Records
    from labcore.registry.transport import Endpoint
    from labcore.spec import Mount
    from labcore.storage.locks import Use
    from labcore.storage.snapshots import SnapshotStore
    from labcore.storage.upper import UpperStore
    from labcore.storage.volumes import VolumeStore

Environment = Mapping[str, str | None] | Iterable[str]
BARE = Config(architecture="", diff_ids=())  # what a directory says of how it wants to be run
INIT = "/dev/labcore-init"  # on the tmpfs there: no directory of the image changes
SEED_NAMES = ("busybox", "hello-world")


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


class Engine:
    """Everything below one state root."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()
        self.images = ImageStore(self.root / "images")
        self.layers = LayerStore(self.root / "storage")

    @property
    def launch_options(self) -> LaunchOptions:
        """How containers of this engine are launched: by default, with their seccomp filters compiled once."""
        return LaunchOptions(filter_cache=str(self.root / "runtime" / "seccomp"))

    @cached_property
    def snapshots(self) -> "SnapshotStore":
        """What containers have written, and is kept."""
        from labcore.storage.snapshots import SnapshotStore

        return SnapshotStore(self.root / "storage")

    @cached_property
    def records(self) -> "Records":
        """What is kept of containers."""
        from labcore.engine.records import Records

        return Records(self.root / "containers")

    @cached_property
    def uppers(self) -> "UpperStore":
        """Containers' writable layers."""
        from labcore.storage.upper import UpperStore

        return UpperStore(self.root / "storage")

    @cached_property
    def container_dirs(self) -> "ContainerDirs":
        """Containers' directories, and what is locked, made and removed with them."""
        from labcore.engine.container_dirs import ContainerDirs

        return ContainerDirs(self.records, self.uppers, self.volumes)

    @cached_property
    def volumes(self) -> "VolumeStore":
        """Directories that containers share and that outlive them."""
        from labcore.storage.volumes import VolumeStore

        return VolumeStore(self.layers.prepared())

    def seed(self, name: str, *, update: bool = False, tell: Callable[[str], None] = lambda _: None) -> Image:
        """Make one of the images that can be made on the spot (`labcore.images.builtin.SEEDS`).

        busybox and hello-world need no network; the others are made from Debian's packages, which are fetched once, and again
        for an `update`. `tell` hears what takes time. Raises InvalidInput, Unavailable.
        """
        from labcore.images import builtin

        hello = Path(program("labcore-hello"))
        return builtin.make(name, self.images, hello=hello, cache=self.root / "packages", update=update, tell=tell)

    def pull(
        self, reference: Reference, where: "Endpoint | None" = None, *, platform: Platform | None = None, unpack: bool = True
    ) -> "Iterator[Progress]":
        """Get an image from its registry, or the one named: `transfer.pull`. With `unpack` it is ready to run afterwards."""
        from labcore.engine import transfer

        place = self.layers if unpack else None
        return transfer.pull(self.images, reference, where or transfer.endpoint(reference), layers=place, platform=platform)

    def push(self, reference: Reference, where: "Endpoint | None" = None) -> "Iterator[Progress]":
        """Send an image to the registry of its name, or the one named: `transfer.push`."""
        from labcore.engine import transfer

        return transfer.push(self.images, reference, where or transfer.endpoint(reference))

    def spec(
        self,
        image: str | None = None,
        argv: Sequence[str] = (),
        *,
        rootfs: str | None = None,
        hostname: str = "labcore",
        env: Environment = (),
        workdir: str | None = None,
        entrypoint: str | None = None,
        user: str | int | None = None,
        privileged: bool = False,
        init: bool = False,
        remap: IdRange | None = None,
        on: "Use | None" = None,
        mounts: Sequence[MountPoint] = (),
    ) -> ContainerSpec:
        """Return the spec of a container: what the image says, overruled by what the caller says.

        The root is an `image`'s, the directory `rootfs` as it is, or a snapshot in use, `on`; `mounts` come behind the default
        ones. A variable of `env` that is None takes away the image's. An `entrypoint` takes the place of the image's entry
        point and command; an empty one clears both. `user` is `USER[:GROUP]`, names or numbers (`labcore.engine.users`),
        instead of the image's. `privileged` leaves root all of its power, as containers inside of it need; `init` puts a
        process before the program that reaps orphans and passes signals on; `remap` makes its users, root among them, others
        outside: docker's `--userns-remap`.
        Raises InvalidInput, ImageNotFound, StoreDamaged, Unavailable.
        """
        if isinstance(argv, str | bytes) or not isinstance(argv, Sequence):
            raise InvalidInput(f"argv is a list of words: [{argv!r}], or ['sh', '-c', {argv!r}]")
        if remap is not None and not isinstance(remap, IdRange):
            raise InvalidInput(f"remap: {remap!r} is no IdRange(inside, outside, size)")
        if [image, rootfs, on].count(None) != 2:
            raise InvalidInput("name an image, or a directory as rootfs, and not both")
        config = BARE if rootfs is not None else self.config_of(image, on)
        root = _bind_root(os.fspath(rootfs)) if rootfs is not None else on.root if on else self._overlay(image or "")
        whom, home = _account(config.user if user is None else str(user) or config.user, root)
        spec = ContainerSpec(
            root=root,
            argv=_command(config, argv, entrypoint),
            environment=_environment(config.environment, env, hostname=hostname, home=home),
            workdir=workdir or config.workdir,
            hostname=hostname,
            seccomp=_default_filter(),
            mounts=(*DEFAULT_MOUNTS, *mounts),
        )
        if init:
            spec = _with_init(spec)
        if remap:
            spec = _remapped(spec, remap)
        return _as_user(fitted(_unconfined(spec) if privileged else spec), whom)

    def _overlay(self, image: str) -> OverlayRoot:
        return self.layers.overlay(self.layers_of(self.images.find(image)))

    def config_of(self, image: str | None, on: "Use | None" = None) -> Config:
        """Return how an image, or that which a snapshot in use was made of, wants to be run."""
        if on is not None:
            return Config.parse(on.config.encode(), f"snapshot {on.name}")
        return self.images.find(image or "").config

    def layers_of(self, image: Image) -> list[str]:
        """Return an image's layers in the LayerStore, from the lowest up, unpacked if they were not.

        An image without layers has an empty one. Some stacks have a fixup layer on top: `labcore.storage.implied`.
        """
        pairs = zip(image.layers, image.config.diff_ids, strict=True)
        ids = [self.layers.add(diff_id, lambda at=layer: self.images.blob_path(at).open("rb")) for layer, diff_id in pairs]  # type: ignore[misc]
        return self.layers.with_fixup(unrepeated(ids) or [self.layers.add_empty()])


def _unconfined(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec without what holds a container back: docker's `--privileged`, but for the machine's devices."""
    held = tuple(capability.name for capability in Capability if capability in capget()["permitted"])
    mounts = tuple(
        m.replace(options=tuple(word for word in m.options if word != "ro")) if m.kind in ("proc", "sysfs") else m
        for m in spec.mounts
    )
    return spec.replace(
        capabilities=root_with(held), seccomp=None, masked_paths=(), readonly_paths=(), mounts=mounts
    )  # fmt: skip


def _remapped(spec: ContainerSpec, ids: IdRange) -> ContainerSpec:
    """Return the spec with a user namespace, whose users outside are those of `ids`."""
    apart = spec.replace(namespaces=(*spec.namespaces, "user"), uid_map=(ids,), gid_map=(ids,))
    return with_bound_devices(apart)


def _with_init(spec: ContainerSpec) -> ContainerSpec:
    """Return the spec with labcore-init, bound into the container, before its program."""
    binary = MountPoint(INIT, "bind", program("labcore-init"), ("bind", "ro", "nosuid", "nodev"))
    return spec.replace(argv=(INIT, *spec.argv), mounts=(*spec.mounts, binary))


@cache
def _default_filter() -> SeccompProfile:
    return default_profile(frozenset(DEFAULT_CAPABILITIES), os.uname().machine, kernel_version())


def _bind_root(directory: str) -> BindRoot:
    path = Path(directory)
    if not directory or not path.is_dir():
        what = "is a file" if directory and path.exists() else "does not exist"
        raise InvalidInput(f"rootfs: {directory!r} {what}: name a directory that holds a root file system")
    return BindRoot(str(path.absolute()))


def _command(config: Config, argv: Sequence[str], entrypoint: str | None) -> tuple[str, ...]:
    """Return what is run: whoever names another entry point does not want the image's arguments to its own."""
    if entrypoint is None:
        return (*config.entrypoint, *(argv or config.command))
    return (entrypoint, *argv) if entrypoint else tuple(argv)


def _environment(image: Sequence[str], env: Environment, *, hostname: str, home: str) -> tuple[str, ...]:
    """Later variables win over earlier ones of the same name, in the earlier one's place."""
    merged = {"HOSTNAME": f"HOSTNAME={hostname}", "HOME": f"HOME={home}", "PATH": "PATH=" + DEFAULT_PATH}
    merged |= {variable.partition("=")[0]: variable for variable in image}
    if not isinstance(env, Mapping):
        return tuple((merged | {str(variable).partition("=")[0]: variable for variable in env}).values())
    for name, value in env.items():
        if not isinstance(name, str) or not name or "=" in name:
            raise InvalidInput(f"environment: {name!r} is no variable's name")
        merged[name] = f"{name}={value}"
    return tuple(variable for name, variable in merged.items() if env.get(name, "") is not None)


def _account(user: str, root: Root) -> tuple[User, str]:
    """Return whom the program runs as, and that user's home directory: root where nobody is named."""
    if not user:
        return User(), "/root"
    from labcore.engine.users import account  # most images name nobody

    return account(user, root)


def _as_user(spec: ContainerSpec, user: User) -> ContainerSpec:
    """Return the spec with another user, who has none of root's power at first, but may gain what bounds it: execve(2)."""
    if groups_are_fixed(spec):
        user = user.replace(groups=())
    capabilities = CapabilitySets(bounding=spec.capabilities.bounding) if user.uid else spec.capabilities
    return spec.replace(user=user, capabilities=capabilities) if user != spec.user else spec


def plan(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    rootfs: str | None = None,
    hostname: str = "labcore",
    env: Environment = (),
    workdir: str | None = None,
    entrypoint: str | None = None,
    user: str | int | None = None,
    privileged: bool = False,
    init: bool = False,
    remap: IdRange | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: Path | None = None,
) -> Plan:
    """Return the plan of a container: print it, change it, `spawn` it, as often as wanted.

    `image` is a name in the store, or `rootfs` a directory; `argv` empty: the image's own command. `env` is a mapping, or
    `NAME=value` strings. `entrypoint`, `user`, `privileged`, `init` and `remap` are those of `Engine.spec`. `stages` replaces
    stages by name (`labcore.STAGES`). `root` is the state root.
    Raises InvalidInput, ImageNotFound, StoreDamaged.
    """
    spec = Engine(root).spec(
        image,
        argv,
        rootfs=rootfs,
        hostname=hostname,
        env=env,
        workdir=workdir,
        entrypoint=entrypoint,
        user=user,
        privileged=privileged,
        init=init,
        remap=remap,
    )
    return make_plan(spec, stages, Engine(root).launch_options)


def run(
    image: str | None = None,
    argv: Sequence[str] = (),
    *,
    rootfs: str | None = None,
    hostname: str = "labcore",
    env: Environment = (),
    workdir: str | None = None,
    entrypoint: str | None = None,
    user: str | int | None = None,
    privileged: bool = False,
    init: bool = False,
    remap: IdRange | None = None,
    stages: Mapping[str, Stage | None] | None = None,
    root: Path | None = None,
    input: bytes = b"",
    stdout: Stream = PIPE,
    stderr: Stream = PIPE,
    timeout: float | None = None,
    carrier: Carrier | None = None,
    snapshot: str | None = None,
    volumes: Sequence["Mount | str"] = (),
) -> Completed:
    """Run a container to its end and return its exit code, output and time stamps. What it writes is gone afterwards.

    Takes what `plan` takes, and `input` for its standard input, where its output goes (captured unless you say otherwise),
    and after how many seconds it is killed (TimeoutError). With a `snapshot` what it writes is kept under that name, and gone
    on from the next time. `volumes` are docker's `-v`, or `labcore.engine.mount_options.Mount`s.
    Raises also StepFailed; NotFound and InUse of a snapshot or volume.
    """
    from labcore.engine.preparing import prepared

    with ExitStack() as undo:
        container = undo.enter_context(
            prepared(
                Engine(root), image, argv, snapshot=snapshot, volumes=volumes, rootfs=rootfs, hostname=hostname, env=env,
                workdir=workdir, entrypoint=entrypoint, user=user, privileged=privileged, init=init, remap=remap,
            )
        )  # fmt: skip
        made = make_plan(container.spec, stages, Engine(root).launch_options)
        process = undo.enter_context(
            spawn(made, stdin=PIPE if input else DEVNULL, stdout=stdout, stderr=stderr, carrier=carrier)
        )
        container.runs(process)
        out, err = process.communicate(input, timeout)
        return Completed(exit_code(process), out, err, process.draw_timeline, process.pid, process.pid_inside)


def exit_code(process: Process) -> int:
    """Return how a process ended, as a shell and docker say it: its exit code, or 128 plus the signal."""
    code = process.wait()
    return code if code >= 0 else 128 - code
