"""The page of docker's commands: what each command and option has come to, of the sessions' lines that have it."""

import re
from collections.abc import Iterator
from pathlib import Path

import labcore.daemon
from tests.conformance.docker_sides import Outcome
from tests.conformance.docker_words import commands, options, used

PAGE = Path(labcore.daemon.__file__).with_name("DOCKER_COMMANDS.md")
HEAD = """\
# Commands of docker

What the docker command 28.5.2 gets from `labcore daemon`, command by command and option by option. Each row stands for lines
of `tests/conformance/docker_sessions.py`, which were run: *works* if one of them was not refused; else it is, in the words
that are told. What each line comes to is compared with dockerd's there. This page is made by
`LABCORE_CLIENTS=1 LABCORE_WRITE=1 pytest tests/conformance/test_docker_sessions.py`.

| Command | Option | |
| --- | --- | --- |
"""
HINT = "Run 'docker run --help' for more information"
REFUSALS = ("rror", "only supported", "invalid", "found")
# What a line of a session fails for, and no option of it is to blame: an object, a registry or a file that is not there.
OTHER_CAUSES = (
    "No such container", "nobody listens", "is not connected to network", "container ID file found", "has already been set",
    "user specified IP address", "bind source path does not exist",
)  # fmt: skip
NOISE = tuple(
    re.compile(pattern)
    for pattern in (
        re.escape(HINT), "docker: ", "Error response from daemon: ", r"DEPRECATED: The legacy builder[^/]*https://\S+",
        r"Sending build context to Docker daemon\s+\S+",
    )
)  # fmt: skip


def names(command: str) -> list[str]:
    return sorted({name for name, _ in options(command).values()})


def all_of(line: str) -> Iterator[tuple[str, str]]:
    for command, given in used(line.strip()):
        yield command, ""
        yield from ((command, option) for option in given)


def rows(found: list[tuple[str, Outcome]]) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of the page."""
    by_option: dict[tuple[str, str], list[Outcome]] = {}
    for line, outcome in found:
        for each in set(all_of(line)):
            by_option.setdefault(each, []).append(outcome)
    for command in commands():
        for option in ("", *names(command)):
            yield f"`{command}`" if not option else "", f"`{option}`" if option else "", verdict(by_option[command, option])


def is_refused(outcome: Outcome) -> bool:
    """Return whether docker has refused something; a status can be a program's own, and a failure of what the line is about."""
    refused = bool(outcome.status) and any(word in outcome.err for word in REFUSALS)
    return refused and not any(words in outcome.err for words in OTHER_CAUSES)


def verdict(outcomes: list[Outcome]) -> str:
    if not all(map(is_refused, outcomes)):
        return "works"
    return cell(outcomes[0].err or outcomes[0].out)


def cell(words: str) -> str:
    """Return what the page has of a refusal."""
    for noise in NOISE:
        words = noise.sub("", words)
    return f"refused: {' '.join(words.split())}".replace("|", "\\|")
