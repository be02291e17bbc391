"""Completion: the candidates for the last word of a command line, from the grammar, the parsers and what the daemon has.

`labcore __complete WORD…` prints one on each line, with a tab and its help behind it. The lines `:files` and `:directories`
mean that the shell's own names of those belong there too.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from labcore.cli.command_line import global_options, path_of
from labcore.cli.commands import COMMANDS, NOUNS, SHORT
from labcore.cli.connection import host_of
from labcore.cli.flags import Argument, Arguments, Parser
from labcore.cli.parser import parser_of
from labcore.client import Client, connect
from labcore.errors import LabcoreError

Candidate = tuple[str, str]  # a word, and its help
Listing = Callable[[Arguments], list[Candidate]]  # of the daemon that the global options mean
GLOBAL: Final = [
    ("--root", "Where everything lies"),
    ("--host", "The daemon"),
    ("--context", "A docker context"),
    ("--help", "Print help"),
    ("--version", "Print the version"),
]
FILES: Final = [(":files", "")]
DIRECTORIES: Final = [(":directories", "")]


def answer(words: list[str]) -> str:
    """Return the lines for the last word."""
    *before, current = words or [""]
    if before[-1:] == ["--root"] and len(before) % 2:
        return _lines(DIRECTORIES, "")
    options, before = global_options(before)
    root = Path(options["root"]) if "root" in options else None
    told = Arguments(root=root, host=options.get("host"), context=options.get("context"))
    return _lines(_candidates(told, before, current), current)


def _lines(candidates: Iterable[Candidate], current: str) -> str:
    return "".join(f"{word}\t{text}\n" if text else f"{word}\n" for word, text in candidates if _fits(word, current))


def _fits(word: str, current: str) -> bool:
    return word.startswith(current) or (word, "") in FILES + DIRECTORIES


def _candidates(told: Arguments, before: list[str], current: str) -> Iterable[Candidate]:
    if not before:
        return GLOBAL if current.startswith("-") else _commands()
    if before[0] in NOUNS and len(before) == 1:
        return _verbs(before[0])
    length = 2 if before[0] in NOUNS else 1
    path = path_of(" ".join(before[:length]))
    return _arguments(parser_of(path)[0], told, before[length:], current) if path else []


def _commands() -> list[Candidate]:
    short = {name: COMMANDS[path] for name, path in SHORT.items()}
    return sorted((NOUNS | short | {path: line for path, line in COMMANDS.items() if " " not in path}).items())


def _verbs(noun: str) -> list[Candidate]:
    return [(path.partition(" ")[2], line) for path, line in COMMANDS.items() if path.startswith(f"{noun} ")]


def _arguments(parser: Parser, told: Arguments, before: list[str], current: str) -> Iterable[Candidate]:
    """Return what may follow a command's own words."""
    argument, options = _awaited(parser, before)
    option, equals, _ = current.partition("=")
    if options and current.startswith("-"):
        known = parser.options
        if equals and option in known:
            return [(f"{option}={word}" if word[:1] != ":" else word, text) for word, text in _values(known[option], told)]
        return [(name, each.help.partition("\n")[0]) for name, each in known.items() if name.startswith("--")]
    return _values(argument, told) if argument else []


def _awaited(parser: Parser, before: list[str]) -> tuple[Argument | None, bool]:
    """Return the option whose value the next word is, or the operand that it is, and whether an option may stand there."""
    known, operands, options = parser.options, 0, True
    words = iter(before)
    for word in words:
        if options and word == "--":
            options = False
        elif options and word.startswith("-") and word != "-":
            argument = known.get(word)
            if argument and not argument.is_boolean and next(words, None) is None:
                return argument, False
        else:
            operands += 1
    named = parser.operands
    argument = named[operands] if operands < len(named) else named[-1] if named else None
    if argument is None or (operands >= len(named) and argument.nargs in (None, "?")):
        return None, options
    return argument, options and argument.nargs != "..."


def _values(argument: Argument, told: Arguments) -> Iterable[Candidate]:
    """Return the values that an option or an operand may have."""
    if argument.is_boolean:
        return [("true", ""), ("false", "")]
    if argument.choices is not None:
        return [(choice, "") for choice in argument.choices]
    return VALUES[argument.metavar](told) if argument.metavar in VALUES else []


def _named(kind: str, names: Callable[[Client], Iterable[str]], end: str = "") -> Listing:
    """Return what lists the objects of a kind; nothing where no daemon answers: none is started for a key that was pressed."""

    def listed(told: Arguments) -> list[Candidate]:
        try:
            with connect(host_of(told)) as client:
                return [(name + end, kind) for name in names(client)]
        except (LabcoreError, OSError):  # the line is not typed yet: an error belongs to the command
            return []

    return listed


def _containers(client: Client) -> Iterable[str]:
    return (each.name for each in client.containers.list(all=True))


def _volumes(client: Client) -> Iterable[str]:
    return (each.name for each in client.volumes.list())


_image = _named("image", lambda client: (tag for each in client.images.list() for tag in each.tags))
_container = _named("container", _containers)
_in_container = _named("container", _containers, ":")
_network = _named("network", lambda client: (each.name for each in client.networks.list()))
_volume = _named("volume", _volumes)
_on_volume = _named("volume", _volumes, ":")

# metavar -> what may stand there
VALUES: Final[dict[str, Listing]] = {
    "IMAGE": _image,
    "NAME[:TAG]": _image,
    "CONTAINER": _container,
    "NETWORK": _network,
    "VOLUME": _volume,
    "NAME|ID": lambda told: _container(told) + _image(told) + _volume(told),
    "SRC": lambda told: _in_container(told) + FILES,
    "DEST": lambda told: _in_container(told) + FILES,
    "[SOURCE:]PATH[:OPTIONS]": lambda told: _on_volume(told) + FILES,
    "FILE": lambda _: FILES,
    "FILE|-": lambda _: FILES,
    "FILE|DIR": lambda _: FILES,
    "TAR": lambda _: FILES,
    "KIT": lambda _: FILES,
    "ARG": lambda _: FILES,
    "COMMAND": lambda _: FILES,
    "PROGRAM": lambda _: FILES,
    "DIR": lambda _: DIRECTORIES,
}
