"""Check of `command`: images with an entry point, a command, both, or neither, and what is asked for besides."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from labcore.engine.create import command as engines_command
from labcore.errors import ImageNotFound
from labcore.lab.checks.drawn_images import put_image, store_of
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

CONFIGURING: Final[tuple[Target, ...]] = (engines_command,)
RAISED: Final = "raised"


def configs(draw: Draw) -> dict[str, dict[str, Any]]:
    """Return the part `config` of images, by what is in it: some builders leave a field out, others write null."""
    first, own = [f"/bin/{draw.mark}", f"-{draw.number}"], [f"own-{draw.token}", "as usual"]
    return {
        "command": {"Cmd": own},
        "both": {"Entrypoint": first, "Cmd": own},
        "entry": {"Entrypoint": first},
        "null": {"Entrypoint": None, "Cmd": own, "Env": None},
        "neither": {"Env": [f"TOKEN={draw.token}"]},
    }


@contextmanager
def _images(draw: Draw) -> Iterator[None]:
    for name, config in configs(draw).items():
        put_image(store_of(draw), f"{draw.hostname}/{name}", config)
    yield


def _asked(draw: Draw) -> list[str]:
    return ["/bin/echo", draw.token]


def _perform_command(mine: ModuleType, draw: Draw) -> dict[str, list[Any]]:
    store = str(store_of(draw))
    found: dict[str, list[Any]] = {}
    for name in configs(draw):
        image = f"{draw.hostname}/{name}"
        calls: tuple[list[str] | None, ...] = (_asked(draw), [], None)
        found[name] = [list(mine.command(image, argv, store)) for argv in calls]
    try:
        found["nowhere"] = [mine.command(f"{draw.hostname}/nowhere", _asked(draw), store)]
    except ImageNotFound:
        found["nowhere"] = [RAISED]
    return found


def _conclude_command(returned: Any, draw: Draw) -> Iterator[Claim]:
    own, first, asked = configs(draw)["both"]["Cmd"], configs(draw)["both"]["Entrypoint"], _asked(draw)
    yield _returned(say("where no program is asked for, it is the image's command"), own, *returned["command"][1:])
    yield _returned(say("what is asked for takes the command's place"), asked, returned["command"][0])
    yield _returned(say("an entry point stands in front of the command"), [*first, *own], *returned["both"][1:])
    yield _returned(say("and in front of what is asked for"), [*first, *asked], returned["both"][0], returned["entry"][0])
    yield _returned(say("alone, if there is nothing else"), first, *returned["entry"][1:])
    yield _returned(say("null is as good as a field that is not there"), own, *returned["null"][1:])
    yield _returned(say("of an image that says nothing, only what is asked for"), asked, returned["neither"][0])
    yield Claim(say("for an image that is not there ImageNotFound is raised"), returned["nowhere"] == [RAISED])


def _returned(text: str, wanted: list[str], *seen: list[str]) -> Claim:
    odd = next((each for each in seen if each != wanted), wanted)
    return Claim(text, odd == wanted, expected=" ".join(wanted), seen=" ".join(map(str, odd)))


COMMAND = Scenario(_perform_command, None, _conclude_command, None, prepare=_images, forbidden=CONFIGURING)
