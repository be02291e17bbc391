"""The stock docker command and compose, at dockerd and at ours: each line of each session has the same outcome.

These take minutes: `LABCORE_CLIENTS=1 pytest tests/conformance/test_docker_sessions.py`; with LABCORE_WRITE=1 the page of
docker's commands is written anew.
"""

import os
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labcore.engine import Engine
from tests.conformance import compose_sessions, docker_sessions
from tests.conformance.docker_page import HEAD, HINT, PAGE, all_of, names, rows
from tests.conformance.docker_sides import Side, our_side, two_sides
from tests.conformance.docker_words import commands
from tests.conftest import needs_root
from tests.peers import Peers

pytestmark = pytest.mark.skipif(not os.environ.get("LABCORE_CLIENTS"), reason="takes minutes: LABCORE_CLIENTS=1 asks for it")


@pytest.fixture(scope="module")
def sides(peer: Peers, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    needs_root()
    peer.needs("dockerd", "docker")
    with two_sides(peer, engine, tmp_path_factory.mktemp("sides")) as made:
        yield made


def compare(sides: tuple[Side, Side], name: str, lines: str, subtests: pytest.Subtests) -> None:
    """Run the lines of a session on both sides, and compare."""
    folders = [side.home / "sessions" / name.split(",")[0].replace(" ", "-") for side in sides]
    for line in map(str.strip, lines.strip().splitlines()):
        with ThreadPoolExecutor() as both:
            there, here = both.map(lambda side, folder, line=line: side.run(line.lstrip("~!"), folder), sides, folders)
        with subtests.test(line):
            if not line.startswith("!"):
                assert here.status == there.status, (there, here)
            if line[0] not in "~!":
                assert here.out == there.out, (there, here)
                assert told(here.err, there.err), (there, here)
    with ThreadPoolExecutor() as both:
        list(both.map(Side.clear, sides, folders))


def told(ours: str, theirs: str) -> bool:
    """Return whether each line of theirs stands among ours, where more may follow: the cause, and the cure."""
    left = [line for line in ours.splitlines() if line and line != HINT]
    wanted = [line for line in theirs.splitlines() if line and line != HINT and not line.startswith("WARNING: ")]
    return all(any(line.startswith(want) for line in left) for want in wanted) and (bool(left) or not wanted)


@pytest.mark.parametrize("name", docker_sessions.SESSIONS)
def test_docker(
    sides: tuple[Side, Side], subtests: pytest.Subtests, name: str
) -> None:  # fmt: skip
    compare(sides, name, docker_sessions.SESSIONS[name], subtests)


@pytest.mark.parametrize("name", compose_sessions.SESSIONS)
def test_compose(
    sides: tuple[Side, Side], subtests: pytest.Subtests, name: str
) -> None:  # fmt: skip
    project, lines = compose_sessions.SESSIONS[name]
    for side in sides:
        folder = side.home / "sessions" / name.split(",")[0].replace(" ", "-")
        folder.mkdir(parents=True)
        (folder / "compose.yaml").write_text(textwrap.dedent(project))
    compare(sides, name, lines, subtests)


def test_the_page_is_what_comes_of_it(engine: Engine, tmp_path: Path) -> None:
    needs_root()
    with our_side(engine, tmp_path) as side:
        found = [(line, side.run(line.lstrip("~!"), folder)) for line, folder in lines_of(side)]
    page = HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows(found))
    if os.environ.get("LABCORE_WRITE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def lines_of(side: Side) -> Iterator[tuple[str, Path]]:
    for name, lines in docker_sessions.SESSIONS.items():
        folder = side.home / name.replace(" ", "-")
        for line in lines.strip().splitlines():
            yield line.strip(), folder
        side.clear(folder)


def test_each_command_and_option_is_in_a_session() -> None:
    """Those that are in none would not stand in the page."""
    seen = {
        (command, option)
        for lines in docker_sessions.SESSIONS.values()
        for line in lines.splitlines()
        for command, option in all_of(line)
    }
    assert {(command, option) for command in commands() for option in ("", *names(command))} - seen == set()
