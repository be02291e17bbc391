"""What is remembered of a container between one command and the next, in a directory that survives a crash at any moment.

ROOT/ID/state.json   written whole or not at all (a temporary file, fsync, rename); the container exists once it is there
gate            a FIFO: the container's process waits at it until `start`
lock            held by whoever changes the container
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal, Self

from labcore.errors import InvalidInput, LabcoreError
from labcore.record import Record

Status = Literal["creating", "created", "running", "paused", "stopped"]
FORMAT: Final = 1
ID: Final = re.compile(r"[\w+-][\w+.-]{0,1023}", re.ASCII)


class NoSuchContainer(LabcoreError, LookupError):
    """There is no container of this name."""


class StateDamaged(LabcoreError):
    """What is remembered of a container cannot be read: `delete --force` clears it away."""


class Saved(Record):
    """A container that was created.

    `process_start` is the time that /proc gives its process, which tells it from a later one with its number.
    """

    id: str
    pid: int
    process_start: int
    bundle: str
    created: str
    config: dict[str, Any]
    cgroup: str
    version: str
    annotations: dict[str, str]
    started: bool = False
    format: int = FORMAT


class Store:
    """The containers below one directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def directory(self, name: str) -> Path:
        """Return a container's directory. Raises InvalidInput for a name that is none."""
        if not ID.fullmatch(name):
            raise InvalidInput(f"{name!r} is no container's name: use letters, digits, and any of _ + - .")
        return self.root / name

    def gate(self, name: str) -> Path:
        """Return the FIFO at which a created container waits."""
        return self.directory(name) / "gate"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Change a container, one at a time. Raises NoSuchContainer."""
        try:
            file = (self.directory(name) / "lock").open("a")
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def make(self, name: str) -> Path:
        """Claim a name. Raises InvalidInput if it is taken."""
        directory = self.directory(name)
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError:
            raise InvalidInput(f"container {name} exists already: choose another name, or delete it") from None
        (directory / "lock").touch()
        return directory

    def save(self, saved: Saved) -> None:
        """Write what is to be remembered, durably."""
        directory = self.directory(saved.id)
        incoming = directory / "state.incoming"
        with incoming.open("w") as file:
            json.dump(saved.as_dict(), file)
            file.flush()
            os.fsync(file.fileno())
        incoming.rename(directory / "state.json")

    def load(self, name: str) -> Saved:
        """Read what is remembered. Raises NoSuchContainer, StateDamaged."""
        try:
            text = (self.directory(name) / "state.json").read_text()
        except FileNotFoundError:
            raise NoSuchContainer(f"container {name} does not exist") from None
        try:
            values = json.loads(text)
            if values["format"] != FORMAT:
                raise StateDamaged(
                    f"container {name}: its state has format {values['format']}, and this labcore knows {FORMAT}"
                )
            return Saved(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise StateDamaged(f"container {name}: its state cannot be read ({error}): delete --force clears it away") from None

    def remove(self, name: str) -> None:
        """Forget a container."""
        directory = self.directory(name)
        with suppress(FileNotFoundError):
            for file in directory.iterdir():
                file.unlink(missing_ok=True)
            directory.rmdir()

    def names(self) -> list[str]:
        """Return the names of all containers, half-made ones too."""
        return sorted(path.name for path in self.root.glob("*") if ID.fullmatch(path.name)) if self.root.is_dir() else []


class Life(Record):
    """What /proc says of a process: when it was started (clock ticks after boot), and whether it has ended."""

    start: int
    ended: bool

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Look it up; None if there is no such process: proc_pid_stat(5)."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return cls(int(fields[19]), fields[0] in ("Z", "X"))


def status_of(saved: Saved, frozen: bool = False) -> Status:
    """Return a container's status, from its process and from what is remembered."""
    life = Life.of(saved.pid)
    if life is None or life.ended or life.start != saved.process_start:
        return "stopped"
    if frozen:
        return "paused"
    return "running" if saved.started else "created"


def state_json(saved: Saved, status: Status) -> dict[str, Any]:
    """Return the state as hooks and the `state` command show it (runtime.md, state)."""
    return {
        "ociVersion": saved.version,
        "id": saved.id,
        "status": status,
        **({"pid": saved.pid} if status != "stopped" else {"pid": 0}),
        "bundle": saved.bundle,
        "annotations": saved.annotations,
    }
