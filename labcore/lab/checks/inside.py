"""Check process, inside the sandbox: loads the learner's file and performs the check's part there.

`python -m labcore.lab.checks.inside < SOCKET`: the request comes in over the socket, reports go back, a line of JSON each.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import labcore.lab.solutions
from labcore import engine
from labcore.lab.checks.scenario import REFERENCE, Draw, Scenario
from labcore.lab.checks.scenarios import scenario_of
from labcore.lab.checks.tripwires import Target, arm, cover
from labcore.lab.failures import described
from labcore.lab.lessons import all_steps, lessons_of
from labcore.lab.sandbox import lower_priority
from labcore.lab.solutions import solution
from labcore.lab.steps import MODULE, copied, run_text
from labcore.runtime import launch
from labcore.runtime.stages import filesystem, namespaces, process, rootfs, sequence

STAGES: tuple[Target, ...] = (namespaces, rootfs, filesystem, process, sequence, launch)
Report = Callable[[dict[str, Any]], None]


def forbidden(step: str, scenario: Scenario) -> list[Target]:
    """Return the objects that a step must not call: solutions, stages, whole containers, and its check's `forbidden`."""
    homes = [import_module(f"labcore.lab.solutions.lesson_{lesson.number:02}") for lesson in lessons_of(step)]
    solutions = [getattr(home, step) for home in homes]
    return [*solutions, *STAGES, engine.plan, engine.run, *scenario.forbidden]


def load(file: str, lesson: int) -> ModuleType:
    """Load the learner's file as a module, with the versions of steps that count in a lesson."""
    module = ModuleType(MODULE)
    module.__dict__["__file__"] = file
    sys.modules[MODULE] = module
    with open(file, encoding="utf-8") as text:  # noqa: PTH123
        run_text(module.__dict__, text.read(), file, lesson)
    return module


def main() -> int:
    """Carry out one request."""
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    request = json.loads(channel.makefile().readline())

    def report(event: dict[str, Any]) -> None:
        channel.sendall(json.dumps(event, default=repr).encode() + b"\n")

    step, lesson = request["step"], request["lesson"]
    draw = Draw(**{**request["draw"], "namespaces": tuple(request["draw"]["namespaces"])})
    scenario = scenario_of(step, lesson)
    lower_priority()
    hold_references(step)
    around = forbidden(step, scenario)
    arm(around, lambda: report({"event": "sprung"}))
    cover([*STAGES, *scenario.forbidden], labcore.lab.solutions.__path__[0], Path(draw.root))
    report({"event": "begun"})
    try:
        report({"event": "returned", "value": scenario.perform(load(request["file"], lesson), draw)})
    except BaseException as error:
        report({"event": "raised", "text": described(error, request["file"])})
        return 1
    return 0


def hold_references(step: str) -> None:
    """Give the check copies of the other steps' solutions, which no tripwire and no learner's file can reach."""
    held = ModuleType("held")
    exec("from labcore.lab.vocabulary import *", held.__dict__)
    for name in all_steps():
        if name != step:
            held.__dict__[name] = copied(solution(name), held.__dict__)
    REFERENCE.__dict__.update({name: held.__dict__[name] for name in all_steps() if name != step})


if __name__ == "__main__":
    sys.exit(main())
