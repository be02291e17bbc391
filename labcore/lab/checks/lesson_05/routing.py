"""Check of `route`: requests to routes that were drawn."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final

from labcore.http import router
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say

NOBODY: Final[list[Any]] = [None, []]


def _routes(draw: Draw) -> list[tuple[str, str, str]]:
    """Return routes of which several fit some requests, as far as the path goes."""
    return [
        ("GET", f"/{draw.mark}", "look"),
        ("POST", f"/{draw.mark}/create", "make"),
        ("GET", f"/{draw.mark}/json", "whole"),
        ("GET", f"/{draw.mark}/{{id}}", "one"),
        ("DELETE", f"/{draw.mark}/{{id}}", f"drop_{draw.number}"),
        ("POST", f"/{draw.mark}/{{id}}/links/{{name}}", "link"),
        ("GET", "/{id}/json", "late"),
    ]


def _cases(draw: Draw) -> list[tuple[str, str, str, list[Any]]]:
    """Return requests, each with the claim that it is for, and what is to come back."""
    mark, value, other = draw.mark, f"{draw.hostname}_{draw.number}.x", draw.token
    answered = say("a request is answered by the handler of its method and path")
    values = say("what stands in the place of braces comes back, in order")
    version = say("a version in front of the path is cut off, and only there")
    whole = say("the whole path has to fit, not a part of it")
    return [
        (answered, "GET", f"/{mark}", ["look", []]),
        (answered, "POST", f"/{mark}/create", ["make", []]),
        (values, "GET", f"/{mark}/{value}", ["one", [value]]),
        (values, "POST", f"/{mark}/{other}/links/{value}", ["link", [other, value]]),
        (version, "GET", f"/v1.{draw.number % 60}/{mark}", ["look", []]),
        (version, "GET", f"/{mark}/v1.{draw.number % 60}", ["one", [f"v1.{draw.number % 60}"]]),
        (version, "GET", "/v1.47/v1.5/json", ["late", ["v1.5"]]),
        (say("the method has to fit, too"), "DELETE", f"/{mark}/{value}", [f"drop_{draw.number}", [value]]),
        (say("the method has to fit, too"), "POST", f"/{mark}", NOBODY),
        (whole, "GET", f"/{mark}/{value}/links", NOBODY),
        (whole, "GET", f"/and/{mark}", NOBODY),
        (say("of two that fit the first one counts"), "GET", f"/{mark}/json", ["whole", []]),
        (say("where none fits it returns (None, [])"), "GET", f"/{draw.hostname}", NOBODY),
    ]


def _perform_route(mine: ModuleType, draw: Draw) -> list[Any]:
    return [mine.route(method, path, _routes(draw)) for _, method, path, _ in _cases(draw)]


def _conclude_route(returned: Any, draw: Draw) -> Iterator[Claim]:
    cases = _cases(draw)
    for text in dict.fromkeys(case[0] for case in cases):
        found = [(case, answer) for case, answer in zip(cases, returned, strict=True) if case[0] == text]
        wrong = [
            say("{asked}: expected {expected}, got {answer}", asked=f"{method} {path}", expected=wanted, answer=answer)
            for (_, method, path, wanted), answer in found
            if answer != wanted
        ]
        yield Claim(text, not wrong, "; ".join(wrong[:1]))


ROUTE = Scenario(_perform_route, None, _conclude_route, None, twice=True, forbidden=(router, router.Router))
