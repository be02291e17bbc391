"""The engine: the stores of one state root, wired together. The other files of this room build on it.

Each store is imported when it is first used: `ps` needs the records alone, and takes as long as its imports.
"""

from __future__ import annotations

import os
from functools import cached_property, partial
from pathlib import Path

from labcore.engine.container.lifecycle import Lifecycle
from labcore.engine.supervision.health_state import NO_HEALTH
from labcore.errors import InvalidInput
from labcore.images.config import Config
from labcore.paths import default_root
from labcore.runtime.probe import confined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Protocol

    from labcore.engine.build_cache import BuildCache
    from labcore.engine.events import Events
    from labcore.engine.image.endpoint import RegistryOptions
    from labcore.engine.image.progress import Progress
    from labcore.engine.records.container_dirs import ContainerDirs
    from labcore.engine.records.records import Container, Records, State
    from labcore.engine.stages import StagesFile
    from labcore.engine.supervision.health_state import Health
    from labcore.images import Descriptor, Image, ImageStore
    from labcore.native import Process
    from labcore.network import NetworkDriver
    from labcore.network.rootless.networks import RootlessNetworks
    from labcore.registry.transport import Endpoint
    from labcore.runtime import LaunchOptions
    from labcore.runtime.stages.sequence import Action, SyncPoint
    from labcore.spec import BindRoot, ContainerSpec, CreateOptions, Platform, Reference, Root
    from labcore.storage.layers import LayerStore
    from labcore.storage.upper import UpperStore
    from labcore.storage.volumes import VolumeStore

    class Supervisor(Protocol):
        """Who carries out what containers' options say about their ends (`labcore.engine.supervision.supervisor`)."""

        def started(self, container: Container, process: Process) -> None:
            """Watch over a container that was started; its process is the supervisor's from now on."""

        def sees_running(self, container: Container) -> bool:
            """Return whether the process that a container's record names is watched over, and has not ended."""

        def decided(self, container: Container, state: State) -> State:
            """Return the state of a container that has just ended, with whether it is to be started again."""

        def has_seen_to(self, id: str) -> bool:
            """Return whether what follows from a container's last exit was seen to."""

        def exited(self, container: Container) -> None:
            """See to what follows from an exit that was noted."""

        def paused(self, container: Container) -> None:
            """Have its health not checked meanwhile."""

        def resumed(self, container: Container) -> None:
            """Have its health checked again."""

        def keeping(self, id: str) -> AbstractContextManager[None]:
            """Have a container stay that was to go when it ends, as long as the block lasts."""

        def stopped(self, container: Container) -> None:
            """Know of a container that is not started again after all."""

        def removed(self, container: Container) -> None:
            """Forget a container."""

        def restart_later(self, container: Container) -> None:
            """Have a container started again after its back-off."""

        def health_of(self, id: str) -> Health | None:
            """Return the health of a container; None if it has no check, or was not started yet."""

        def submit(self, work: Callable[[], object]) -> None:
            """Have something done that may take a while."""


BARE = Config(architecture="", diff_ids=())  # what a directory says of how it wants to be run
SEED_NAMES = ("busybox", "hello-world")


class Engine:
    """Everything below one state root.

    `notify` is told, in a sentence each, what was changed on the machine beside labcore's own: IP forwarding. A daemon has
    `events`, a supervisor, which carries out what a container's options say about its end, and maybe a learner's `stages`.
    """

    def __init__(
        self,
        root: str | Path | None = None,
        *,
        notify: Callable[[str], None] = lambda _: None,
        events: Events | None = None,
        registries: RegistryOptions | None = None,
        stages: StagesFile | None = None,
    ) -> None:
        self.root = Path(root) if root else default_root()
        self.notify = notify
        self.events = events
        self.registries = registries
        self.stages = stages
        self.supervisor: Supervisor | None = None
        self.lifecycle = Lifecycle()

    def health_of(self, id: str) -> Health | None:
        """Return the health of a container, which only a supervisor looks after."""
        return self.supervisor.health_of(id) if self.supervisor else None

    def health_status(self, id: str) -> str:
        """Return the same in a word."""
        health = self.health_of(id)
        return health.status if health else NO_HEALTH

    def log_event(self, kind: str, action: str, id: str, attributes: Mapping[str, str]) -> None:
        """Publish an event, in docker's words, if somebody may want to hear of it."""
        if self.events is not None:
            self.events.publish(kind, action, id, attributes)

    @cached_property
    def images(self) -> ImageStore:
        """Images, by their names and digests."""
        from labcore.images import ImageStore

        return ImageStore(self.root / "images")

    @cached_property
    def layers(self) -> LayerStore:
        """Images' layers, unpacked."""
        from labcore.storage.layers import LayerStore

        return LayerStore(self.root / "storage")

    @cached_property
    def records(self) -> Records:
        """What is kept of containers."""
        from labcore.engine.records.records import Records

        return Records(self.root / "containers")

    @cached_property
    def uppers(self) -> UpperStore:
        """Containers' writable layers."""
        return _uppers(self.root)

    @cached_property
    def build_cache(self) -> BuildCache:
        """What steps of builds have come to."""
        from labcore.engine.build_cache import BuildCache

        return BuildCache(self.root / "builder", self.images)

    @cached_property
    def container_dirs(self) -> ContainerDirs:
        """Containers' directories, and what is locked, made and removed with them."""
        from labcore.engine.records.container_dirs import ContainerDirs

        # Nothing here leads back to the engine, whose sockets are closed as soon as nobody has it any more.
        return ContainerDirs(self.records, partial(_uppers, self.root), partial(_volumes, self.root))

    @cached_property
    def volumes(self) -> VolumeStore:
        """Directories that containers share and that outlive them."""
        return _volumes(self.root)

    @cached_property
    def networks(self) -> NetworkDriver | RootlessNetworks:
        """Networks, and containers' endpoints on them; an ordinary user's are in the network namespace of a pause process."""
        from labcore.network.rootless import place

        if confined() and (directory := place()):
            from labcore.network.rootless.networks import RootlessNetworks

            return RootlessNetworks(self.root, directory, keeps_proxy=self.events is not None)
        from labcore.network import NetworkDriver

        return NetworkDriver(self.root, self.notify, keeps_proxy=self.events is not None)

    def launch_options(
        self, syncs: tuple[tuple[SyncPoint, Action], ...] = (), networks: tuple[str, ...] = ()
    ) -> LaunchOptions:  # fmt: skip
        """Return how containers of this engine are launched: with this work at sync points, and their filters compiled once.

        `networks` are those that they are connected to.
        """
        from labcore.runtime import LaunchOptions

        return LaunchOptions(filter_cache=f"{self.root}/runtime/seccomp", syncs=syncs, networks=networks)

    def seed(self, name: str, *, update: bool = False, tell: Callable[[str], None] = lambda _: None) -> Image:
        """Make one of the images that can be made on the spot (`labcore.images.builtin.SEEDS`).

        busybox and hello-world need no network; the others are made from Debian's packages, which are fetched once, and again
        for an `update`. `tell` hears what takes time. Raises InvalidInput, Unavailable.
        """
        from labcore.images import builtin
        from labcore.native import program

        hello = Path(program("labcore-hello"))
        return builtin.make(name, self.images, hello=hello, cache=self.root / "packages", update=update, tell=tell)

    def endpoint(self, registry: str) -> Endpoint:
        """Return where a registry is, and how it is spoken to: `labcore.engine.image.endpoint`. Raises InvalidInput."""
        from labcore.engine.image.endpoint import (  # commands that move no image need no client
            RegistryOptions,
            registry_endpoint,
        )

        return registry_endpoint(registry, self.root, self.registries or RegistryOptions())

    def pull(
        self, reference: Reference, where: Endpoint | None = None, *, platform: Platform | None = None, unpack: bool = True
    ) -> Iterator[Progress]:
        """Pull an image from its registry, or the one named: `labcore.engine.image.pull`. With `unpack` it is ready to run."""
        from labcore.engine.image.pull import pull

        place = self.layers if unpack else None
        return pull(self.images, reference, where or self.endpoint(reference.registry), layers=place, platform=platform)

    def push(self, reference: Reference, where: Endpoint | None = None) -> Iterator[Progress]:
        """Send an image to the registry of its name, or the one named: `labcore.engine.image.push`."""
        from labcore.engine.image.push import push

        return push(self.images, reference, where or self.endpoint(reference.registry))

    def spec(
        self,
        image: str | None = None,
        argv: Sequence[str] = (),
        *,
        options: CreateOptions | None = None,
        **fields: Any,
    ) -> ContainerSpec:
        """Return the spec of a container whose writable layer goes with it.

        Takes what `labcore.options.create.create_options` takes, but volumes: they have to be held as long as it runs.
        Raises InvalidInput, ImageNotFound, StoreDamaged, Unavailable.
        """
        from labcore.engine.create import container_spec  # commands that start nothing need neither
        from labcore.options.create import create_options

        wanted = create_options(image, argv, options=options, **fields)
        with self.layers.using():
            root, config = self.root_and_config(wanted)
        spec = container_spec(wanted, root=root, config=config)
        if not wanted.mounts:
            return spec
        if volumes := [mount.target for mount in wanted.mounts if mount.kind == "volume"]:
            raise InvalidInput(f"volume at {volumes[0]}: it has to be held as long as the container runs: use run")
        from labcore.engine.create import with_mounts
        from labcore.engine.volume.volumes import attached, completed

        mapped, devices = bool(spec.uid_map), wanted.privileged
        with attached(self.volumes, self.records, completed(wanted.mounts, ()), root, mapped=mapped, devices=devices) as mounts:
            return with_mounts(spec, mounts)

    def root_and_config(self, options: CreateOptions) -> tuple[Root, Config]:
        """Return the root file system that the options name, and how that wants to be run: its image's config."""
        if options.rootfs:
            return _bind_root(options.rootfs), BARE
        if not options.image:
            raise InvalidInput("name an image, or a directory as rootfs, and not both")
        image = self.images.find(options.image)
        return self.layers.overlay(self.layers_of(image)), image.config

    def layers_of(self, image: Image) -> list[str]:
        """Return an image's layers in the LayerStore, from the lowest up, unpacked if they were not.

        An image without layers has an empty one. Some stacks have a fixup layer on top: `labcore.storage.implied`.
        """
        return self.stack(image.layers, image.config.diff_ids)

    def stack(self, layers: Sequence[Descriptor], diff_ids: Sequence[str]) -> list[str]:
        """Return a stack of layers of the image store, ready to be mounted: `layers_of`."""
        from labcore.storage.layers import unrepeated

        return self.layers.with_fixup(unrepeated(self.unpacked(layers, diff_ids)) or [self.layers.add_empty()])

    def unpacked(self, layers: Sequence[Descriptor], diff_ids: Sequence[str]) -> list[str]:
        """Return the IDs of layers of the image store in the LayerStore, unpacked if they were not."""
        pairs = zip(layers, diff_ids, strict=True)
        return [self.layers.add(diff_id, lambda at=layer: self.images.blob_path(at).open("rb")) for layer, diff_id in pairs]  # type: ignore[misc]


def _uppers(root: Path) -> UpperStore:
    from labcore.storage.upper import UpperStore

    return UpperStore(root / "storage")


def _volumes(root: Path) -> VolumeStore:
    from labcore.storage.layers import LayerStore
    from labcore.storage.volumes import VolumeStore

    return VolumeStore(LayerStore(root / "storage").prepared())


def _bind_root(directory: str) -> BindRoot:
    from labcore.spec import BindRoot

    path = Path(directory)
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise InvalidInput(f"rootfs: {directory!r} {what}: name a directory that holds a root file system")
    return BindRoot(os.path.abspath(path))  # noqa: PTH100
