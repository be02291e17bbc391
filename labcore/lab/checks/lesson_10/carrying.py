"""Check of `carry_out`: one Dockerfile again and again, with nothing changed, a file, its times alone, a variable."""

import os
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.builder.cache_key import key_of
from labcore.builder.run.container import ran
from labcore.lab.checks.lesson_10.state import FRESH, a_context, begun, context, enter, files_in
from labcore.lab.checks.scenario import SECONDS, Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say

FROM, ENV, RUN, COPY, CMD = range(5)
LAYERS = ("RUN", "COPY")


def _dockerfile(draw: Draw, variable: str) -> list[tuple[str, Any]]:
    return [
        ("FROM", draw.hostname),
        ("ENV", f"SAYS={variable}"),
        ("RUN", f"echo $SAYS > /etc/said; {FRESH}"),
        ("COPY", "page sub /srv/"),
        ("CMD", ["cat", f"/etc/{draw.mark}"]),
    ]


def _perform_carry_out(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    store, folder = enter(draw), context(draw)

    def built(variable: str) -> dict[str, Any]:
        state: dict[str, Any] = {}
        keys, kept = [], []
        for each in _dockerfile(draw, variable):
            keys.append(mine.carry_out(each, state, str(folder), store))
            kept.append(state.get("key"))
        return {"keys": keys, "kept": kept, **{name: state.get(name) for name in ("config", "layers", "history")}}

    found = {"first": built(draw.token), "again": built(draw.token)}
    os.utime(folder / "page", (draw.number, draw.number))
    found["touched"] = built(draw.token)
    (folder / "sub" / "leaf").write_text("changed\n", encoding="utf-8")
    found |= {"file": built(draw.token), "variable": built(draw.mark)}
    state: dict[str, Any] = {}
    mine.carry_out(("FROM", draw.hostname), state, str(folder), store)
    try:
        mine.carry_out(("RUN", f"echo {draw.mark}; exit {draw.exit_code}"), state, str(folder), store)
    except (RuntimeError, ValueError, OSError):
        return found | {"fails": True}
    return found | {"fails": False}


def _conclude_carry_out(returned: Any, draw: Draw) -> Iterator[Claim]:
    base, first = begun(draw), returned["first"]
    keys = first["keys"]
    yield Claim(
        say("it returns the state's key, which it has changed"), keys == first["kept"] and None not in keys, str(keys[:1])
    )
    yield equal(say("the key after FROM: the image's ID"), base["key"], keys[FROM])
    yield Claim(say("each instruction has a key of its own"), len(set(map(str, keys))) == len(keys))
    if not first["layers"]:
        return
    yield from _of_the_state(first, base, draw)
    yield Claim(say("built again: the same keys"), returned["again"]["keys"] == keys)
    yield Claim(say("and the same layers: nothing is run"), returned["again"]["layers"] == first["layers"])
    yield Claim(say("a file that is only touched changes nothing"), returned["touched"]["keys"] == keys)
    file, variable = returned["file"], returned["variable"]
    yield Claim(say("a file has changed: what is above its COPY has the keys that it had"), file["keys"][:COPY] == keys[:COPY])
    apart = all(one != other for one, other in zip(file["keys"][COPY:], keys[COPY:], strict=True))
    yield Claim(say("from its COPY on all have others"), apart)
    yield Claim(say("and its layer holds what it holds now"), _leaf(draw, file) == "changed\n", _leaf(draw, file))
    apart = all(one != other for one, other in zip(variable["keys"][ENV:], keys[ENV:], strict=True))
    yield Claim(say("a variable has changed: from its ENV on all have others"), apart)
    yield Claim(say("an error of the program comes through"), returned["fails"])


def _of_the_state(first: dict[str, Any], base: dict[str, Any], draw: Draw) -> Iterator[Claim]:
    layers, history = first["layers"] or [], first["history"] or []
    yield Claim(
        say("two layers more than the image has: of RUN and COPY"), len(layers) == len(base["layers"]) + 2, str(len(layers))
    )
    if len(layers) < 2:
        return
    yield Claim(say("that of RUN below that of COPY"), files_in(draw, layers[-2]).get("etc/said") == f"{draw.token}\n")
    config = {**base["config"], "Env": [*base["config"]["Env"], f"SAYS={draw.token}"], "Cmd": ["cat", f"/etc/{draw.mark}"]}
    yield equal(say("the config, after ENV and CMD"), config, first["config"])
    told = [bool(entry.get("empty_layer")) for entry in history[len(base["history"]) :]]
    yield equal(say("history: four entries, and which of them are without a layer"), [True, False, False, True], told)
    texts = [str(entry.get("created_by")) for entry in history]
    yield Claim(say("each says what was done"), any(draw.mark in text for text in texts), str(texts[-1:]))


def _leaf(draw: Draw, built: dict[str, Any]) -> str:
    return files_in(draw, built["layers"][-1]).get("srv/leaf", "")


CARRY_OUT = Scenario(
    _perform_carry_out, None, _conclude_carry_out, None, prepare=a_context, forbidden=(ran, key_of), seconds=3 * SECONDS
)
