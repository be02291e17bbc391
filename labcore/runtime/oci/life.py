"""A container between `create` and `delete`: start it, signal it, forget it.

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

import errno
import os
import time

from labcore import locks
from labcore.errors import InvalidInput, LabcoreError
from labcore.procfs import start_time
from labcore.runtime.cgroups import removal

TYPE_CHECKING = False  # `typing` would cost more than all else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from labcore.runtime.oci.state import Saved

EXIT_POLLS = 500  # times 2 ms
END = "end"  # the last line of what is remembered
SIGKILL = 9  # `signal` is a large module
start_of = start_time
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

    def __enter__(self) -> "Self":
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
        cgroups: "Sequence[str]" = (),
        made: "Sequence[str]" = (),
        hooks: "Sequence[str]" = (),
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
        with open(f"{self.directory}/life.incoming", "w") as file:  # noqa: PTH123
            file.write("\n".join(lines) + "\n")
        os.rename(f"{self.directory}/life.incoming", f"{self.directory}/life")  # noqa: PTH104

    @classmethod
    def load(cls, root: str, name: str) -> "Life":
        """Read what a container that was made to its end is remembered by. Raises NoSuchContainer, StateDamaged."""
        life = cls.load_unfinished(root, name)
        if not life.pid:
            raise NoSuchContainer(f"container {name} does not exist: its creation has not come to its end")
        return life

    @classmethod
    def load_unfinished(cls, root: str, name: str) -> "Life":
        """Read it, whether its creation has come to its end or not. Raises NoSuchContainer, StateDamaged."""
        try:
            with open(f"{directory_of(root, name)}/life") as file:  # noqa: PTH123
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
        return "running" if os.path.exists(f"{self.directory}/started") else "created"  # noqa: PTH110

    def kill(self, number: int) -> None:
        """Send a signal to the very process that was started. Raises WrongState if it has ended."""
        import signal

        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError as error:
            raise WrongState(f"container {self.name} is not running ({error.strerror})") from None
        try:
            if not self.runs():
                raise WrongState(f"container {self.name} is not running")
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
            removal.thaw(self.made)

    def mark_started(self) -> None:
        """Remember that it was started; its exec.fifo is of no use any more."""
        os.rename(f"{self.directory}/exec.fifo", f"{self.directory}/started")  # noqa: PTH104

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

    def destroy(self, *, hooks: bool = True) -> None:
        """End its processes, remove the cgroups that were made for it, forget it, and run its last hooks. Raises StateDamaged.

        In a cgroup that was there before only its first process is ended, and with it all that are in its PID namespace.
        """
        saved = self._saved() if hooks and "poststop" in self.hooks else None
        if self.pid and self.runs():
            self._end()
        removal.remove(self.made)
        forget(self.directory)
        if saved:
            from labcore.runtime.oci import state

            state.run_hooks_anyway("poststop", saved, "stopped")

    def _saved(self) -> "Saved":
        from labcore.runtime.oci import state

        return state.Store(self.root).load(self.name)

    def _end(self) -> None:
        try:
            self.kill(SIGKILL)
        except WrongState:  # it has ended by itself
            return
        for _ in range(EXIT_POLLS):
            removal.thaw(self.cgroups)
            if not self.runs():
                return
            time.sleep(0.002)


def start(root: str, name: str) -> None:
    """Let a created container become its program. Raises NoSuchContainer, WrongState; HookFailed, and the container is gone."""
    with Lock(root, name):
        life = Life.load(root, name)
        if (status := life.status()) != "created":
            raise WrongState(f"container {name} cannot be started: it is {status}, and not created")
        if not life.has_program:
            raise WrongState(f"container {name} cannot be started: its config.json has no process")
        try:
            if "startContainer" in life.hooks:
                from labcore.runtime.oci import state

                state.run_hooks_inside("startContainer", state.Store(root).load(name))
            life.write_exec_fifo()
        except LabcoreError:
            life.destroy()
            raise
        life.mark_started()
    if "poststart" in life.hooks:
        from labcore.runtime.oci import state

        state.run_hooks_anyway("poststart", state.Store(root).load(name), "running")


def delete(root: str, name: str, *, force: bool = False) -> None:
    """Forget a container that has ended, and its cgroup.

    With `force` one that runs is killed, and one that is not there is fine. Raises WrongState for one that runs,
    NoSuchContainer, StateDamaged.
    """
    try:
        with Lock(root, name):
            if force:
                _clear_away(root, name)
                return
            life = Life.load(root, name)
            if (status := life.status()) not in ("stopped", "created"):
                raise WrongState(f"container {name} cannot be deleted: it is {status}; kill it first, or delete --force")
            life.destroy()
    except NoSuchContainer:
        if not force:
            raise
        forget(directory_of(root, name))  # its creation was broken off as soon as it had begun


def _clear_away(root: str, name: str) -> None:
    """Destroy a container by whatever can still be read of it: one whose creation was broken off, too."""
    try:
        life = Life.load_unfinished(root, name)
    except StateDamaged:
        from labcore.runtime.oci import state

        life = state.Store(root).rescue(name)
    try:
        life.destroy(hooks=bool(life.pid))
    except StateDamaged:  # so that nobody knows its last hooks
        life.destroy(hooks=False)


def forget(directory: str) -> None:
    """Remove a container's directory; one that is gone is fine."""
    try:
        for name in os.listdir(directory):  # noqa: PTH208
            os.unlink(f"{directory}/{name}")  # noqa: PTH108
        os.rmdir(directory)  # noqa: PTH106
    except FileNotFoundError:
        return
