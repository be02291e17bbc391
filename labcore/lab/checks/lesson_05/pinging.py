"""Check of `ping`: by both methods, as clients ask."""

from collections.abc import Iterator
from typing import Any, Final

from labcore.lab.checks.lesson_05.serving import performing
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.checks.wire import Wire
from labcore.lab.messages import say

HEADERS: Final = {"Api-Version": "1.47", "Ostype": "linux"}


def _converse_ping(wire: Wire, _: Draw) -> Iterator[Claim]:
    answers = {
        "HEAD /_ping": wire.ask("HEAD", "/_ping"),
        "GET /_ping": wire.ask("GET", "/_ping"),
        "GET /v1.47/_ping": wire.ask("GET", "/v1.47/_ping"),
    }
    for asked, answer in answers.items():
        yield equal(say("the status of {request}", request=asked), 200, answer.status)
    yield equal(say("the text of the answer"), "OK", answers["GET /_ping"].body.decode(errors="replace").strip())
    for name, value in HEADERS.items():
        seen = [answer.headers.get(name.lower(), "") for answer in answers.values()]
        wrong = next((each for each in seen if each != value), value)
        yield equal(say("the header {name}, whatever the method", name=name), value, wrong)


def _conclude_ping(_: Any, __: Draw) -> Iterator[Claim]:
    yield from ()


PING = Scenario(performing("ping"), None, _conclude_ping, None, converse=_converse_ping)
