"""Words of docker's command line: a line's commands and their options, by docker's own help."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from functools import cache

from tests.daemon import DOCKER

NOUNS = ("container", "image", "network", "volume", "system")
SHORT = {
    **{name: f"container {name}" for name in (
        "attach", "commit", "cp", "create", "diff", "exec", "export", "kill", "logs", "pause", "port", "rename", "restart",
        "rm", "run", "start", "stats", "stop", "top", "unpause", "update", "wait",
    )},
    **{name: f"image {name}" for name in ("build", "history", "import", "load", "pull", "push", "save", "tag")},
    "ps": "container ls", "images": "image ls", "rmi": "image rm", "events": "system events", "info": "system info",
}  # fmt: skip
FIRST_WORD_ENDS = (
    "container run",
    "container create",
    "container exec",
    "container top",
)  # options after it are the container's


@cache
def help_of(command: str) -> str:
    done = subprocess.run([DOCKER, *command.split(), "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def commands() -> list[str]:
    """Return all commands of those nouns."""
    return [f"{noun} {verb}" for noun in NOUNS for verb in re.findall(r"^  ([a-z]+) ", help_of(noun), re.MULTILINE)]


@cache
def options(command: str) -> dict[str, tuple[str, bool]]:
    """Return a command's options, by their long and short forms: the long one, and whether it takes a value."""
    found = {}
    for short, name, value in re.findall(
        r"^ {2,6}(?:-(\w), )?--([a-z][\w-]*)(?: (\S+))?(?: {2,}|$)", help_of(command), re.MULTILINE
    ):
        if name != "help":
            found[f"--{name}"] = found[f"-{short}"] = (f"--{name}", bool(value))
    found.pop("-", None)
    return found


def used(line: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each docker command in a shell line, with the options that it has."""
    lexer = shlex.shlex(line.lstrip("~!"), posix=True, punctuation_chars=";|&()<>")
    lexer.whitespace_split = True
    words = list(lexer)
    for at, word in enumerate(words):
        if word == "docker":
            yield from _command(words[at + 1 :])
        elif word.startswith("docker "):  # the words of a terminal
            yield from used(word)


def _command(words: list[str]) -> Iterator[tuple[str, set[str]]]:
    first, second = [*words, "", ""][:2]
    command = f"{first} {second}" if first in NOUNS else SHORT.get(first, "inspect" if first == "inspect" else "")
    if command == "inspect":
        command = "container inspect"
    if command not in commands():
        return
    yield command, set(_options(command, words[2 if first in NOUNS else 1 :]))


def _options(command: str, words: list[str]) -> Iterator[str]:
    known, rest = options(command), iter(words)
    for word in rest:
        if set(word) <= set(";|&()<>"):
            return
        if word.startswith("--"):
            name, value, takes = word.partition("=")[0], "=" in word, False
            if name in known:
                name, takes = known[name]
                yield name
            if takes and not value:
                next(rest, None)
        elif word.startswith("-") and len(word) > 1:
            for at, letter in enumerate(word[1:], 1):
                name, takes = known.get(f"-{letter}", ("", False))
                if name:
                    yield name
                if takes:
                    if at == len(word) - 1:
                        next(rest, None)
                    break
        elif command in FIRST_WORD_ENDS:
            return
