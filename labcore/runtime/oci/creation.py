"""`create`: everything up to the program, which waits for `start` (runtime.md)."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.runtime.cgroups import Cgroup, removal
from labcore.runtime.oci.cgroup_mounts import with_cgroup_mounts
from labcore.runtime.oci.config import Bundle, read_bundle
from labcore.runtime.oci.life import Life, Lock, forget, start_of
from labcore.runtime.oci.node import ConfigError
from labcore.runtime.oci.plans import check_program, creation_plan, with_directory_modes, with_home
from labcore.runtime.oci.state import Saved, Store, state_json
from labcore.runtime.probe import confined
from labcore.runtime.start import spawn
from labcore.runtime.stdio import give_streams

if TYPE_CHECKING:
    from labcore.native import Process
    from labcore.runtime.stages import Stage

FILTERS: Final = ".seccomp"  # below the directory of the containers; no container has a name that begins with a dot


class Request(Record):
    """What a container is to be made of. `preserved` are descriptors that its program finds open from 3 on.

    With `scope` its cgroup is made by systemd, and the bundle names it in systemd's way.
    """

    name: str
    directory: Path
    console_socket: str | None = None
    preserved: Sequence[int] = ()
    scope: bool = False


def create(store: Store, request: Request, stages: "Mapping[str, Stage] | None", *, keep: bool) -> "Process":
    """Make a container up to its program; on failure nothing is left.

    Its process belongs to whoever reaps this one's orphans; with `keep` to this one, which can wait for it.
    Raises ConfigError, InvalidInput, StepFailed, HookFailed.
    """
    config = read_config(request.directory)
    bundle = read_bundle(config, request.directory, warn)
    check_socket(request.console_socket, bundle.spec.terminal)
    with ExitStack() as undo, ExitStack() as meanwhile:
        directory = store.make(request.name)
        undo.callback(forget, directory)
        meanwhile.enter_context(Lock(store.root, request.name))
        os.mkfifo(f"{directory}/gate", 0o600)
        life = Life(store.root, request.name, hooks=[kind for kind, wanted in bundle.hooks.items() if wanted])
        life.has_program = bundle.has_process
        undo.callback(lambda: removal.remove(life.made))
        cgroup = meanwhile.enter_context(_scope(bundle, request.name)) if request.scope else _cgroup_of(bundle, request.name)
        cgroup = _limited(cgroup, bundle, life, scope=request.scope)
        spec = with_directory_modes(with_cgroup_mounts(bundle.spec, cgroup))
        spec = with_home(spec, spec.root.directory)
        bundle = bundle.replace(spec=spec.replace(cgroups=cgroup.entrances(), filters_kept_in=f"{store.root}/{FILTERS}"))
        creation = _Creation(store, request, config, bundle, cgroup, life)
        plan = creation_plan(
            bundle,
            gate=Path(directory, "gate"),
            prepare=creation.prepare,
            run_hooks=creation.run_hooks if bundle.hooks["createContainer"] else None,
            take_terminal=creation.take_terminal,
            created=creation.created,
            preserved=len(request.preserved),
            stages=stages,
        )
        process = spawn(plan, until_sync=True, release=not keep, preserved=request.preserved)
        undo.pop_all()
    return process


class _Creation:
    """What the starter does while the container's process waits for it."""

    def __init__(
        self, store: Store, request: Request, config: dict[str, Any], bundle: Bundle, cgroup: Cgroup, life: Life
    ) -> None:  # fmt: skip
        self.store = store
        self.request = request
        self.config = config
        self.bundle = bundle
        self.cgroup = cgroup
        self.life = life

    def saved(self, process: "Process") -> Saved:
        """Return what will be remembered."""
        return Saved(
            id=self.request.name,
            pid=process.pid,
            start=start_of(process.pid) or 0,
            bundle=str(self.request.directory),
            created=now(),
            config=self.config,
            cgroup=self.cgroup.path,
            made=tuple(self.life.made),
            version=self.bundle.version,
            annotations=self.bundle.annotations,
        )

    def prepare(self, process: "Process") -> None:
        """Its namespaces are there, and nothing is mounted yet: id maps, and the hooks of this moment."""
        if "user" in self.bundle.spec.namespaces:  # one that is joined has its maps
            from labcore.runtime.userns import write_id_maps

            write_id_maps(process.pid, self.bundle.spec.uid_map, self.bundle.spec.gid_map)
        wanted = self.bundle.hooks
        if wanted["prestart"] or wanted["createRuntime"]:
            from labcore.runtime.oci import hooks

            state = state_json(self.saved(process), "creating")
            hooks.run_here("prestart", wanted["prestart"], state | {"status": "created"})
            hooks.run_here("createRuntime", wanted["createRuntime"], state)

    def run_hooks(self, process: "Process") -> None:
        """All is mounted below the root's directory: the hooks that may mount more."""
        from labcore.runtime.oci import hooks

        state = state_json(self.saved(process), "creating")
        directory = self.bundle.spec.root.directory
        hooks.run_inside("createContainer", self.bundle.hooks["createContainer"], state, process.pid, directory=directory)

    def take_terminal(self, process: "Process") -> None:
        """It has a terminal, whose other end goes to whoever asked for it."""
        from labcore.runtime.oci import console

        console.hand_over(process, self.request.console_socket or "", self.bundle.console_size)

    def created(self, process: "Process") -> None:
        """All is done but becoming the program: remember it."""
        spec = self.bundle.spec
        if self.bundle.has_process:
            check_program(spec, process.pid)
        if not spec.terminal:
            give_streams(process.pid, spec.user.uid, terminals=True)
        saved = self.saved(process)
        self.store.save(saved)
        self.life.pid, self.life.start = saved.pid, saved.start
        self.life.save()


def warn(text: str) -> None:
    """Tell whoever asked for a container what it has to do without."""
    print(f"labcore-runtime: warning: {text}", file=sys.stderr)


def now() -> str:
    """Return this moment as RFC 3339 writes it."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09}Z"


def check_socket(path: str | None, wanted: bool) -> None:
    """Raise InvalidInput if a terminal is wanted and nobody would get its other end, or the other way round."""
    if wanted and not path:
        raise InvalidInput("process.terminal: a terminal needs --console-socket, to which its other end is sent")
    if path and not wanted:
        raise InvalidInput("--console-socket: process.terminal is false, so that there is no terminal to be sent")
    if path and not Path(path).exists():
        raise InvalidInput(f"--console-socket {path}: there is no such socket")


def read_config(directory: Path) -> dict[str, Any]:
    """Read a bundle's config.json. Raises ConfigError."""
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


def _limited(cgroup: Cgroup, bundle: Bundle, life: Life, *, scope: bool) -> Cgroup:
    """Make a container's cgroup if it is not there, and set its limits; what is made is remembered, before and afterwards.

    One that was there before is used if nobody is in it, and stays. A scope is made by systemd, and one of ours is in it.
    A user who may make none does without, as long as no limit is asked for. Nor may an ordinary user say which devices can be
    used; none can that is made in a user namespace.
    """
    entrances = cgroup.entrances()
    if not scope:
        cgroup.check_free()
    life.cgroups = list(entrances)
    life.made = [directory for directory in entrances if scope or not Path(directory).exists()]
    life.save()
    try:
        made = cgroup.make()
        life.made = life.made if scope else made
        if removal.frozen(entrances):
            raise InvalidInput(f"cgroup {cgroup.path}: one above it is frozen: thaw that, or name another cgroup")
    except PermissionError as error:
        if bundle.resources.replace(devices=()) != type(bundle.resources)() or not (os.geteuid() or confined()):
            raise InvalidInput(f"linux.resources: no cgroup can be made here ({error}): have a subtree delegated") from None
        removal.remove(life.made)
        life.cgroups, life.made = [], []
        return Cgroup("")
    cgroup.apply(bundle.resources)
    if os.geteuid() == 0 and not confined():
        cgroup.allow_devices(bundle.resources)
    return cgroup


def _cgroup_of(bundle: Bundle, name: str) -> Cgroup:
    if bundle.cgroup.startswith("/"):
        return Cgroup.at(bundle.cgroup)
    return Cgroup.near_own(bundle.cgroup or name)


def _scope(bundle: Bundle, name: str) -> AbstractContextManager[Cgroup]:
    from labcore.runtime.cgroups.scope import Scope

    return Scope.parse(bundle.cgroup, name).begun(bundle.resources)
