"""Hooks: programs of a bundle, run at the points of a container's life (config.md, POSIX-platform hooks)."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread
from typing import Any

from labcore.errors import LabcoreError
from labcore.native import DEVNULL, PIPE, Process
from labcore.runtime import Plan, ops, spawn
from labcore.runtime.exec import enter_root, joined_namespaces
from labcore.runtime.oci.config import Hook
from labcore.runtime.ops import Op
from labcore.runtime.stages.rootfs import BEHIND_SYNC

MOST_SAID = 300  # bytes of what a failed hook has said
TAIL_SECONDS = 1.0  # for what is still in the pipe


class HookFailed(LabcoreError):
    """A hook did not do its work."""


def run_here(kind: str, hooks: tuple[Hook, ...], state: dict[str, Any]) -> None:
    """Run hooks in this process's namespaces, one after the other. Raises HookFailed at the first that fails."""
    for number, hook in enumerate(hooks):
        environment = dict(variable.split("=", 1) for variable in hook.env if "=" in variable)
        try:
            done = subprocess.run(
                hook.args,
                executable=hook.path,
                env=environment or None,  # ours, as with runc
                input=json.dumps(state).encode(),
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                timeout=hook.timeout,
                cwd=state["bundle"],
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failure(kind, number, hook, str(error)) from None
        if done.returncode:
            raise _failure(kind, number, hook, _how_it_ended(done.returncode, done.stderr))


def run_inside(
    kind: str,
    hooks: tuple[Hook, ...],
    state: dict[str, Any],
    pid: int,
    *,
    directory: str = "/",
    entrances: tuple[str, ...] = (),
    confinement: Sequence[Op] = (),
) -> None:
    """Run hooks in the namespaces of a container's process, in a `directory` there. Raises HookFailed at the first that fails.

    A program out of the container's own root gets no more than the container: its cgroups, by their `entrances`, and its
    `confinement`.
    """
    enter: list[Op] = [ops.JoinCgroup(entrances)] if entrances else []
    for number, hook in enumerate(hooks):
        execute = ops.Execve(hook.args, ops.last_of_each(hook.env), (hook.path,))
        begin = [
            ops.JoinNamespaces(joined_namespaces(pid)),
            ops.Clone(),
            ops.NewSession(),
            ops.CloseDescriptors(BEHIND_SYNC),
            ops.JoinSessionKeyring(),
        ]
        plan = Plan([*enter, *begin, *enter_root(pid), ops.Chdir(directory), *confinement, execute])
        try:
            with spawn(plan, stdin=PIPE, stdout=DEVNULL, stderr=PIPE) as process:
                tail = _Tail(process)
                process.communicate(json.dumps(state).encode(), hook.timeout)
        except (LabcoreError, TimeoutError, BrokenPipeError) as error:
            raise _failure(kind, number, hook, str(error)) from None
        if process.returncode:
            raise _failure(kind, number, hook, _how_it_ended(process.returncode, tail.last()))


class _Tail(Thread):
    """Keeps the last bytes of a process's standard error, and no more: a container's program may say any amount."""

    def __init__(self, process: Process) -> None:
        super().__init__(daemon=True)
        self._said, self._stream, process.stderr = b"", process.stderr, None
        self.start()

    def run(self) -> None:
        """Read to the end."""
        if self._stream is not None:
            with self._stream:
                while chunk := os.read(self._stream.fileno(), 1 << 16):
                    self._said = (self._said + chunk)[-MOST_SAID:]

    def last(self) -> bytes:
        """Return them; who still has the stream when the process has ended is not waited for."""
        self.join(TAIL_SECONDS)
        return self._said


def _failure(kind: str, number: int, hook: Hook, why: str) -> HookFailed:
    """Return the error as runc words it, and engines show it: the hooks of a kind are counted from 0."""
    return HookFailed(f"error running {kind} hook #{number}: {hook.path}: {why}")


def _how_it_ended(status: int, stderr: bytes) -> str:
    said = stderr[-MOST_SAID:].decode(errors="replace").strip()
    how = f"exit status {status}" if status >= 0 else f"signal: {(signal.strsignal(-status) or str(-status)).lower()}"
    return how + (f": {said}" if said else "")


def run_anyway(kind: str, hooks: tuple[Hook, ...], state: dict[str, Any]) -> None:
    """Run hooks of which none may stop the others: a failure is a warning (runtime.md, lifecycle)."""
    for hook in hooks:
        try:
            run_here(kind, (hook,), state)
        except HookFailed as error:
            print(f"labcore-runtime: warning: {error}", file=sys.stderr)
