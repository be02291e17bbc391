"""The Engine API as it is described: every method and path of version 1.51 has a route here."""

from pathlib import Path

import pytest

import labcore
from labcore.daemon.routes import ROUTES
from labcore.daemon.routing_table import page
from labcore.http import Router

DESCRIBED = Path(__file__).with_name("engine_api_1.51.txt").read_text(encoding="utf-8").splitlines()
PAGE = Path(labcore.__file__).parent / "daemon" / "ROUTES.md"


@pytest.mark.parametrize("line", DESCRIBED)
def test_what_is_described_is_answered(line: str) -> None:
    method, path = line.split()
    words = ["x" if word.startswith("{") else word for word in path.split("/")]
    match = Router(ROUTES, prefix="/v{version:number}").match(method, "/v1.51" + "/".join(words))
    fixed = [word for word in path.split("/") if not word.startswith("{")]
    assert set(fixed) <= set(match.route.path.split("/")) or match.route.path.startswith("/{")


def test_the_page_of_routes_is_what_the_code_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: labcore.daemon.routing_table.page()"
