"""A container's process between `create` and `delete`: its identity, its status, signals to it, and what is remembered of it.

An engine waits for each of these commands, and most of a command's time is Python's own start and what it imports. So what they
need is kept in a few lines of text, beside the JSON that holds everything, and this module gets along with `os`::

    ROOT/ID/life       its process: `pid` (0 until it is made to its end) and `start`, the time that /proc gives it; `cgroup`, a
                       directory, for each; `made`, those of them that were made for it; `hooks`; `program`, whether it
                       has one; `end`
            started    there once it has been started
            exec.fifo  a FIFO: the container's process waits at it until `start`
            lock       held by whoever changes the container
            state.json all that was asked for: see state.py
"""

from __future__ import annotations

import errno
import os
import time

from labcore import locks
from labcore.atomic import atomic_write
from labcore.errors import InvalidInput, LabcoreError
from labcore.procfs import start_time
from labcore.runtime.cgroups import removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


EXIT_POLLS = 500  # times 2 ms
PATIENT_POLLS = 5  # until it is asked what keeps a killed process
END = "end"  # the last line of what is remembered
SIGKILL = 9  # `signal` imports much
NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")


class NoSuchContainer(LabcoreError, LookupError):
    """There is no container of this name."""


class StateDamaged(LabcoreError):
    """What is remembered of a container cannot be read: `delete --force` clears it away."""


class WrongState(LabcoreError):
    """What was asked for cannot be done to a container in this state."""


def is_name(text: str) -> bool:
    """Return whether a container can have this name."""
    return 0 < len(text) <= 255 and NAME.issuperset(text) and text[0] != "."  # NAME_MAX


def directory_of(root: str, name: str) -> str:
    """Return a container's directory. Raises InvalidInput for a name that is none."""
    if not is_name(name):
        raise InvalidInput(f"{name!r} is no container's name: use letters, digits, and any of _ + - .")
    return f"{root}/{name}"


class Lock(locks.Lock):
    """Held by whoever makes or changes a container; a block waits for it. Raises NoSuchContainer."""

    def __init__(self, root: str, name: str) -> None:
        try:
            super().__init__(f"{directory_of(root, name)}/lock", os.O_RDWR)
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None

    def __enter__(self) -> Self:
        return self.acquire()


class Life:
    """What is remembered of a container's process.

    `cgroups` are those that it is in, and `made` those of them that were made for it: no others are emptied and removed.
    """

    def __init__(
        self,
        root: str,
        name: str,
        pid: int = 0,
        start: int = 0,
        cgroups: Sequence[str] = (),
        made: Sequence[str] = (),
        hooks: Sequence[str] = (),
    ) -> None:
        self.root = root
        self.name = name
        self.pid = pid
        self.start = start
        self.cgroups = list(cgroups)
        self.made = list(made)
        self.hooks = list(hooks)
        self.has_program = True
        self.directory = directory_of(root, name)

    def save(self) -> None:
        """Write it down, whole or not at all."""
        lines = [
            f"pid {self.pid}",
            f"start {self.start}",
            f"program {int(self.has_program)}",
            *(f"cgroup {path}" for path in self.cgroups),
        ]
        lines += [*(f"made {path}" for path in self.made), *(f"hooks {kind}" for kind in self.hooks), END]
        atomic_write(f"{self.directory}/life", "".join(f"{line}\n" for line in lines).encode(), durable=False)

    @classmethod
    def load(cls, root: str, name: str) -> Life:
        """Read what a container that was made to its end is remembered by. Raises NoSuchContainer, StateDamaged."""
        life = cls.load_unfinished(root, name)
        if not life.pid:
            raise NoSuchContainer(f"container {name} does not exist: its creation has not come to its end")
        return life

    @classmethod
    def load_unfinished(cls, root: str, name: str) -> Life:
        """Read it, whether its creation has come to its end or not. Raises NoSuchContainer, StateDamaged."""
        try:
            with open(f"{directory_of(root, name)}/life", encoding="utf-8") as file:
                lines = file.read().splitlines()
            if not lines or lines[-1] != END:  # half a line could name a cgroup that is another's
                raise ValueError("it is cut short")
            pairs = [line.split(" ", 1) for line in lines[:-1]]
            numbers = {key: int(value) for key, value in pairs if key in ("pid", "start", "program")}
            several = [[value for key, value in pairs if key == kind] for kind in ("cgroup", "made", "hooks")]
            life = cls(root, name, numbers["pid"], numbers["start"], *several)
            life.has_program = bool(numbers["program"])
            return life
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None
        except (ValueError, KeyError) as error:
            raise StateDamaged(f"container {name}: its state cannot be read ({error}): delete --force clears it away") from None

    def runs(self) -> bool:
        """Return whether its process is there and has not ended; a later one with its number does not count."""
        return start_time(self.pid) == self.start

    def status(self) -> str:
        """Return `created`, `running`, `paused` or `stopped`."""
        if not self.runs():
            return "stopped"
        if removal.frozen(self.cgroups):
            return "paused"
        return "running" if os.path.exists(f"{self.directory}/started") else "created"

    def kill(self, number: int) -> None:
        """Send a signal to the very process that was started. Raises WrongState if it has ended.

        SIGKILL takes all in its cgroups along: without a PID namespace of its own they would outlive it, and may have.
        """
        if number == SIGKILL and removal.processes(self.made):
            self.kill_all(number)
            return
        import _signal as signal  # all of `signal` but its enumerations, which take long

        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError as error:
            raise WrongState(f"{self.name}: container not running ({error.strerror})") from None
        try:
            if not self.runs():
                raise WrongState(f"{self.name}: container not running")  # runc's words, which engines look for
            signal.pidfd_send_signal(pidfd, number)
            if number == SIGKILL:
                removal.thaw(self.cgroups)  # in version 1 what is frozen does not even die
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise InvalidInput(f"{number} is no signal") from None
            if error.errno != errno.ESRCH:
                raise
        finally:
            os.close(pidfd)

    def kill_all(self, number: int) -> None:
        """Send a signal to everybody in the cgroups that were made for it; if none were, to its process alone."""
        if not self.made:
            self.kill(number)
            return
        for pid in removal.processes(self.made):
            removal.send(pid, number)
        if number == SIGKILL:
            removal.thaw_all(self.made)

    def mark_started(self) -> None:
        """Remember that it was started; its exec.fifo is of no use any more."""
        os.rename(f"{self.directory}/exec.fifo", f"{self.directory}/started")

    def write_exec_fifo(self) -> None:
        """Let the process that waits there go on. Raises WrongState if there is none."""
        try:
            fifo = os.open(f"{self.directory}/exec.fifo", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            why = f"nobody waits at its exec.fifo ({error.strerror})"
            raise WrongState(f"container {self.name} cannot be started: {why}") from None
        try:
            os.write(fifo, b"!")
        finally:
            os.close(fifo)

    def destroy(self) -> None:
        """End its processes, remove the cgroups that were made for it, and forget it.

        In a cgroup that was there before only its first process is ended, and with it all that are in its PID namespace.
        """
        if self.pid and self.runs():
            self._end()
        removal.remove(self.made)
        forget(self.directory)

    def _end(self) -> None:
        try:
            self.kill(SIGKILL)
        except WrongState:  # it has ended by itself
            return
        for attempt in range(EXIT_POLLS):
            if attempt == PATIENT_POLLS:
                removal.gather(self.made)
            removal.thaw(self.cgroups)
            removal.thaw_all(self.made)
            if not self.runs():
                return
            time.sleep(0.002)


def forget(directory: str) -> None:
    """Remove a container's directory; one that is gone is fine."""
    try:
        for name in os.listdir(directory):
            os.unlink(f"{directory}/{name}")
        os.rmdir(directory)
    except FileNotFoundError:
        return
