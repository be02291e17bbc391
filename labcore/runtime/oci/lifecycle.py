"""A container's life as other engines see it: create, start, kill, exec, pause, delete (runtime.md)."""

import errno
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore.errors import InvalidInput, LabcoreError
from labcore.runtime.cgroups import Cgroup
from labcore.runtime.oci.state import Life, NoSuchContainer, Saved, StateDamaged, Status, Store, state_json, status_of

if TYPE_CHECKING:
    from labcore.native import Process
    from labcore.runtime.oci.config import Bundle, Hook
    from labcore.runtime.stages import Stage

# What makes a process is imported where one is made: start, state, kill and delete take a file and a system call or two, and an
# engine waits for each of them.

PATIENCE = 500  # times 10 ms
FILTERS = ".seccomp"  # below the directory of the containers; no container has a name that begins with a dot


class WrongState(LabcoreError):
    """What was asked for cannot be done to a container in this state."""


class Runtime:
    """Containers that are remembered below a directory. `stages` replaces stages by name."""

    def __init__(self, root: Path, *, stages: "Mapping[str, Stage] | None" = None) -> None:
        self.store = Store(root)
        self.stages = stages

    # --- looking

    def status(self, saved: Saved) -> Status:
        """Return a container's status."""
        return status_of(saved, Cgroup(saved.cgroup).is_frozen())

    def state(self, name: str) -> dict[str, Any]:
        """Return the state object. Raises NoSuchContainer."""
        saved = self.store.load(name)
        return state_json(saved, self.status(saved))

    # --- creating

    def create(
        self,
        name: str,
        directory: Path,
        *,
        console_socket: str | None = None,
        preserved: Sequence[int] = (),
        keep: bool = False,
    ) -> "Process":
        """Make everything up to the program, which waits for `start`; return its process.

        It belongs to whoever reaps this process's orphans; with `keep` to this process, which can wait for it. Its program
        finds the descriptors `preserved` open from 3 on. On failure nothing is left.
        Raises ConfigError, InvalidInput, StepFailed, HookFailed.
        """
        from labcore.runtime.oci import console
        from labcore.runtime.oci.cgroup_mounts import with_cgroup_mounts
        from labcore.runtime.oci.config import read_bundle
        from labcore.runtime.oci.plans import with_home

        config = read_config(directory)
        bundle = read_bundle(config, directory)
        console.check_socket(console_socket, bundle.spec.terminal)
        with ExitStack() as undo:
            gate = self.store.make(name) / "gate"
            undo.callback(self.store.remove, name)
            os.mkfifo(gate, 0o600)
            cgroup = _make_cgroup(bundle, name, undo)
            kept = str(self.store.root / FILTERS)
            spec = with_home(with_cgroup_mounts(bundle.spec, cgroup), bundle.spec.root.directory)
            bundle = bundle.replace(spec=spec.replace(filters_kept_in=kept))
            process = self._spawn(name, directory, bundle, config, cgroup, console_socket, preserved, keep)
            undo.pop_all()
        return process

    def _spawn(
        self,
        name: str,
        directory: Path,
        bundle: "Bundle",
        config: dict[str, Any],
        cgroup: Cgroup,
        console_socket: str | None,
        preserved: Sequence[int],
        keep: bool,
    ) -> "Process":
        from datetime import UTC, datetime

        from labcore.runtime.oci import console, hooks
        from labcore.runtime.oci.plans import check_program, creation_plan
        from labcore.runtime.start import spawn
        from labcore.runtime.userns import write_id_maps

        def remembered(process: "Process") -> Saved:
            life = Life.of(process.pid)
            return Saved(
                id=name,
                pid=process.pid,
                process_start=life.start if life else 0,
                bundle=str(directory),
                created=datetime.now(UTC).isoformat(),
                config=config,
                cgroup=cgroup.path,
                version=bundle.version,
                annotations=bundle.annotations,
            )

        def prepare(process: "Process") -> None:
            write_id_maps(process.pid, bundle.spec.uid_map, bundle.spec.gid_map)
            state = state_json(remembered(process), "created") | {"status": "creating"}
            hooks.run_here("prestart", bundle.hooks["prestart"], state | {"status": "created"})
            hooks.run_here("createRuntime", bundle.hooks["createRuntime"], state)
            hooks.run_inside("createContainer", bundle.hooks["createContainer"], state, process.pid)

        def take_terminal(process: "Process") -> None:
            console.hand_over(process, console_socket or "", bundle.console_size)

        def created(process: "Process") -> None:
            check_program(bundle.spec, process)
            self.store.save(remembered(process))

        plan = creation_plan(
            bundle,
            gate=self.store.gate(name),
            entrances=cgroup.entrances(),
            prepare=prepare,
            take_terminal=take_terminal,
            created=created,
            preserved=len(preserved),
            stages=self.stages,
        )
        return spawn(plan, until_sync=True, release=not keep, preserved=preserved)

    def start(self, name: str) -> None:
        """Let a created container become its program. Raises WrongState, HookFailed; then the container is gone."""
        with self.store.locked(name):
            saved = self.store.load(name)
            if (status := self.status(saved)) != "created":
                raise WrongState(f"container {name} cannot be started: it is {status}, and not created")
            wanted = _hooks_of(saved)
            try:
                if inside := wanted.get("startContainer"):
                    from labcore.runtime.oci import hooks

                    hooks.run_inside("startContainer", inside, state_json(saved, "created"), saved.pid)
                self._open_gate(name)
            except LabcoreError:
                self._destroy(saved)
                raise
            self.store.save(saved.replace(started=True))
            with suppress(OSError):
                self.store.gate(name).unlink()
        _run_anyway("poststart", saved, "running")

    def _open_gate(self, name: str) -> None:
        try:
            gate = os.open(self.store.gate(name), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise WrongState(f"container {name} cannot be started: nobody waits at its gate ({error.strerror})") from None
        try:
            os.write(gate, b"!")
        finally:
            os.close(gate)

    # --- ending

    def kill(self, name: str, number: int, *, everybody: bool = False) -> None:
        """Send a signal to a container's first process, or to everybody in it. Raises WrongState if it has ended."""
        saved = self.store.load(name)
        if everybody:
            Cgroup(saved.cgroup).kill(number)
            return
        if self.status(saved) == "stopped":
            raise WrongState(f"container {name} cannot be killed: it is not running")
        _signal(saved, number)

    def delete(self, name: str, *, force: bool = False) -> None:
        """Forget a container that has ended, and its cgroup.

        With `force` one that runs is killed, and one that is not there is fine. Raises WrongState for one that runs,
        NoSuchContainer, StateDamaged.
        """
        try:
            with self.store.locked(name):
                saved = self.store.load(name)
                status = self.status(saved)
                if status not in ("stopped", "created") and not force:
                    raise WrongState(f"container {name} cannot be deleted: it is {status}; kill it first, or delete --force")
                self._destroy(saved)
        except NoSuchContainer:
            if not force:
                raise
            self.store.remove(name)  # one whose creation was broken off
        except StateDamaged:
            if not force:
                raise
            self.store.remove(name)

    def _destroy(self, saved: Saved) -> None:
        with suppress(WrongState, OSError):
            _signal(saved, signal.SIGKILL)
        for _ in range(PATIENCE):
            if status_of(saved) == "stopped":
                break
            if Cgroup(saved.cgroup).is_frozen():
                Cgroup(saved.cgroup).thaw()
            time.sleep(0.01)
        Cgroup(saved.cgroup).remove()
        self.store.remove(saved.id)
        _run_anyway("poststop", saved, "stopped")

    # --- while it runs

    def exec(
        self,
        name: str,
        process: dict[str, Any],
        *,
        console_socket: str | None = None,
        preserved: Sequence[int] = (),
        release: bool = False,
    ) -> "Process":
        """Start a further process in a running container, from a `process` object (config.md).

        The caller waits for it, unless it is released to whoever reaps this process's orphans. Raises WrongState, ConfigError,
        InvalidInput, StepFailed.
        """
        from labcore.runtime.oci import console
        from labcore.runtime.oci.config import read_bundle, read_process
        from labcore.runtime.oci.node import Node
        from labcore.runtime.oci.plans import check_program, exec_plan, with_home
        from labcore.runtime.start import spawn

        saved = self.store.load(name)
        if (status := self.status(saved)) not in ("running", "created"):
            raise WrongState(f"container {name}: nothing can be executed in it: it is {status}")
        bundle = read_bundle(saved.config, Path(saved.bundle))
        spec = with_home(read_process(Node(process, "process"), bundle.spec), f"/proc/{saved.pid}/root")
        console.check_socket(console_socket, spec.terminal)
        size = Node(process, "process")["consoleSize"]
        wanted = (size["height"].unsigned(24), size["width"].unsigned(80)) if size else None

        def take_terminal(started: "Process") -> None:
            console.hand_over(started, console_socket or "", wanted)

        entrances = tuple(d for d in Cgroup(saved.cgroup).entrances() if Path(d).is_dir())

        def ready(started: "Process") -> None:
            check_program(spec, started)

        plan = exec_plan(
            spec, saved.pid, entrances=entrances, take_terminal=take_terminal, ready=ready, preserved=len(preserved)
        )
        return spawn(plan, release=release, preserved=preserved)

    def pause(self, name: str) -> None:
        """Stop all processes of a container where they are."""
        saved = self.store.load(name)
        if (status := self.status(saved)) not in ("running", "created"):
            raise WrongState(f"container {name} cannot be paused: it is {status}")
        Cgroup(saved.cgroup).freeze()

    def resume(self, name: str) -> None:
        """Let them go on."""
        saved = self.store.load(name)
        if (status := self.status(saved)) != "paused":
            raise WrongState(f"container {name} cannot be resumed: it is {status}, and not paused")
        Cgroup(saved.cgroup).thaw()

    def processes(self, name: str) -> list[int]:
        """Return the processes of a container, by their numbers out here."""
        saved = self.store.load(name)
        return Cgroup(saved.cgroup).processes()


def _hooks_of(saved: Saved) -> "dict[str, tuple[Hook, ...]]":
    """Return a container's hooks; most have none."""
    if not saved.config.get("hooks"):
        return {}
    from labcore.runtime.oci.config import read_hooks

    return read_hooks(saved.config)


def _run_anyway(kind: str, saved: Saved, status: Status) -> None:
    if wanted := _hooks_of(saved).get(kind):
        from labcore.runtime.oci import hooks

        hooks.run_anyway(kind, wanted, state_json(saved, status))


def read_config(directory: Path) -> dict[str, Any]:
    """Read a bundle's config.json. Raises ConfigError."""
    from labcore.runtime.oci.node import ConfigError

    path = directory / "config.json"
    try:
        config = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: name a bundle with --bundle") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: must be an object")
    return config


def _make_cgroup(bundle: "Bundle", name: str, undo: ExitStack) -> Cgroup:
    """Make a container's cgroup with its limits.

    A user who may make none does without, as long as no limit is asked for: of devices a user namespace has none to use.
    """
    from labcore.runtime.observe import confined

    cgroup = _cgroup_of(bundle, name)
    undo.callback(cgroup.remove)
    try:
        cgroup.make()
    except PermissionError as error:
        if bundle.resources.replace(devices=()) != type(bundle.resources)() or not (os.geteuid() or confined()):
            raise InvalidInput(f"linux.resources: no cgroup can be made here ({error}): have a subtree delegated") from None
        return Cgroup("")
    cgroup.apply(bundle.resources)
    cgroup.allow_devices(bundle.resources)
    return cgroup


def _cgroup_of(bundle: "Bundle", name: str) -> Cgroup:
    if bundle.cgroup.startswith("/"):
        return Cgroup(os.path.normpath(bundle.cgroup))
    return Cgroup.below_own(bundle.cgroup or name)


def _signal(saved: Saved, number: int) -> None:
    """Send a signal to the very process that was started, not to a later one with its number."""
    try:
        pidfd = os.pidfd_open(saved.pid)
    except OSError as error:
        raise WrongState(f"container {saved.id} is not running ({error.strerror})") from None
    try:
        life = Life.of(saved.pid)
        if life is None or life.start != saved.process_start:
            raise WrongState(f"container {saved.id} is not running")
        signal.pidfd_send_signal(pidfd, number)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise InvalidInput(f"{number} is no signal") from None
        if error.errno != errno.ESRCH:
            raise
    finally:
        os.close(pidfd)
