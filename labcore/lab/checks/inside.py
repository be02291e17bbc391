"""Inside the sandbox: loads the learner's file and does what a check asks. `python -m labcore.lab.checks.inside < SOCKET`.

Standard input is a socket: the request comes in over it, and reports go back, a line of JSON each.
"""

import json
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import labcore
import labcore.lab.solutions
from labcore import engine, native, runtime
from labcore.lab.checks.scenario import Facts, Scenario
from labcore.lab.lessons import all_steps, lesson_of, lessons_of
from labcore.lab.sandbox import be_modest
from labcore.lab.say import say
from labcore.lab.solutions import solution
from labcore.lab.steps import MODULE, copied, run_text
from labcore.lab.workspace import NAME
from labcore.native import MountFlag
from labcore.runtime import stages

Report = Callable[[dict[str, Any]], None]
WAYS_AROUND = ("plan", "run", "make_plan")  # with which a whole container can be had instead of a step


def scenario_of(step: str, lesson: int) -> Scenario:
    """Return the check of a step in a lesson."""
    module = import_module(f"labcore.lab.checks.lesson_{lesson_of(step, lesson).number:02}")
    found: Scenario = module.SCENARIOS[step]
    return found


def arm(step: str, report: Report, ways_around: Sequence[tuple[str, str]] = ()) -> None:
    """Put a tripwire where labcore's own version of the step can be reached: to call it is no way to write it.

    `ways_around` are further functions that do what the step is to do.
    """

    def tripwire(*args: Any, **kwargs: Any) -> Any:  # noqa: ARG001
        report({"event": "tripped"})
        raise RuntimeError(say("labcore's version was called: the step is to be your own"))

    homes = [import_module(f"labcore.lab.solutions.lesson_{lesson.number:02}") for lesson in lessons_of(step)]
    places = [import_module(name) for name in ("labcore.runtime.stages", "labcore.engine.engine")]
    for module, name in ways_around:
        setattr(import_module(module), name, tripwire)
    for place in (*homes, *places, labcore, engine, runtime):
        for name in (step, *WAYS_AROUND):
            if callable(vars(place).get(name)) and (name != step or place is not labcore):
                setattr(place, name, tripwire)
    labcore.__dict__.update(dict.fromkeys(("plan", "run"), tripwire))
    by_name: dict[str, Any] = places[0].STAGES
    by_name.update(dict.fromkeys(set(by_name) & {step}, tripwire))


def hide(directory: str, file: str) -> None:
    """Cover the sources of what is held by now: a fresh import would find them untouched."""
    native.mount("none", directory, "tmpfs", MountFlag.RDONLY)
    native.mount("/dev/null", file, flags=MountFlag.BIND)


def load(file: str, lesson: int) -> ModuleType:
    """Run the learner's file as a module, as it counts in a lesson."""
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
    facts = Facts(**{**request["facts"], "namespaces": tuple(request["facts"]["namespaces"])})
    scenario = scenario_of(step, lesson)
    be_modest()
    hold_references(step)
    arm(step, report, scenario.ways_around)
    hide(labcore.lab.solutions.__path__[0], str(stages.__file__))
    report({"event": "begun"})
    try:
        report({"event": "returned", "value": scenario.perform(load(request["file"], lesson), facts)})
    except BaseException as error:
        report({"event": "raised", "text": describe(error, request["file"])})
        return 1
    return 0


def hold_references(step: str) -> None:
    """Give the check itself copies of the other steps' references that no tripwire and no learner's file can reach."""
    from labcore.lab.checks import scenario

    held = ModuleType("held")
    exec("from labcore.lab.vocabulary import *", held.__dict__)
    for name in all_steps():
        if name != step:
            held.__dict__[name] = copied(solution(name), held.__dict__)
    scenario.REFERENCE.__dict__.update({name: held.__dict__[name] for name in all_steps() if name != step})


def describe(error: BaseException, file: str) -> str:
    """Say what went wrong in the learner's file: the lines in it, and the error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    lines = [f"{NAME}, line {frame.lineno}: {frame.line}\n" for frame in frames]
    text = "".join([*lines[-4:], *traceback.format_exception_only(error)]).rstrip()
    if isinstance(error, NameError):
        text += "\n" + say("A step must bring what it uses: names of other cells are not there. Import inside of the function.")
    return text


if __name__ == "__main__":
    sys.exit(main())
