"""A daemon for one handler's check: the other handlers are the solutions; containers wait at gates, and end as was drawn."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.lab.checks.lesson_03.running import enter_state_root
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import Draw, Perform
from labcore.lab.checks.serving import serve
from labcore.lab.checks.wire import Answer, Wire
from labcore.lab.lessons import lesson
from labcore.lab.solutions import solution
from labcore.record import Record

LESSON: Final = 5
# What stands for the command of lesson 4: it is given `run`, an image, and as the program's words an exit code and a gate.
SCRIPT: Final = 'read go < "$4"; exit "$3"'
ID: Final = re.compile(r"[0-9a-f]{64}")
NO_ID: Final = "0" * 11


class Wanted(Record):
    """A container that a check asks for: its name, its image, its exit code, and the FIFO at which it waits."""

    name: str
    image: str
    code: int
    gate: str

    @property
    def words(self) -> list[str]:
        """The program's words."""
        return [str(self.code), self.gate]

    @property
    def body(self) -> dict[str, Any]:
        """The request that creates it, with fields that a daemon need not know."""
        return {"Image": self.image, "Cmd": self.words, "Tty": False, "HostConfig": {"NetworkMode": "default"}}

    def create(self, wire: Wire) -> Answer:
        """Have it created."""
        return wire.ask("POST", f"/v1.47/containers/create?name={self.name}", self.body)


def wanted(draw: Draw, number: int) -> Wanted:
    """Return a container by its number, and make its gate."""
    gate = Path(draw.root, f"gate-{number}")
    if not gate.exists():
        os.mkfifo(gate)
    return Wanted(f"{draw.mark}-{number}", f"{draw.hostname}-{number}", draw.exit_code + number, str(gate))


def performing(step: str) -> Perform:
    """Return what serves the learner's `step`, and the solutions of all others."""

    def perform(mine: ModuleType, draw: Draw) -> dict[str, Any]:
        enter_state_root(draw)
        wanted_lesson = lesson(LESSON)
        for name in (*wanted_lesson.steps, *wanted_lesson.challenges):
            if name != step:
                mine.__dict__[name] = solution(name, LESSON)
        return serve(mine, draw, runtime=runtime(draw), lesson=LESSON)

    return perform


def runtime(draw: Draw) -> list[str]:
    """Return the command that containers are started with; its shell is the first process of a PID namespace."""
    return ["unshare", "--pid", "--fork", *_shell(draw)]


def _shell(draw: Draw) -> list[str]:
    return ["sh", "-c", SCRIPT, draw.token]


def running(wire: Wire, draw: Draw, container: Wanted | None = None) -> list[ProcessView]:
    """Return the processes of a container that was started as it should be; without one, whatever carries the token."""
    seen = [(process, words_of(process)) for process in wire.below]
    if container is None:
        return [process for process, words in seen if draw.token in words]
    command = [*_shell(draw), "run", container.image, *container.words]
    return [process for process, words in seen if words == command]


def words_of(process: ProcessView) -> list[str]:
    """Return a process's command line; nothing if it has ended."""
    try:
        return list(process.command)
    except OSError:
        return []


def open_gate(wire: Wire, container: Wanted) -> None:
    """Let a container go on, which ends then. Raises OSError if nobody waits there."""
    gate = wire.until(lambda: _opened(container.gate))
    if not gate:
        raise OSError(f"nobody waits at {Path(container.gate).name}")
    os.write(gate, b"\n")
    os.close(gate)


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:  # ENXIO: nobody reads there yet
        return None


def id_of(answer: Answer) -> str:
    """Return the id in the answer to a create; empty if there is none."""
    found = answer.json()
    return str(found.get("Id", "")) if isinstance(found, dict) else ""


def in_time(ask: Callable[[], Answer]) -> Answer | None:
    """Return an answer, or None if none has come in time."""
    try:
        return ask()
    except TimeoutError:
        return None
