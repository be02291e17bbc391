"""Checks of `create`, `start` and `wait`: what they answer, what is kept, and what runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labcore import engine
from labcore.lab import cgroups
from labcore.lab.checks.drawn_images import put_image
from labcore.lab.checks.lesson_03.running import state_store
from labcore.lab.checks.lesson_05.serving import (
    ID,
    NO_ID,
    Wanted,
    id_of,
    in_time,
    open_gate,
    performing,
    running,
    wanted,
    words_of,
)
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Answer, Wire
from labcore.lab.messages import say


def not_found(answer: Answer | None) -> Claim:
    """Claim that a container that there is not is a 404."""
    return equal(say("the status for a container that there is not"), 404, answer.status if answer else say("no answer"))


# --- create


@contextmanager
def _images(draw: Draw) -> Iterator[None]:
    """Have the images in the daemon's store: from lesson 6 on, `create` looks for them."""
    for number in (1, 2):
        put_image(state_store(draw), wanted(draw, number).image, {})
    yield


def _converse_create(wire: Wire, draw: Draw) -> Iterator[Claim]:
    both = [wanted(draw, number) for number in (1, 2)]
    answers = [each.create(wire) for each in both]
    ids = [id_of(answer) for answer in answers]
    draw.keep("ids", ids)
    yield equal(say("the status of the answer"), 201, answers[0].status)
    yield Claim(say("it has an Id of 64 hexadecimal digits"), all(map(ID.fullmatch, ids)), " ".join(ids))
    yield Claim(say("each container has an id of its own"), ids[0] != ids[1])
    found = answers[0].json()
    warnings = found.get("Warnings") if isinstance(found, dict) else None
    yield Claim(say("and Warnings, an empty list"), warnings == [], repr(warnings))
    yield Claim(say("nothing runs yet"), not running(wire, draw), " ".join(words_of(each)[0] for each in running(wire, draw)))
    started = wire.ask("POST", f"/containers/{both[1].name}/start")
    yield equal(say("the status when it is started by the name that was asked for"), 204, started.status)
    nameless = wire.ask("POST", "/v1.47/containers/create", both[0].body)
    draw.keep("nameless", id_of(nameless))
    yield equal(say("the status for a container that is to have no name"), 201, nameless.status)


def _conclude_create(returned: Any, draw: Draw) -> Iterator[Claim]:
    kept = {id: [image, words] for id, (image, words, _) in returned.items() if id != draw.kept("nameless")}
    asked = [wanted(draw, number) for number in (1, 2)]
    expected = {id: [each.image, each.words] for id, each in zip(draw.kept("ids", []), asked, strict=True)}
    yield Claim(say("`daemon.containers` holds each by its id, with its image and its words"), kept == expected, str(kept))


# --- start


def _converse_start(wire: Wire, draw: Draw) -> Iterator[Claim]:
    one, other = (wanted(draw, number) for number in (1, 2))
    ids = [id_of(each.create(wire)) for each in (one, other)]
    draw.keep("ids", ids)
    yield not_found(in_time(lambda: wire.ask("POST", f"/v1.47/containers/{NO_ID}/start")))
    answer = in_time(lambda: wire.ask("POST", f"/v1.47/containers/{ids[0][:12]}/start"))
    yield Claim(say("the answer comes at once, while the container runs"), answer is not None)
    if answer is None:
        return
    yield equal(say("the status of the answer"), 204, answer.status)
    found = wire.until(lambda: running(wire, draw, one))
    seen = next((" ".join(words) for each in running(wire, draw) if (words := words_of(each))), "")
    yield Claim(say("what runs is `daemon.runtime`, `run`, the image, and the program's words"), bool(found), seen)
    if not found:
        return
    yield Claim(say("once, and no other container"), len(found) == 1 and not running(wire, draw, other))
    open_gate(wire, one)
    ended = wire.until(lambda: not running(wire, draw))
    yield Claim(say("and it ends with the container"), bool(ended))


def _conclude_start(returned: Any, draw: Draw) -> Iterator[Claim]:
    states = [returned.get(id, ["", "", ""])[2] for id in draw.kept("ids", [])]
    yield equal(say("as the daemon knows them, the one has ended, the other is not started"), ["exited", "created"], states)


# --- wait


def _converse_wait(wire: Wire, draw: Draw) -> Iterator[Claim]:
    one, other = (wanted(draw, number) for number in (1, 2))
    ids = [id_of(each.create(wire)) for each in (one, other)]
    yield not_found(in_time(lambda: wire.ask("POST", f"/v1.47/containers/{NO_ID}/wait")))
    said = list(_asked_before_the_start(wire, one, ids[0]))
    yield from said
    if len(said) == 1:  # no answer came
        return
    wire.ask("POST", f"/containers/{ids[1]}/start")
    yield from _told(wire, other, ids[1])
    again = in_time(lambda: wire.ask("POST", f"/containers/{ids[1]}/wait"))
    text = say("the code that is told of one that has ended long ago")
    yield equal(text, [{"StatusCode": other.code}], again.lines() if again else say("no answer"))


def _asked_before_the_start(wire: Wire, one: Wanted, id: str) -> Iterator[Claim]:
    text = say("the head of the answer comes at once, before the container is started")
    try:
        with wire.asked("POST", f"/v1.47/containers/{id}/wait?condition=next-exit") as response:
            yield Claim(text, True)
            yield equal(say("the status of the answer"), 200, response.status)
            wire.ask("POST", f"/containers/{id}/start")
            open_gate(wire, one)
            lines = Answer(response.status, {}, response.read()).lines()
    except TimeoutError:
        yield Claim(text, False, say("no answer"))
        wire.ask("POST", f"/containers/{id}/start")  # whoever waits for it is to come to an end
        open_gate(wire, one)
        return
    yield equal(say("the code that is told of the first container"), [{"StatusCode": one.code}], lines)


def _told(wire: Wire, other: Wanted, id: str) -> Iterator[Claim]:
    try:
        with wire.asked("POST", f"/containers/{id}/wait") as response:
            open_gate(wire, other)
            lines = Answer(response.status, {}, response.read()).lines()
    except TimeoutError:
        lines = []
    yield equal(say("the code that is told of another one, which ran already"), [{"StatusCode": other.code}], lines)


def _conclude_nothing(_: Any, __: Draw) -> Iterator[Claim]:
    yield from ()


CREATE = Scenario(
    performing("create"),
    None,
    _conclude_create,
    None,
    prepare=_images,
    forbidden=(engine.Engine,),
    converse=_converse_create,
)
START = Scenario(
    performing("start"),
    None,
    _conclude_start,
    None,
    prepare=lambda _: cgroups.for_a_check_where_possible(),  # lesson 7's version makes some
    forbidden=(engine.Engine,),
    converse=_converse_start,
)
WAIT = Scenario(performing("wait"), None, _conclude_nothing, None, forbidden=(engine.Engine,), converse=_converse_wait)
