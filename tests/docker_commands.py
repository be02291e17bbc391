"""docker's commands against labcore's, from both helps: `python -m tests.docker_commands` prints the table."""

import re
import subprocess
from collections.abc import Callable, Iterator

from labcore.cli.absent import absent
from labcore.cli.command_line import path_of
from labcore.cli.commands import NOUNS
from labcore.cli.parser import parser_of

Words = Callable[..., list[str]]


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


def rows(docker: Words) -> Iterator[tuple[str, str, str]]:
    """Yield docker's command, ours or what there is instead, and which of docker's options are not there."""
    for name in commands(docker):
        path = path_of(name)
        if path is None:
            yield name, "-", "" if name in NOUNS else absent()[name]
            continue
        missing = options(help_of(docker, *name.split())) - options(parser_of(path)[0].format_help())
        yield name, f"labcore {path}", f"without {', '.join(sorted(missing))}" if missing else ""


if __name__ == "__main__":
    from tests.peers import found_peers

    with found_peers() as peer:
        for row in rows(peer):
            print(f"{row[0]:22}{row[1]:28}{row[2]}".rstrip())
