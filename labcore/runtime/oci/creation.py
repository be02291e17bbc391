"""create: everything up to the program, which waits at exec.fifo for `start` (runtime.md)."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

from labcore.files import read_bytes
from labcore.json_codec import loads
from labcore.procfs import start_time
from labcore.record import Record
from labcore.runtime.cgroups import Cgroup
from labcore.runtime.launch import Launch
from labcore.runtime.oci.config import read_bundle
from labcore.runtime.oci.life import Life, Lock, forget
from labcore.runtime.oci.node import ConfigError, Node
from labcore.runtime.oci.rootfs import check_program, with_directory_modes, with_home
from labcore.runtime.oci.seccomp import asks
from labcore.runtime.oci.state import Saved, state_json
from labcore.runtime.stages import LaunchOptions
from labcore.runtime.stdio import give_streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any, Final

    from labcore.native import Process
    from labcore.runtime.oci.config import Bundle
    from labcore.runtime.oci.console import Console
    from labcore.runtime.oci.state import Store
    from labcore.runtime.stages import Action, Stage, SyncPoint
    from labcore.spec import ContainerSpec

FILTERS: Final = ".seccomp"  # below the directory of the containers; no container has a name that begins with a dot


class Request(Record):
    """What a container is to be made of.

    `config` is another config.json than the bundle's. `console` gets its terminal's other end. `preserved` are descriptors that
    its program finds open from 3 on, the first `listening` of them sockets of which it is told: sd_listen_fds(3). With `scope`
    its cgroup is made by systemd, and the bundle names it in systemd's way.
    """

    name: str
    directory: str
    console: Console
    preserved: Sequence[int] = ()
    scope: bool = False
    config: str = ""
    listening: int = 0


def create(store: Store, request: Request, stages: Mapping[str, Stage | None] | None, *, keep: bool) -> Process:
    """Make a container up to its program; on failure nothing is left.

    Its process belongs to whoever reaps this one's orphans; with `keep` to this one, which can wait for it.
    Raises ConfigError, InvalidInput, StepFailed, HookFailed.
    """
    config = read_config(request.config or f"{request.directory}/config.json")
    bundle = read_bundle(config, request.directory, warn)
    request.console.check(wanted=bundle.spec.terminal)
    with ExitStack() as undo, ExitStack() as meanwhile:
        directory = store.make(request.name)
        undo.callback(forget, directory)
        meanwhile.enter_context(Lock(store.root, request.name))
        os.mkfifo(f"{directory}/exec.fifo", 0o600)
        creation = _Creation(store, request, config, bundle)
        cgroup = meanwhile.enter_context(_scope(bundle, request.name)) if request.scope else _cgroup_of(bundle, request.name)
        launch = Launch(
            with_home(with_directory_modes(_told_of_sockets(bundle.spec, request.listening)), bundle.spec.root.directory),
            stages=stages,
            options=LaunchOptions(
                dies_with_parent=False,
                reset_affinity=True,
                preserve_fds=len(request.preserved),
                mounts_in_order=True,
                exec_fifo=f"{directory}/exec.fifo",
                filter_cache=f"{store.root}/{FILTERS}",
                syncs=creation.syncs(),
            ),
            cgroup=cgroup,
            is_made=request.scope,
            remember=creation.remember,
        )
        creation.launch = launch
        process = launch.create(release=not keep, preserved=request.preserved)
        undo.pop_all()
    return process


class _Creation:
    """The launcher's work while the container's process waits for it, and what is remembered of that."""

    launch: Launch

    def __init__(self, store: Store, request: Request, config: dict[str, Any], bundle: Bundle) -> None:
        self.store = store
        self.request = request
        self.config = config
        self.bundle = bundle
        self.life = Life(store.root, request.name, hooks=[kind for kind, wanted in bundle.hooks.items() if wanted])
        self.life.has_program = bundle.has_process

    def syncs(self) -> tuple[tuple[SyncPoint, Action], ...]:
        """Return what is to be done at which sync point."""
        hooks = self.bundle.hooks
        wanted: list[tuple[SyncPoint, Action]] = [("terminal", self.request.console.take), ("created", self.created)]
        if hooks["prestart"] or hooks["createRuntime"]:
            wanted.append(("namespaces", self.run_runtime_hooks))
        if hooks["createContainer"]:
            wanted.append(("rootfs", self.run_container_hooks))
        if asks(Node(self.config)["linux"]["seccomp"]):
            wanted.append(("listener", self.give_listener))
        return tuple(wanted)

    def remember(self, launch: Launch) -> None:
        """Write the container's cgroups down, before they are made and afterwards."""
        self.life.cgroups, self.life.made = list(launch.cgroups), list(launch.made)
        self.life.save()

    def saved(self, process: Process) -> Saved:
        """Return what will be remembered."""
        return Saved(
            id=self.request.name,
            pid=process.pid,
            start=start_time(process.pid) or 0,
            bundle=self.request.directory,
            created=now(),
            config=self.config,
            cgroup=self.launch.cgroup.path,
            made=tuple(self.launch.made),
            version=self.bundle.version,
            annotations=self.bundle.annotations,
        )

    def run_runtime_hooks(self, process: Process) -> None:
        """Run the hooks of the moment at which the namespaces are there, and nothing is mounted yet."""
        from labcore.runtime.oci import hooks

        wanted, state = self.bundle.hooks, state_json(self.saved(process), "creating")
        hooks.run_here("prestart", wanted["prestart"], state | {"status": "created"})
        hooks.run_here("createRuntime", wanted["createRuntime"], state)

    def run_container_hooks(self, process: Process) -> None:
        """Run the hooks that may mount more: all is mounted below the root's directory."""
        from labcore.runtime.oci import hooks

        state = state_json(self.saved(process), "creating")
        directory = self.bundle.spec.root.directory
        hooks.run_inside("createContainer", self.bundle.hooks["createContainer"], state, process.pid, directory=directory)

    def give_listener(self, process: Process) -> None:
        """Have the calls of the container answered by who listens for that."""
        from labcore.runtime.oci.listener import give_listener

        give_listener(process, self.config["linux"]["seccomp"], state_json(self.saved(process), "creating"))

    def created(self, process: Process) -> None:
        """Remember the container: all is done but becoming the program."""
        spec = self.bundle.spec
        if self.bundle.has_process:
            check_program(spec, process.pid)
        if not spec.terminal:
            give_streams(process.pid, spec.user.uid, terminals=True)
        saved = self.saved(process)
        self.store.save(saved)
        self.remember(self.launch)
        self.life.pid, self.life.start = saved.pid, saved.start
        self.life.save()


def _told_of_sockets(spec: ContainerSpec, listening: int) -> ContainerSpec:
    told = (f"LISTEN_FDS={listening}", "LISTEN_PID=1") if listening else ()  # its program is 1 in its PID namespace
    return spec.replace(environment=(*spec.environment, *told))


def warn(text: str) -> None:
    """Tell whoever asked for a container what it has to do without."""
    print(f"labcore-runtime: warning: {text}", file=sys.stderr)


def now() -> str:
    """Return this moment as RFC 3339 writes it."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09}Z"


def read_config(path: str) -> dict[str, Any]:
    """Read a config.json. Raises ConfigError."""
    try:
        config = loads(read_bytes(path).decode())
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: name a bundle with --bundle") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: must be an object")
    return config


def _cgroup_of(bundle: Bundle, name: str) -> Cgroup:
    if bundle.cgroup.startswith("/"):
        return Cgroup.at(bundle.cgroup)
    return Cgroup.near_own(bundle.cgroup or name)


def _scope(bundle: Bundle, name: str) -> AbstractContextManager[Cgroup]:
    from labcore.runtime.cgroups.scope import Scope

    return Scope.parse(bundle.cgroup, name).begun(bundle.spec.resources)
