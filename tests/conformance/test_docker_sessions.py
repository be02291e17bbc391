"""The stock docker command and compose, at dockerd and at ours: each line of each session has the same outcome.

These take minutes: `LABCORE_CLIENTS=1 pytest tests/conformance/test_docker_sessions.py`; with LABCORE_WRITE=1 the page of docker's
commands is written anew.
"""

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import labcore.daemon
from labcore.engine import Engine
from tests.conformance import compose_sessions, docker_sessions
from tests.conformance.docker_sides import Outcome, Side, two_sides
from tests.conformance.docker_words import commands, options, used
from tests.conftest import needs_root
from tests.peers import Peers

PAGE = Path(labcore.daemon.__file__).with_name("DOCKER_COMMANDS.md")
HEAD = """\
# Commands of docker

What the docker command 28.5.2 gets from `labcore daemon`, command by command and option by option. Each row stands for lines that were
run, with dockerd 28.5.2 and with ours: *works* if one of them came to the same as with dockerd, with success; else what is refused,
in the words that it is refused with. This page is made by
`LABCORE_CLIENTS=1 LABCORE_WRITE=1 pytest tests/conformance/test_docker_sessions.py`.

| Command | Option | |
| --- | --- | --- |
"""
HINT = "Run 'docker run --help' for more information"
Outcomes = dict[str, list[tuple[str, Outcome, Outcome]]]  # by session: lines, what dockerd made of them, and what we did

pytestmark = pytest.mark.skipif(not os.environ.get("LABCORE_CLIENTS"), reason="takes minutes: LABCORE_CLIENTS=1 asks for it")


@pytest.fixture(scope="module")
def sides(peer: Peers, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Side, Side]]:
    needs_root()
    peer.needs("dockerd", "docker")
    with two_sides(peer, engine, tmp_path_factory.mktemp("sides")) as made:
        yield made


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    return {}


def compare(sides: tuple[Side, Side], name: str, lines: str, subtests: pytest.Subtests, outcomes: Outcomes) -> None:
    """Run the lines of a session on both sides, and compare."""
    folders = [side.home / "sessions" / name.split(",")[0].replace(" ", "-") for side in sides]
    found = outcomes.setdefault(name, [])
    for line in map(str.strip, lines.strip().splitlines()):
        there, here = (side.run(line.lstrip("~!"), folder) for side, folder in zip(sides, folders, strict=True))
        found.append((line, there, here))
        with subtests.test(line):
            if not line.startswith("!"):
                assert here.status == there.status, (there, here)
            if line[0] not in "~!":
                assert here.out == there.out, (there, here)
                assert told(here.err, there.err), (there, here)
    for side, folder in zip(sides, folders, strict=True):
        side.clear(folder)


def told(ours: str, theirs: str) -> bool:
    """Return whether each line of theirs stands among ours, where more may follow: the cause, and the cure."""
    left = [line for line in ours.splitlines() if line and line != HINT]
    wanted = [line for line in theirs.splitlines() if line and line != HINT and not line.startswith("WARNING: ")]
    return all(any(line.startswith(want) for line in left) for want in wanted) and (bool(left) or not wanted)


@pytest.mark.parametrize("name", docker_sessions.SESSIONS)
def test_docker(
    sides: tuple[Side, Side], subtests: pytest.Subtests, outcomes: Outcomes, name: str
) -> None:  # fmt: skip
    compare(sides, name, docker_sessions.SESSIONS[name], subtests, outcomes)


@pytest.mark.parametrize("name", compose_sessions.SESSIONS)
def test_compose(
    sides: tuple[Side, Side], subtests: pytest.Subtests, name: str
) -> None:  # fmt: skip
    project, lines = compose_sessions.SESSIONS[name]
    for side in sides:
        folder = side.home / "sessions" / name.split(",")[0].replace(" ", "-")
        folder.mkdir(parents=True)
        (folder / "compose.yaml").write_text(textwrap.dedent(project))
    compare(sides, name, lines, subtests, {})


def test_the_page_is_what_came_of_it(outcomes: Outcomes) -> None:
    if outcomes.keys() != docker_sessions.SESSIONS.keys():
        pytest.skip("takes minutes: all sessions have to be run")
    page = HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows(outcomes))
    if os.environ.get("LABCORE_WRITE"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page


def test_each_command_and_option_is_in_a_session() -> None:
    """Those that are in none would not stand in the page."""
    seen = {
        (command, option)
        for lines in docker_sessions.SESSIONS.values()
        for line in lines.splitlines()
        for command, option in all_of(line)
    }
    assert {(command, option) for command in commands() for option in ("", *names(command))} - seen == set()


def names(command: str) -> list[str]:
    return sorted({name for name, _ in options(command).values()})


def all_of(line: str) -> Iterator[tuple[str, str]]:
    for command, given in used(line.strip()):
        yield command, ""
        yield from ((command, option) for option in given)


def rows(outcomes: Outcomes) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the page."""
    every = [each for found in outcomes.values() for each in found]
    for command in commands():
        for option in ("", *names(command)):
            those = [(line, there, here) for line, there, here in every if (command, option) in set(all_of(line))]
            yield f"`{command}`" if not option else "", f"`{option}`" if option else "", verdict(those)


def verdict(lines: list[tuple[str, Outcome, Outcome]]) -> str:
    if any(not here.status and not there.status and here.out == there.out for line, there, here in lines if line[0] != "!"):
        return "works"
    line, there, here = next(((each) for each in lines if each[2].status), lines[0])
    words = (
        " ".join((here.err or here.out).replace(HINT, "").split())
        .removeprefix("docker: ")
        .removeprefix("Error response from daemon: ")
    )
    return f"refused{', by dockerd too' if there.status else ''}: {words or line}".replace("|", "\\|")
