"""A container between `create` and `delete`: start it, signal it, forget it.

An engine waits for each of these commands, and most of a command's time is Python's own start and what it imports. So what they
need is kept in a few lines of text, beside the JSON that holds everything, and this module gets along with `os`::

    ROOT/ID/life       its process: `pid` and `start`, the time that /proc gives it; `cgroup`, a directory, for each; `hooks`
            started    there once it has been started
            gate       a FIFO: the container's process waits at it until `start`
            lock       held by whoever changes the container
            state.json all that was asked for: see state.py
"""

import errno
import fcntl
import os
import time

from labcore.errors import InvalidInput, LabcoreError
from labcore.runtime.cgroups import removal

TYPE_CHECKING = False  # `typing` would cost more than all else here
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PATIENCE = 500  # times 10 ms
SIGKILL = 9  # `signal` is a large module
NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.")


class NoSuchContainer(LabcoreError, LookupError):
    """There is no container of this name."""


class StateDamaged(LabcoreError):
    """What is remembered of a container cannot be read: `delete --force` clears it away."""


class WrongState(LabcoreError):
    """What was asked for cannot be done to a container in this state."""


def directory_of(root: str, name: str) -> str:
    """Return a container's directory. Raises InvalidInput for a name that is none."""
    if not name or len(name) > 1024 or not NAME.issuperset(name) or name[0] == ".":
        raise InvalidInput(f"{name!r} is no container's name: use letters, digits, and any of _ + - .")
    return f"{root}/{name}"


class Lock:
    """Held by whoever changes a container. Raises NoSuchContainer."""

    def __init__(self, root: str, name: str) -> None:
        try:
            self._file = os.open(f"{directory_of(root, name)}/lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: "type[BaseException] | None", value: "BaseException | None", trace: "TracebackType | None"
    ) -> None:  # fmt: skip
        os.close(self._file)


class Life:
    """What is remembered of a container's process."""

    def __init__(self, root: str, name: str, pid: int, start: int, cgroups: "Sequence[str]", hooks: "Sequence[str]") -> None:
        self.root = root
        self.name = name
        self.pid = pid
        self.start = start
        self.cgroups = list(cgroups)
        self.hooks = list(hooks)
        self.directory = directory_of(root, name)

    def save(self) -> None:
        """Write it down, whole or not at all."""
        lines = [f"pid {self.pid}", f"start {self.start}", *(f"cgroup {path}" for path in self.cgroups)]
        lines += [f"hooks {kind}" for kind in self.hooks]
        with open(f"{self.directory}/life.incoming", "w") as file:  # noqa: PTH123
            file.write("\n".join(lines) + "\n")
        os.rename(f"{self.directory}/life.incoming", f"{self.directory}/life")  # noqa: PTH104

    @classmethod
    def load(cls, root: str, name: str) -> "Life":
        """Read it. Raises NoSuchContainer, StateDamaged."""
        directory = directory_of(root, name)
        try:
            with open(f"{directory}/life") as file:  # noqa: PTH123
                pairs = [line.rstrip("\n").split(" ", 1) for line in file]
            if not os.path.exists(f"{directory}/state.json"):  # noqa: PTH110  it was never made to its end
                raise FileNotFoundError
            numbers = {key: int(value) for key, value in pairs if key in ("pid", "start")}
            several = {kind: [value for key, value in pairs if key == kind] for kind in ("cgroup", "hooks")}
            return cls(root, name, numbers["pid"], numbers["start"], several["cgroup"], several["hooks"])
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None
        except (ValueError, KeyError) as error:
            raise StateDamaged(f"container {name}: its state cannot be read ({error}): delete --force clears it away") from None

    def runs(self) -> bool:
        """Return whether its process is there and has not ended; a later one with its number does not count."""
        return start_of(self.pid) == self.start

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
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise InvalidInput(f"{number} is no signal") from None
            if error.errno != errno.ESRCH:
                raise
        finally:
            os.close(pidfd)

    def mark_started(self) -> None:
        """Remember that it was started; its gate is of no use any more."""
        os.rename(f"{self.directory}/gate", f"{self.directory}/started")  # noqa: PTH104

    def open_gate(self) -> None:
        """Let the process that waits there go on. Raises WrongState if there is none."""
        try:
            gate = os.open(f"{self.directory}/gate", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            why = f"nobody waits at its gate ({error.strerror})"
            raise WrongState(f"container {self.name} cannot be started: {why}") from None
        try:
            os.write(gate, b"!")
        finally:
            os.close(gate)

    def destroy(self) -> None:
        """End its processes, and forget it."""
        if self.runs():
            self.kill(SIGKILL)
            for _ in range(PATIENCE):
                removal.thaw(self.cgroups)
                if not self.runs():
                    break
                time.sleep(0.002)
        removal.remove(self.cgroups)
        if "poststop" not in self.hooks:
            forget(self.directory)
            return
        from labcore.runtime.oci import state

        saved = state.Store(self.root).load(self.name)
        forget(self.directory)
        state.run_hooks_anyway("poststop", saved, "stopped")


def start(root: str, name: str) -> None:
    """Let a created container become its program. Raises NoSuchContainer, WrongState; HookFailed, and the container is gone."""
    with Lock(root, name):
        life = Life.load(root, name)
        if (status := life.status()) != "created":
            raise WrongState(f"container {name} cannot be started: it is {status}, and not created")
        try:
            if "startContainer" in life.hooks:
                from labcore.runtime.oci import state

                state.run_hooks_inside("startContainer", state.Store(root).load(name))
            life.open_gate()
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
            life = Life.load(root, name)
            status = life.status()
            if status not in ("stopped", "created") and not force:
                raise WrongState(f"container {name} cannot be deleted: it is {status}; kill it first, or delete --force")
            life.destroy()
    except (NoSuchContainer, StateDamaged):
        if not force:
            raise
        forget(directory_of(root, name))  # one whose creation was broken off, or whose state cannot be read


def start_of(pid: int) -> int | None:
    """Return when a process was started, in clock ticks after boot; None if it has ended or is not there: proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def forget(directory: str) -> None:
    """Remove a container's directory; one that is gone is fine."""
    try:
        for name in os.listdir(directory):  # noqa: PTH208
            os.unlink(f"{directory}/{name}")  # noqa: PTH108
        os.rmdir(directory)  # noqa: PTH106
    except FileNotFoundError:
        return
