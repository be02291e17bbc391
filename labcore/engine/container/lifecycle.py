"""The life cycle of containers: one table, state × verb → next state, nothing to do, or docker's refusal.

A container's state is what docker calls its status. Two of them are not in its record: `removing` is one whose removal is under
way, and `dead` one whose record is damaged, so that nothing can be done with it but to remove it by force.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` imports more than a short command needs
from contextlib import contextmanager

from labcore.errors import InUse, LabcoreError, NotRunning
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Final, Literal, TypeAlias

    from labcore.engine.records.records import Container

Status: TypeAlias = "Literal['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']"
Verb: TypeAlias = (
    "Literal['start', 'stop', 'kill', 'restart', 'pause', 'unpause', 'rename', 'update', 'exec', 'remove', 'remove by force']"
)
STATUSES: Final = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
RUNNING: Final = ("running", "paused", "restarting")  # what docker takes for running
GONE: Final = "gone"


class Refused(Record):
    """A refusal: docker's words, with the container's `{id}` and `{name}`, and the exception that they go out with."""

    sentence: str
    error: type[LabcoreError] = InUse


NOTHING: Final = ""  # there is nothing to do: docker answers 304 Not Modified
NOT_RUNNING: Final = Refused("container {id} is not running", NotRunning)
NOT_KILLED: Final = Refused("cannot kill container: {name}: container {id} is not running", NotRunning)
NOT_PAUSED: Final = Refused("Container {id} is not paused", LabcoreError)  # docker answers 500
UNPAUSE_TO_EXEC: Final = Refused("Container {name} is paused, unpause the container before exec")
RESTARTING: Final = Refused("Container {id} is restarting, wait until the container is running")
RUNS: Final = 'cannot remove container "{name}": container is {status}: stop the container before removing or force remove'
UNPAUSE_FIRST: Final = Refused('cannot remove container "{name}": container is paused and must be unpaused first')
REMOVED_ALREADY: Final = Refused("removal of container {name} is already in progress")
NO_START: Final = Refused("container is marked for removal and cannot be started")
NO_UPDATE: Final = Refused('Cannot update container {id}: container is marked for removal and cannot be "update"')
NO_RENAME: Final = Refused("Container {id} is marked for removal and cannot be renamed")
NO_REMOVAL: Final = Refused("the record of container {id} is damaged: it can be removed by force alone")

# Of each verb, what becomes of a container that is created, running, paused, restarting, removing, exited, dead.
ROWS: Final[Mapping[Verb, tuple[str | Refused, ...]]] = {
    "start": (
        "running", NOTHING, Refused("cannot start a paused container, try unpause instead"), NOTHING, NO_START, "running",
        NO_START,
    ),
    "stop": (NOTHING, "exited", "exited", "exited", NOTHING, NOTHING, NOTHING),
    "kill": (NOT_KILLED, "exited", "exited", "exited", NOT_KILLED, NOT_KILLED, NOT_KILLED),
    "restart": ("running", "running", "running", "running", NO_START, "running", NO_START),
    "pause": (
        NOT_RUNNING, "paused", Refused("Container {id} is already paused"), RESTARTING, NOT_RUNNING, NOT_RUNNING, NOT_RUNNING,
    ),
    "unpause": (NOT_PAUSED, NOT_PAUSED, "running", NOT_PAUSED, NOT_PAUSED, NOT_PAUSED, NOT_PAUSED),
    "rename": ("created", "running", "paused", "restarting", NO_RENAME, "exited", NO_RENAME),
    "update": ("created", "running", "paused", "restarting", NO_UPDATE, "exited", NO_UPDATE),
    "exec": (NOT_RUNNING, "running", UNPAUSE_TO_EXEC, RESTARTING, NOT_RUNNING, NOT_RUNNING, NOT_RUNNING),
    "remove": (GONE, Refused(RUNS), UNPAUSE_FIRST, Refused(RUNS), REMOVED_ALREADY, GONE, NO_REMOVAL),
    "remove by force": (GONE, GONE, GONE, GONE, REMOVED_ALREADY, GONE, GONE),
}  # fmt: skip
TABLE: Final = {verb: dict(zip(STATUSES, row, strict=True)) for verb, row in ROWS.items()}


def next_status(verb: Verb, status: Status, *, id: str = "", name: str = "") -> str:
    """Return what becomes of a container in that state; NOTHING if there is nothing to do.

    `name` is how the caller calls it. Raises InUse, NotRunning, LabcoreError, in docker's words.
    """
    outcome = TABLE[verb][status]
    if isinstance(outcome, Refused):
        raise outcome.error(outcome.sentence.format(id=id, name=name or id, status=status))
    return outcome


def status_of(container: Container) -> Status:
    """Return a container's state as its record has it; one that is just being started is still what it was."""
    state = container.state
    if state.status == "running":
        return "paused" if state.paused else "running"
    if state.restarting:
        return "restarting"
    return "exited" if state.status == "exited" or state.finished else "created"


class Lifecycle:
    """The states of an engine's containers, with the removals that are under way in this process."""

    def __init__(self) -> None:
        self._removed: set[str] = set()
        self._lock = allocate_lock()

    def status(self, container: Container) -> Status:
        """Return a container's state as it was read, unless it is being removed at this moment."""
        return "removing" if container.id in self._removed else status_of(container)

    def check(self, verb: Verb, container: Container, name: str = "") -> str:
        """Return what becomes of a container, as `next_status` does, with its exceptions."""
        return next_status(verb, self.status(container), id=container.id, name=name)

    def is_removed(self, id: str) -> bool:
        """Return whether a container is being removed."""
        return id in self._removed

    @contextmanager
    def removal(self, id: str, name: str) -> Iterator[None]:
        """Be the one that removes a container in the block. Raises InUse if it is being removed already."""
        with self._lock:
            if id in self._removed:
                next_status("remove", "removing", id=id, name=name)
            self._removed.add(id)
        try:
            yield
        finally:
            self._removed.discard(id)
