"""The runtime as engines see it: create, start, kill, exec, pause, delete (runtime.md)."""

from __future__ import annotations

import os

from labcore.runtime.cgroups import Cgroup
from labcore.runtime.oci import transitions
from labcore.runtime.oci.life import Life, WrongState
from labcore.runtime.oci.state import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from _typeshed import StrPath

    from labcore.native import Process
    from labcore.runtime.cgroups.statistics import Statistics
    from labcore.runtime.oci.console import Console
    from labcore.runtime.oci.state import Saved
    from labcore.runtime.stages import Stage

NOT_EXECUTED = "nothing can be executed in it"


class Runtime:
    """Containers that are remembered below a directory. `stages` replaces stages by name."""

    def __init__(self, root: StrPath, *, stages: Mapping[str, Stage | None] | None = None) -> None:
        self.store = Store(os.fspath(root))
        self.stages = stages

    def state(self, name: str) -> dict[str, Any]:
        """Return the state object. Raises NoSuchContainer."""
        return self.store.state(name)

    def create(
        self,
        name: str,
        directory: StrPath,
        *,
        console: Console | None = None,
        preserved: Sequence[int] = (),
        scope: bool = False,
        config: str = "",
        keep: bool = False,
        listening: int = 0,
    ) -> Process:
        """Make everything up to the program, which waits for `start`; return its process: see creation.create.

        `console` gets its terminal's other end, if it has a terminal. The first `listening` of the `preserved` are sockets.
        """
        from labcore.runtime.oci.console import ConsoleSocket
        from labcore.runtime.oci.creation import Request, create

        request = Request(name, os.fspath(directory), console or ConsoleSocket(None), preserved, scope, config, listening)
        return create(self.store, request, self.stages, keep=keep)

    def start(self, name: str) -> None:
        """Let a created container become its program. Raises WrongState, HookFailed; then the container is gone."""
        transitions.start(self.store.root, name)

    def kill(self, name: str, number: int, *, everybody: bool = False) -> None:
        """Send a signal to a container's first process, or to everybody in it. Raises WrongState if it has ended."""
        life = Life.load(self.store.root, name)
        (life.kill_all if everybody else life.kill)(number)

    def delete(self, name: str, *, force: bool = False) -> None:
        """Forget a container that has ended, and its cgroup; with `force` also one that runs: see transitions.delete."""
        transitions.delete(self.store.root, name, force=force)

    def exec(
        self,
        name: str,
        process: dict[str, Any],
        *,
        console: Console | None = None,
        preserved: Sequence[int] = (),
        release: bool = False,
        ignore_paused: bool = False,
    ) -> Process:
        """Start a further process in a running container, from a `process` object (config.md).

        With `ignore_paused` also in one that is paused: it waits there until that goes on. The caller waits for it, unless it
        is released to whoever reaps this process's orphans. Raises WrongState, ConfigError, InvalidInput, StepFailed.
        """
        from labcore.runtime.oci.console import ConsoleSocket
        from labcore.runtime.oci.exec import execute

        paused = ("paused",) if ignore_paused else ()
        saved = self._in_state(name, NOT_EXECUTED, "running", "created", *paused)

        def check() -> None:  # what was joined may be a later process's, with the number of one that has ended
            self._in_state(name, f"{NOT_EXECUTED} any more", "running", "created", "paused")

        return execute(
            saved,
            process,
            stages=self.stages,
            console=console or ConsoleSocket(None),
            preserved=preserved,
            release=release,
            check_joined=check,
        )

    def pause(self, name: str) -> None:
        """Stop all processes of a container where they are. Raises WrongState."""
        Cgroup(self._in_state(name, "it cannot be paused", "running", "created").cgroup).freeze()

    def resume(self, name: str) -> None:
        """Let them go on. Raises WrongState."""
        Cgroup(self._in_state(name, "it cannot be resumed", "paused").cgroup).thaw()

    def statistics(self, name: str) -> Statistics:
        """Return what a container has used. Raises NoSuchContainer."""
        return Cgroup(self.store.load(name).cgroup).statistics()

    def processes(self, name: str) -> list[int]:
        """Return the processes of a container, by their numbers out here."""
        saved = self.store.load(name)
        return Cgroup(saved.cgroup).processes() or [saved.pid]

    def _in_state(self, name: str, otherwise: str, *wanted: str) -> Saved:
        saved = self.store.load(name)
        if (status := Life.load(self.store.root, name).status()) not in wanted:
            if otherwise == NOT_EXECUTED and status == "paused":
                raise WrongState(
                    f"container {name}: cannot exec in a paused container: it is paused: resume it, or --ignore-paused"
                )
            raise WrongState(f"container {name}: {otherwise}: it is {status}, and not {' or '.join(wanted)}")
        return saved
