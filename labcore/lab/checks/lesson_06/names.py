"""Check of `normalize`: names of images whose parts were drawn, with and without a registry and a tag."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.spec import Reference


def _names(draw: Draw) -> dict[str, tuple[str, str, str]]:
    """Return names, each with what it says in full."""
    team, port = f"team{draw.number}", draw.number + 5000
    return {
        draw.hostname: ("docker.io", f"library/{draw.hostname}", "latest"),
        f"{draw.hostname}:{draw.mark}": ("docker.io", f"library/{draw.hostname}", draw.mark),
        f"{team}/{draw.hostname}:{draw.mark}": ("docker.io", f"{team}/{draw.hostname}", draw.mark),
        f"localhost/{draw.hostname}": ("localhost", draw.hostname, "latest"),
        f"{team}:{port}/{draw.hostname}": (f"{team}:{port}", draw.hostname, "latest"),
        f"127.0.0.1:{port}/{team}/{draw.hostname}:{draw.mark}": (f"127.0.0.1:{port}", f"{team}/{draw.hostname}", draw.mark),
        f"{team}.example/{draw.hostname}:{draw.number}": (f"{team}.example", draw.hostname, str(draw.number)),
        f"docker.io/{draw.hostname}": ("docker.io", f"library/{draw.hostname}", "latest"),
    }


def _perform_normalize(mine: ModuleType, draw: Draw) -> list[Any]:
    return [mine.normalize(name) for name in _names(draw)]


def _conclude_normalize(returned: Any, draw: Draw) -> Iterator[Claim]:
    threes = [each for each in returned if isinstance(each, list) and len(each) == 3]
    yield Claim(say("it returns three texts"), len(threes) == len(returned), repr(returned[0]))
    if len(threes) < len(returned):
        return
    for place, text in enumerate((say("the registry"), say("the repository"), say("the tag"))):
        wrong = [
            (name, full[place], each[place])
            for each, (name, full) in zip(threes, _names(draw).items(), strict=True)
            if each[place] != full[place]
        ]
        name, wanted, seen = wrong[0] if wrong else ("", "", "")
        yield Claim(f"{text}: {name}" if wrong else text, not wrong, expected=wanted, seen=str(seen))


NORMALIZE = Scenario(_perform_normalize, None, _conclude_normalize, None, forbidden=(Reference,))
