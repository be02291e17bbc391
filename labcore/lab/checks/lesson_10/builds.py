"""Check of `build`: a drawn list of instructions, a step that notes its calls, one that fails, and what is printed."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from types import ModuleType
from typing import Any

from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say


def _instructions(draw: Draw) -> list[tuple[str, Any]]:
    more = [("RUN", f"echo {draw.mark} {each}") for each in range(1 + draw.number % 4)]
    return [("FROM", draw.hostname), *more, ("ENV", f"SAYS={draw.token}"), ("CMD", ["cat", f"/{draw.mark}"])]


def _id(draw: Draw, number: int) -> str:
    """Return what the step of this number returns: with `sha256:` in front, or without."""
    return ("sha256:" if draw.which else "") + f"{number:02}{draw.number}".rjust(12, "f") + "0" * 52


def _perform_build(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    called: list[Any] = []
    told: list[int] = []

    def step(*instruction: Any) -> str:
        called.append(list(instruction))
        told.append(printed.getvalue().count("Step "))
        return _id(draw, len(called))

    def fails(*instruction: Any) -> str:
        failing.append(instruction)
        if len(failing) == len(_instructions(draw)) - 1:
            raise LookupError(draw.token)
        return _id(draw, 1)

    failing: list[Any] = []
    with redirect_stdout(io.StringIO()) as printed:
        last = mine.build(_instructions(draw), step)
    raised = ""
    with redirect_stdout(io.StringIO()):
        try:
            mine.build(_instructions(draw), fails)
        except LookupError as error:
            raised = str(error)
    return {"called": called, "last": last, "printed": printed.getvalue(), "failing": failing, "raised": raised, "told": told}


def _conclude_build(returned: Any, draw: Draw) -> Iterator[Claim]:
    wanted = [[[name, value]] for name, value in _instructions(draw)]
    yield Claim(
        say("`step` is called with each pair, once, in their order"),
        returned["called"] == wanted,
        str(returned["called"])[:100],
    )
    yield equal(say("what is returned, the last step's ID"), _id(draw, len(wanted)), returned["last"])
    lines = [line.rstrip() for line in returned["printed"].splitlines()]
    yield from _told(lines, draw)
    early = returned["told"] == list(range(1, len(wanted) + 1))
    yield Claim(say("each line is printed before its instruction is carried out"), early, str(returned["told"]))
    yield Claim(say("a step that fails ends it: the error comes through"), returned["raised"] == draw.token, returned["raised"])
    yield equal(say("and no step after it is called"), len(wanted) - 1, len(returned["failing"]))


def _told(lines: list[str], draw: Draw) -> Iterator[Claim]:
    given = _instructions(draw)
    for text, number in (
        (say("the first line"), 0),
        (say("that of the last instruction, with its array in JSON"), len(given) - 1),
    ):
        name, value = given[number]
        shown = value if isinstance(value, str) else json.dumps(value)
        expected = f"Step {number + 1}/{len(given)} : {name} {shown}"
        near = next((line for line in lines if line.startswith(f"Step {number + 1}")), "")
        yield Claim(text, expected in lines, expected=expected, seen=near)
    short = [_id(draw, number).removeprefix("sha256:")[:12] for number in range(1, len(given) + 1)]
    told = [line for line in lines if line.startswith(" ---> ")]
    yield equal(say("an arrow and 12 digits of each ID"), [f" ---> {each}" for each in short], told)


BUILD = Scenario(_perform_build, None, _conclude_build, None)
