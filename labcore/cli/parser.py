"""One command's line: read by its own parser; a help is printed, and what is wrong with it, with the cure."""

from __future__ import annotations

import sys
from importlib import import_module

from labcore.cli.commands import ALIASES, COMMANDS, SHORT
from labcore.cli.flags import Arguments, HelpWanted, Parser, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from labcore.cli.command_line import Line


def parser_of(path: str, name: str | None = None) -> tuple[Parser, ModuleType]:
    """Return the parser of a command, called by one of its names, and its module."""
    module = import_module(f"labcore.cli.{path.replace(' ', '.')}")
    parser = Parser(f"labcore {name or path}", COMMANDS[path] + ".", _names(path))
    module.arguments(parser)
    return parser, module


def parsed(line: Line) -> tuple[Callable[[Arguments], int], Arguments]:
    """Return what carries a command out, and what it is told; `args.root`, `host` and `context` are the global options."""
    parser, module = parser_of(line.path or "", line.name)
    root = None
    if "root" in line.options:
        from pathlib import Path  # which costs 4 ms

        root = Path(line.options["root"])
    told = Arguments(root=root, host=line.options.get("host"), context=line.options.get("context"))
    main: Callable[[Arguments], int] = module.main
    return main, parse(parser, line.words, told)


def parse(parser: Parser, words: Sequence[str], told: Arguments | None = None) -> Arguments:
    """Return what the words say, together with what was `told` before.

    Prints the help if it is asked for, or one line on what is wrong and the cure, and ends the command: raises SystemExit.
    """
    try:
        return parser.parse_args(words, told)
    except HelpWanted:
        from labcore.cli.command_help import help_of_command

        sys.stdout.write(help_of_command(parser))
        raise SystemExit(0) from None
    except UsageError as error:
        cure = _cure_of(parser, error.unknown) if error.unknown else None
        sys.stderr.write(f"{parser.prog}: {error}\n  cure: {cure or f'{parser.prog} --help'}\n")
        raise SystemExit(error.status) from None


def _cure_of(parser: Parser, option: str) -> str | None:
    from labcore.cli.suggest import likely
    from labcore.cli.unknown import cure_of

    if cure := cure_of(option, parser.prog.replace("labcore container ", "labcore "), _options_of_run):
        return cure
    found = likely(option, parser.options)
    return f"did you mean {' or '.join(found)}?" if found else None


def _names(path: str) -> list[str]:
    others = [name for table in (ALIASES, SHORT) for name, of in table.items() if of == path]
    return [f"labcore {name}" for name in (path, *others)]


def _options_of_run() -> set[str]:
    return set(parser_of("container run")[0].options)
