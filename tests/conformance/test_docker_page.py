"""The page of docker's commands says what the daemon does: each refusal on it is met again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conformance.docker_page import PAGE, all_of, is_refused, verdict
from tests.conformance.docker_sessions import SESSIONS
from tests.conformance.docker_sides import Side, our_side
from tests.conftest import needs_root
from tests.daemon import DOCKER

MAKES = (
    "docker run ",
    "docker create ",
    "docker network create ",
    "docker volume create ",
)  # needs nothing that was made before

BY_THE_KERNEL = "refused: resources: "  # others may have what this one has not


@pytest.fixture(scope="module")
def side(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    needs_root()
    if not DOCKER.exists():
        pytest.skip("needs the root of today's peers")
    with our_side(engine, tmp_path_factory.mktemp("side")) as made:
        yield made


def refusals() -> dict[tuple[str, str], str]:
    """Return the rows of the page that say `refused`, by command and option."""
    found, command = {}, ""
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in row.replace("\\|", "\0").strip("|").split("|")]
        if len(cells) == 3 and cells[2].startswith(("works", "refused")):
            command = cells[0].strip("`") or command
            if cells[2] != "works":
                found[command, cells[1].strip("`")] = cells[2].replace("\0", "\\|")
    return found


def first_lines() -> dict[tuple[str, str], str]:
    """Return the first line of the sessions that has a command's option, if it needs nothing of the lines before it."""
    found: dict[tuple[str, str], str] = {}
    for lines in SESSIONS.values():
        for line in map(str.strip, lines.strip().splitlines()):
            for each in all_of(line):
                found.setdefault(each, line.lstrip("~!"))
    return {each: line for each, line in found.items() if line.startswith(MAKES)}


def test_what_the_page_calls_refused_is_refused_in_those_words(side: Side, tmp_path: Path) -> None:
    lines = first_lines()
    told = {each: words for each, words in refusals().items() if each in lines and not words.startswith(BY_THE_KERNEL)}
    assert told
    outcomes = {line: side.run(line, tmp_path / "session") for line in {lines[each] for each in told}}
    assert {each: verdict([outcomes[lines[each]]]) for each in told} == told
    assert all(is_refused(each) for each in outcomes.values())
