"""Checks of `list_containers` and `remove`: with one container that was only created, one that runs, one that has ended."""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from labcore import engine
from labcore.lab.checks.lesson_05.life import not_found
from labcore.lab.checks.lesson_05.serving import NO_ID, Wanted, id_of, in_time, open_gate, performing, running, wanted
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Answer, Wire
from labcore.lab.messages import say

STATES: Final = ("created", "running", "exited")
RECENT_SECONDS: Final = 600
ENDING_SECONDS: Final = 0.3  # in which one that was killed would be gone


def _three(wire: Wire, draw: Draw) -> list[str]:
    """Make a container in each state; return their ids."""
    all_ = [wanted(draw, number) for number in range(3)]
    ids = [id_of(each.create(wire)) for each in all_]
    for number in (1, 2):
        wire.ask("POST", f"/containers/{ids[number]}/start")
        wire.until(partial(running, wire, draw, all_[number]))
    open_gate(wire, all_[2])
    wire.ask("POST", f"/containers/{ids[2]}/wait")
    draw.keep("ids", ids)
    return ids


def _another(wire: Wire, draw: Draw, number: int) -> str:
    """Make a container that runs; return its id."""
    made = wanted(draw, number)
    id = id_of(made.create(wire))
    wire.ask("POST", f"/containers/{id}/start")
    wire.until(partial(running, wire, draw, made))
    return id


def _by_id(answer: Answer) -> dict[str, dict[str, Any]]:
    found = answer.json()
    rows = found if isinstance(found, list) else []
    return {str(row.get("Id")): row for row in rows if isinstance(row, dict)}


def _converse_list(wire: Wire, draw: Draw) -> Iterator[Claim]:
    none = wire.ask("GET", "/v1.47/containers/json?all=1")
    yield equal(say("the status of the answer"), 200, none.status)
    yield equal(say("what is listed before there is any"), [], none.json())
    ids = _three(wire, draw)
    rows = _by_id(wire.ask("GET", "/v1.47/containers/json"))
    yield Claim(say("without `all` only what runs is listed"), set(rows) == {ids[1]}, str(len(rows)))
    for value, expected in (("1", 3), ("true", 3), ("0", 1)):
        found = _by_id(wire.ask("GET", f"/v1.47/containers/json?all={value}"))
        text = say("with `all={value}`, how many", value=value)
        yield equal(text, expected, len(found))
    every = _by_id(wire.ask("GET", "/containers/json?all=1"))
    for field in ("State", "Status"):
        yield equal(field, list(STATES), [every.get(id, {}).get(field) for id in ids])
    row, asked = every.get(ids[1], {}), wanted(draw, 1)
    yield equal("Names", [f"/{asked.name}"], row.get("Names"))
    yield equal("Image", asked.image, row.get("Image"))
    yield equal("Command", " ".join(asked.words), row.get("Command"))
    created = row.get("Created")
    recent = type(created) is int and abs(time.time() - created) < RECENT_SECONDS
    yield Claim(say("Created is a whole number, the seconds since 1970"), recent, repr(created))


def _conclude_list(returned: Any, _: Draw) -> Iterator[Claim]:
    yield equal(say("containers that are there afterwards, as before"), 3, len(returned))


def _converse_remove(wire: Wire, draw: Draw) -> Iterator[Claim]:
    ids = _three(wire, draw)
    asked = wanted(draw, 1)
    yield not_found(in_time(lambda: wire.ask("DELETE", f"/v1.47/containers/{NO_ID}")))
    refused = wire.ask("DELETE", f"/containers/{ids[1]}")
    yield equal(say("the status for one that runs"), 409, refused.status)
    message = (refused.json() or {}).get("message") if isinstance(refused.json(), dict) else None
    yield Claim(say("with a message that says why"), isinstance(message, str) and bool(message.strip()), repr(message))
    ended = wire.until(lambda: not running(wire, draw, asked), ENDING_SECONDS)
    yield Claim(say("and it runs on"), not ended)
    for id, text in ((ids[0][:12], say("the status for one that was never started")), (asked_name(draw, 2), _ended())):
        yield equal(text, 204, wire.ask("DELETE", f"/containers/{id}").status)
    for number, force in ((1, "1"), (3, "true")):
        id = ids[1] if number == 1 else _another(wire, draw, number)
        yield from _forced(wire, draw, id, wanted(draw, number), force)
    left = _by_id(wire.ask("GET", "/containers/json?all=1"))
    yield Claim(say("none of them is listed any more"), not left, str(len(left)))


def _forced(wire: Wire, draw: Draw, id: str, asked: Wanted, force: str) -> Iterator[Claim]:
    """Remove one that runs, by force."""
    status = wire.ask("DELETE", f"/containers/{id}?force={force}").status
    yield equal(say("the status for one that runs, with `force={value}`", value=force), 204, status)
    yield Claim(say("its process has been killed"), bool(wire.until(lambda: not running(wire, draw, asked))))


def asked_name(draw: Draw, number: int) -> str:
    """Return the name of a container that was asked for."""
    return wanted(draw, number).name


def _ended() -> str:
    return say("the status for one that has ended")


def _conclude_remove(returned: Any, _: Draw) -> Iterator[Claim]:
    yield equal(say("containers that the daemon knows afterwards"), 0, len(returned))


LIST_CONTAINERS = Scenario(
    performing("list_containers"), None, _conclude_list, None, forbidden=(engine.Engine,), converse=_converse_list
)
REMOVE = Scenario(performing("remove"), None, _conclude_remove, None, forbidden=(engine.Engine,), converse=_converse_remove)
