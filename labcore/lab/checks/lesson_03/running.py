"""Check of lesson 3's `run`: by an image's name, and again on a plain directory."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from labcore.errors import LabcoreError
from labcore.lab import cgroups
from labcore.lab.checks.confinement import confined_as_drawn, drawn_spec, limited
from labcore.lab.checks.drawn_images import make_image, prints
from labcore.lab.checks.image_claims import on_a_directory, stacked, store_is_whole
from labcore.lab.checks.lesson_03.roots import program
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.running import (
    by_default,
    call_run,
    ended_or_failed,
    further_fields,
    looked_up,
    own_path,
    run_as_drawn,
    run_missing,
)
from labcore.lab.checks.scenario import SECONDS, Draw, Scenario
from labcore.lab.checks.surroundings import hand_on_capabilities
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say


@contextmanager
def a_state_root(draw: Draw) -> Iterator[None]:
    """Make a state root whose lesson's store has the image, without a tag its name means `latest`; and a place for cgroups."""
    store = state_store(draw)
    make_image(store, draw.replace(token=f"other-{draw.token}"), f"{draw.hostname}:old")
    make_image(store, draw, f"{draw.hostname}:latest")
    draw.keep("prints", prints(store))
    with ExitStack() as undo:
        with suppress(OSError, LabcoreError):  # an ordinary user, and a container, may have none
            undo.enter_context(cgroups.for_a_check())
        yield


def enter_state_root(draw: Draw) -> None:
    """Have the lab find that image, and not the machine's."""
    os.environ["LABCORE_ROOT"] = f"{draw.root}/state"


def state_store(draw: Draw) -> Path:
    """Return the lesson's store in the state root that `enter_state_root` enters."""
    return Path(draw.root, "state", "lab", "store")


def _may_limit() -> bool:
    """Return whether there is a place for cgroups: whoever has none can limit nothing, nor map users and give rights away."""
    return cgroups.VARIABLE in os.environ


def _turned(draw: Draw) -> Draw:
    """Return what lesson 2 draws for a container: users are mapped on the plain directory, for an image's files are root's."""
    return draw.replace(again=not draw.again)


def _program(draw: Draw) -> tuple[str, ...]:
    return looked_up(program(draw))


def _perform_run(mine: ModuleType, draw: Draw) -> Any:
    hand_on_capabilities()
    enter_state_root(draw)
    further = further_fields(_turned(draw)) if _may_limit() else {"environment": own_path(draw)}
    done = call_run(mine, draw, draw.root if draw.again else draw.hostname, _program(draw), **further)
    return {**done, "nowhere": run_missing(mine, draw, f"{draw.hostname}:nowhere")}


def _observe_run(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    if _may_limit():
        yield from limited(seen, _turned(by_default(draw)))
        yield from confined_as_drawn(seen, drawn_spec(_turned(draw)))
    if draw.again:
        yield on_a_directory(seen)
    else:
        yield from stacked(seen, draw)
    yield from run_as_drawn(seen, draw, own_path(draw))


def _conclude_run(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from ended_or_failed(returned, draw)
    yield Claim(say("nor is an image that is not there"), returned["nowhere"] != 0, repr(returned["nowhere"]))
    yield from store_is_whole(draw, state_store(draw))


RUN = Scenario(_perform_run, _observe_run, _conclude_run, _program, twice=True, prepare=a_state_root, seconds=2 * SECONDS)
