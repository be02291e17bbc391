"""Check of `machine_of`: heads of programs of both byte orders, of a script, and of files that are cut off."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore import elf
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

CUT: Final = (5, 18, 19)  # bytes: too few for the number
HEADS: Final = ((1, "little"), (2, "big"))


def _samples(draw: Draw) -> list[bytes]:
    """Return heads of files: programs of both byte orders, one as short as can be, a script, files cut off."""
    made = []
    for number, (order, name) in enumerate(HEADS):
        machine = (draw.number + number * 17).to_bytes(2, name)  # type: ignore[arg-type]
        made.append(b"\x7fELF\x02" + bytes([order, 1]) + bytes(11) + machine + bytes(draw.exit_code * (1 - number)))
    return [*made, b"#!/bin/sh\nexit " + str(draw.exit_code).encode() * 9, *(made[0][:length] for length in CUT)]


def _perform_machine_of(mine: ModuleType, draw: Draw) -> list[Any]:
    found = []
    for number, sample in enumerate(_samples(draw)):
        path = Path(draw.root, "tmp", f"sample-{number}")
        path.write_bytes(sample)
        found.append(mine.machine_of(str(path)))
    return found


def _conclude_machine_of(returned: Any, draw: Draw) -> Iterator[Claim]:
    little, big, script, *cut = returned
    yield Claim(
        say("a program's machine is the number at byte 18"), little == draw.number, expected=str(draw.number), seen=str(little)
    )
    yield Claim(
        say("in the byte order that byte 5 names"), big == draw.number + 17, expected=str(draw.number + 17), seen=str(big)
    )
    yield Claim(say("a script is for no machine"), script is None, str(script))
    told = [f"{length}: {found!r}" for length, found in zip(CUT, cut, strict=True) if found is not None]
    yield Claim(say("nor is a file that is cut off"), not told, ", ".join(told))


MACHINE_OF = Scenario(_perform_machine_of, None, _conclude_machine_of, None, forbidden=(elf,))
