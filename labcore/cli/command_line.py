"""A command line's beginning: the global options, then the words that name a command."""

from __future__ import annotations

from labcore.cli.commands import ALIASES, COMMANDS, NOUNS, SHORT
from labcore.errors import InvalidInput

HELP = ("-h", "--help")
VERSION = ("-v", "--version")
GLOBAL = {"--root": "root", "-H": "host", "--host": "host", "-c": "context", "--context": "context"}
WANTED = {"root": "a directory", "host": "unix:///PATH or tcp://ADDRESS:PORT", "context": "a docker context's name"}
COMPLETE = "__complete"  # asked by the shells' completion functions


class Line:
    """What was typed: the global options, the command as it was named, its path, and its own words.

    Without a path the help of what was named is wanted, or `--version`.
    """

    def __init__(self, options: dict[str, str], name: str, path: str | None, words: list[str]) -> None:
        self.options = options
        self.name = name
        self.path = path
        self.words = words


def read(words: list[str]) -> Line:
    """Find out what is asked for. Raises InvalidInput for a command that there is not."""
    options, words = global_options(words)
    first, rest = (words[0], words[1:]) if words else ("--help", [])
    if first in HELP:
        return Line(options, "", None, [])
    if first == COMPLETE:
        return Line(options, COMPLETE, None, rest)
    if first in VERSION:
        return Line(options, "--version", None, [])
    if first in NOUNS:
        return _verb_of(options, first, rest)
    if rest and f"{first} {rest[0]}" in COMMANDS:  # `daemon stop`: a command that has verbs, too
        return Line(options, f"{first} {rest[0]}", f"{first} {rest[0]}", rest[1:])
    path = path_of(first)
    if path is None:
        from labcore.cli.suggest import unknown_command

        raise unknown_command("", first)
    return Line(options, first, path, rest)


def path_of(name: str) -> str | None:
    """Return the path of a command by any of its names: `images`, `image ls` and `image list` are one."""
    path = SHORT.get(name) or ALIASES.get(name) or name
    return path if path in COMMANDS else None


def _verb_of(options: dict[str, str], noun: str, words: list[str]) -> Line:
    if not words or words[0] in HELP:
        return Line(options, noun, None, [])
    name = f"{noun} {words[0]}"
    path = path_of(name)
    if path is None:
        from labcore.cli.suggest import unknown_command

        raise unknown_command(noun, words[0])
    return Line(options, name, path, words[1:])


def global_options(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Return the global options by their names, and the words from the command on, or from `--help` or `--version`.

    Raises InvalidInput for one without a value.
    """
    options: dict[str, str] = {}
    while words and (option := words[0].partition("=")[0]) in GLOBAL:
        name = GLOBAL[option]
        _, equals, value = words[0].partition("=")
        if not equals:
            value, words = (words[1] if len(words) > 1 else ""), words[1:]
        if not value:
            raise InvalidInput(f"{option}: {WANTED[name]} is wanted: labcore {option} {name.upper()} …")
        options[name], words = value, words[1:]
    return options, words
