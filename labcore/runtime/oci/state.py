"""State of OCI containers between two commands: state.json, beside the short lines of life.py.

ROOT/ID/state.json is written atomically; the container exists once it is there.
"""

from __future__ import annotations

import os

from labcore.atomic import atomic_write
from labcore.errors import InvalidInput
from labcore.files import read_bytes, write_text
from labcore.json_codec import dumps, loads
from labcore.record import Record
from labcore.runtime.oci.life import Life, Lock, NoSuchContainer, StateDamaged, directory_of, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from labcore.native import Process
    from labcore.runtime.oci.config import Hook

FORMAT: Final = 3


class Saved(Record):
    """A container that was created. `start` is when its process was, `made` the cgroups that were made for it: see life.py."""

    id: str
    pid: int
    start: int
    bundle: str
    created: str
    config: dict[str, Any]
    cgroup: str
    made: tuple[str, ...]
    version: str
    annotations: dict[str, str]
    format: int = FORMAT


class Store:
    """The containers below one directory."""

    def __init__(self, root: str) -> None:
        self.root = root

    def make(self, name: str) -> str:
        """Claim a name; return its directory. Raises InvalidInput if it is taken."""
        directory = directory_of(self.root, name)
        os.makedirs(self.root, mode=0o711, exist_ok=True)
        try:
            os.mkdir(directory, 0o700)
        except FileExistsError:
            raise InvalidInput(f"container {name} exists already: choose another name, or delete it") from None
        write_text(f"{directory}/lock", "")
        return directory

    def save(self, saved: Saved) -> None:
        """Write what is to be remembered, whole or not at all; after the machine's next start it is of no use any more."""
        path = f"{directory_of(self.root, saved.id)}/state.json"
        atomic_write(path, dumps(saved.as_dict()).encode(), durable=False)

    def load(self, name: str) -> Saved:
        """Read what is remembered. Raises NoSuchContainer, StateDamaged."""
        try:
            text = read_bytes(f"{directory_of(self.root, name)}/state.json").decode(errors="replace")
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None
        try:
            values = loads(text)
            if values["format"] != FORMAT:
                raise StateDamaged(
                    f"container {name}: its state has format {values['format']}, and this labcore knows {FORMAT}"
                )
            return Saved(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise StateDamaged(f"container {name}: its state cannot be read ({error}): delete --force clears it away") from None

    def is_left_over(self, name: str) -> bool:
        """Return whether a container was not made to its end, and nobody is about to."""
        try:
            lock = Lock(self.root, name)
        except NoSuchContainer:
            return os.path.exists(directory_of(self.root, name))
        try:
            return lock.try_acquire()
        finally:
            lock.close()

    def rescue(self, name: str) -> Life:
        """Return what JSON still says of a container whose `life` cannot be read; nothing, if that is damaged too."""
        try:
            saved = self.load(name)
        except (NoSuchContainer, StateDamaged):
            return Life(self.root, name)
        from labcore.runtime.cgroups import Cgroup

        cgroups = Cgroup(saved.cgroup).entrances()
        return Life(self.root, name, saved.pid, saved.start, cgroups, saved.made, [k for k, v in _hooks_of(saved).items() if v])

    def names(self) -> list[str]:
        """Return the names of all containers, half-made ones too."""
        try:
            with os.scandir(self.root) as entries:
                return sorted(entry.name for entry in entries if is_name(entry.name) and entry.is_dir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def state(self, name: str) -> dict[str, Any]:
        """Return the state object. Raises NoSuchContainer, StateDamaged."""
        return state_json(self.load(name), Life.load(self.root, name).status())


def state_json(saved: Saved, status: str) -> dict[str, Any]:
    """Return the state as hooks and the `state` command show it (runtime.md, state)."""
    return {
        "ociVersion": saved.version,
        "id": saved.id,
        "status": status,
        **({"pid": saved.pid} if status != "stopped" else {"pid": 0}),
        "bundle": saved.bundle,
        "annotations": saved.annotations,
    }


def run_hooks_inside(kind: str, saved: Saved) -> None:
    """Run hooks whose programs lie in the container's own root, before it becomes its program. Raises HookFailed.

    Whoever made that root has written them: they get no more than the container, its cgroups and its rights. One without an
    environment has the container's, as with runc.
    """
    from labcore.runtime.cgroups import Cgroup
    from labcore.runtime.oci import hooks
    from labcore.runtime.oci.config import read_bundle
    from labcore.runtime.oci.rootfs import with_home
    from labcore.runtime.stages import STAGES, LaunchOptions, become_root_of
    from labcore.runtime.stages.sequence import heard

    def hand_over(process: Process) -> None:
        from labcore.runtime.oci.listener import give_listener

        give_listener(process, saved.config["linux"]["seccomp"], state)

    spec = with_home(read_bundle(saved.config, saved.bundle).spec, f"/proc/{saved.pid}/root")
    confine = heard(STAGES["confine"](spec), LaunchOptions(syncs=(("listener", hand_over),)))
    confined = [*become_root_of(spec), *confine]
    entrances = Cgroup(saved.cgroup).entrances()
    state = state_json(saved, "created")
    wanted = tuple(hook if hook.env else hook.replace(env=spec.environment) for hook in _hooks_of(saved)[kind])
    hooks.run_inside(kind, wanted, state, saved.pid, entrances=entrances, confinement=confined)


def run_hooks_anyway(kind: str, saved: Saved, status: str) -> None:
    """Run hooks of which none may stop the others."""
    from labcore.runtime.oci import hooks

    hooks.run_anyway(kind, _hooks_of(saved)[kind], state_json(saved, status))


def _hooks_of(saved: Saved) -> dict[str, tuple[Hook, ...]]:
    from labcore.runtime.oci.config import read_hooks

    return read_hooks(saved.config)
