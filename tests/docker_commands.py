"""docker's commands against labcore's, from both helps: `python -m tests.docker_commands` writes the page."""

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import labcore.cli
from labcore.cli.absent import absent
from labcore.cli.command_help import help_of_command
from labcore.cli.command_line import path_of
from labcore.cli.commands import NOUNS
from labcore.cli.parser import parser_of
from labcore.cli.unknown import instead_of_option

PAGE = Path(labcore.cli.__file__).with_name("OPTIONS.md")
Words = Callable[..., list[str]]


@cache
def help_of(docker: Words, *words: str) -> str:
    return subprocess.run(docker("docker", *words, "--help"), capture_output=True, text=True, check=True, timeout=60).stdout


def listed(text: str) -> dict[str, list[str]]:
    """Return the names in a help, by the titles that they stand under."""
    found: dict[str, list[str]] = {}
    for paragraph in text.split("\n\n"):
        title, *lines = paragraph.splitlines()
        if title.endswith("Commands:"):
            found[title] = [match[1] for line in lines if (match := re.match(r"  ([a-z]+)\*? ", line))]
    return found


def commands(docker: Words) -> Iterator[str]:
    """Yield all of docker's commands, with the verbs of those nouns that are here too."""
    top = [name for names in listed(help_of(docker)).values() for name in names]
    yield from top
    for noun in NOUNS:
        if noun in top:
            yield from (f"{noun} {verb}" for verb in listed(help_of(docker, noun))["Commands:"])


def options(text: str) -> set[str]:
    """Return the long options of a help, docker's or ours."""
    return set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z][\w-]*)", text, re.MULTILINE))


class Row(NamedTuple):
    """A command of docker's, labcore's, and their options: those of both, labcore's alone, docker's alone."""

    docker: str
    labcore: str
    same: list[str]
    ours: list[str]
    missing: list[str]


def rows(docker: Words) -> Iterator[Row]:
    """Yield a row for each command that both have, by the longer of its names."""
    names = list(commands(docker))
    for name in names:
        path = path_of(name)
        if path and (name == path or path not in names):
            theirs, ours = (options(text) - {"--help"} for text in (help_of(docker, *name.split()), _help_of_ours(path)))
            yield Row(name, path, sorted(theirs & ours), sorted(ours - theirs), sorted(theirs - ours))


def _help_of_ours(path: str) -> str:
    return help_of_command(parser_of(path)[0])


def page(docker: Words) -> str:
    """Return the tables, in Markdown."""
    found = list(rows(docker))
    absent_ones = [(name, absent()[name]) for name in commands(docker) if path_of(name) is None and name not in NOUNS]
    missing = sorted({option for row in found for option in row.missing})
    return (
        "# Commands and options of docker and of labcore\n\n"
        "From both helps, docker's being that of 28.5.2; long options alone. Short forms (`docker run`) have the options of\n"
        "the long ones. This page is made by `python -m tests.docker_commands`.\n\n"
        + _table(("docker", "labcore", "both have", "labcore alone", "docker alone"), map(_cells, found))
        + "\n## Options that are docker's alone\n\n"
        + _table(("option", "why, and what there is instead"), ((f"`{each}`", _reason(each)) for each in missing))
        + "\n## Commands that are docker's alone\n\n"
        + _table(("docker", "what there is instead"), ((f"`{name}`", instead) for name, instead in absent_ones))
    )


def _reason(option: str) -> str:
    there_is = instead_of_option(option)
    assert there_is, f"labcore/cli/unknown.py does not say what there is instead of {option}"
    return there_is


def _cells(row: Row) -> tuple[str, ...]:
    return f"`{row.docker}`", f"`{row.labcore}`", *(" ".join(f"`{each}`" for each in some) for some in row[2:])


def _table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ("---",) * len(head), *lines))


if __name__ == "__main__":
    from tests.peers import found_peers

    with found_peers() as peer:
        PAGE.write_text(page(peer))
