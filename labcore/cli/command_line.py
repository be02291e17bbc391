"""A command line's beginning: the global options, then the words that name a command."""

from __future__ import annotations

from labcore.cli.commands import ALIASES, COMMANDS, NOUNS, SHORT
from labcore.errors import InvalidInput

HELP = ("-h", "--help")
VERSION = ("-v", "--version")
COMPLETE = "__complete"  # asked by the shells' completion functions


class Line:
    """What was typed: the state root, the command as it was named, its path, and its own words.

    Without a path the help of what was named is wanted, or `--version`.
    """

    def __init__(self, root: str | None, name: str, path: str | None, words: list[str]) -> None:
        self.root = root
        self.name = name
        self.path = path
        self.words = words


def read(words: list[str]) -> Line:
    """Find out what is asked for. Raises InvalidInput for a command that there is not."""
    root, words = state_root(words)
    first, rest = (words[0], words[1:]) if words else ("--help", [])
    if first in HELP:
        return Line(root, "", None, [])
    if first == COMPLETE:
        return Line(root, COMPLETE, None, rest)
    if first in VERSION:
        return Line(root, "--version", None, [])
    if first in NOUNS:
        return _verb_of(root, first, rest)
    path = path_of(first)
    if path is None:
        from labcore.cli.suggest import unknown_command

        raise unknown_command("", first)
    return Line(root, first, path, rest)


def path_of(name: str) -> str | None:
    """Return the path of a command by any of its names: `images`, `image ls` and `image list` are one."""
    path = SHORT.get(name) or ALIASES.get(name) or name
    return path if path in COMMANDS else None


def _verb_of(root: str | None, noun: str, words: list[str]) -> Line:
    if not words or words[0] in HELP:
        return Line(root, noun, None, [])
    name = f"{noun} {words[0]}"
    path = path_of(name)
    if path is None:
        from labcore.cli.suggest import unknown_command

        raise unknown_command(noun, words[0])
    return Line(root, name, path, words[1:])


def state_root(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the state root, if one is named, and the words from the command on, or from `--help` or `--version`."""
    root = None
    while words and words[0].partition("=")[0] == "--root":
        _, equals, root = words[0].partition("=")
        if not equals:
            root, words = (words[1] if len(words) > 1 else ""), words[1:]
        if not root:
            raise InvalidInput("--root: a directory is wanted: labcore --root DIR …")
        words = words[1:]
    return root, words
