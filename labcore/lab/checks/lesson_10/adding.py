"""Check of `add_layer`: a RUN and COPYs whose keys are new, a key that is known, and a program that fails."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.builder.run.container import ran
from labcore.lab import building
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_10.state import FRESH, a_context, begun, context, enter, files_in
from labcore.lab.checks.scenario import SECONDS, Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say


def _run(draw: Draw) -> tuple[str, str]:
    return "RUN", f"cat /etc/top > /etc/seen && echo $SAYS >> /etc/seen && {FRESH} && echo {draw.mark}"


def _steps(draw: Draw) -> dict[str, tuple[str, tuple[str, Any], dict[str, Any]]]:
    """Return steps by name: each a key, an instruction, and what the config says besides."""
    says = {"Env": [f"SAYS={draw.token}"]}
    return {
        "first": (f"one/{draw.token}", _run(draw), says),
        "again": (f"one/{draw.token}", _run(draw), says),
        "other": (f"two/{draw.token}", _run(draw), says),
        "files": (f"three/{draw.token}", ("COPY", "page sub /srv/new/"), {}),
        "words": (f"four/{draw.token}", ("COPY", ["two words", f"/srv/{draw.mark}"]), {}),
        "below": (f"five/{draw.token}", ("COPY", "page here"), {"WorkingDir": f"/{draw.mark}/deep"}),
        "root": (f"six/{draw.token}", ("COPY", "page there"), {}),
        "known": (f"three/{draw.token}", ("COPY", "page /elsewhere"), {}),
    }


def _perform_add_layer(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    store, found = enter(draw), {}
    for name, (key, instruction, config) in _steps(draw).items():
        state = begun(draw, **config) | {"key": key}
        mine.add_layer(instruction, state, str(context(draw)), store)
        found[name] = state["layers"]
    state = begun(draw) | {"key": "failing"}
    try:
        mine.add_layer(("RUN", f"echo {draw.mark} > /etc/made; exit {draw.exit_code}"), state, str(context(draw)), store)
        found["failed"] = ["no error"]
    except (RuntimeError, ValueError, OSError):
        found["failed"] = []
    return found


def _conclude_add_layer(returned: Any, draw: Draw) -> Iterator[Claim]:
    below = begun(draw)["layers"]
    tops = {name: layers[-1] for name, layers in returned.items() if name != "failed"}
    placed = all(layers[:-1] == below for name, layers in returned.items() if name != "failed")
    yield Claim(say('one layer more in `state["layers"]`, above those that were there'), placed, str(len(returned["first"])))
    if not placed:
        return
    made = files_in(draw, tops["first"])
    seen = made.get("etc/seen", "")
    yield Claim(say("a RUN is carried out on the layers below"), "of layer 2" in seen, seen)
    yield Claim(say("in the config's environment"), draw.token in seen.splitlines(), seen)
    yield Claim(say("a key that is known: the program does not run again"), tops["again"] == tops["first"])
    fresh = files_in(draw, tops["other"]).get("etc/fresh")
    yield Claim(say("a key that is not: it runs"), bool(fresh) and fresh != made.get("etc/fresh"))
    copied = {name: text for name, text in files_in(draw, tops["files"]).items() if name.startswith("srv/new/")}
    wanted = {"srv/new/page": f"page {draw.token}\n", "srv/new/leaf": f"leaf {draw.token}\n"}
    yield equal(say("a COPY's files"), wanted, copied)
    yield equal(
        say("of an array each word is one"), f"words {draw.token}\n", files_in(draw, tops["words"]).get(f"srv/{draw.mark}")
    )
    yield Claim(
        say("a relative destination is below the working directory"),
        f"{draw.mark}/deep/here" in files_in(draw, tops["below"]) and "there" in files_in(draw, tops["root"]),
    )
    yield Claim(say("a COPY, too, is made once for a key"), tops["known"] == tops["files"])
    yield Claim(say("an error of the program comes through"), not returned["failed"])
    kept = building.cache(str(state_store(draw)))
    known = {key: tops[name] for name, (key, _, _) in _steps(draw).items()}
    yield Claim(say("`lab.cache(store)` has each layer by its key, and none of what failed"), dict(kept) == known, repr(kept))


ADD_LAYER = Scenario(
    _perform_add_layer, None, _conclude_add_layer, None, prepare=a_context, forbidden=(ran,), seconds=3 * SECONDS
)
