"""The help of one command, in docker's layout: usage, description, aliases, arguments, options, and what else is known."""

from __future__ import annotations

import os
import sys
from textwrap import fill, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from labcore.cli.flags import Argument, Parser

INDENT: Final = 2
HELP_COLUMN: Final = 28  # in which the explanations begin, or farther to the left
LEAST_WIDTH: Final = 11


def help_of_command(parser: Parser) -> str:
    """Return a command's help, as wide as the terminal."""
    width = _columns() - 1
    sections = [("Arguments", "", parser.operands)]
    sections += [(group.title, group.description, group.arguments) for group in parser.groups]
    shown = [(title, text, [each for each in arguments if not each.hidden]) for title, text, arguments in sections]
    column = _help_column(each for _, _, arguments in shown for each in arguments)
    parts = [usage(parser), _filled(parser.description, width)]
    if len(parser.names) > 1:
        parts.append(f"Aliases:\n{_filled(', '.join(parser.names), width - INDENT, INDENT)}")
    for title, text, arguments in shown:
        if arguments:
            description = f"{_filled(text, width - INDENT, INDENT)}\n\n" if text else ""
            lines = [line for each in arguments for line in _lines(each, column, width)]
            parts.append(f"{title}:\n{description}" + "\n".join(lines))
    if parser.epilog:
        parts.append(_filled(parser.epilog, width))
    return "\n\n".join(parts) + "\n"


def usage(parser: Parser) -> str:
    """Return docker's form of a command: what must be given, and that there are options."""
    return f"Usage:  {parser.usage or f'{parser.prog} [OPTIONS]' + ''.join(map(_operand, parser.operands))}"


def _operand(operand: Argument) -> str:
    name = operand.metavar or ("|".join(operand.choices) if operand.choices else operand.dest)
    forms: dict[object, str] = {None: f" {name}", "?": f" [{name}]", "+": f" {name} [{name}...]"}
    return forms.get(operand.nargs, f" [{name}...]")


def _help_column(arguments: Iterable[Argument]) -> int:
    longest = max((len(_invocation(each)) for each in arguments), default=0)
    return min(longest + 2 * INDENT, HELP_COLUMN)


def _lines(argument: Argument, column: int, width: int) -> Sequence[str]:
    """Return an argument as it is called, and what it is for: beside that, or below it if that is too long."""
    called = " " * INDENT + _invocation(argument)
    explained = wrap(argument.help, max(width - column, LEAST_WIDTH), break_on_hyphens=False)  # hello-world stays whole
    if not explained:
        return [called]
    beside = len(called) <= column - 2
    first = [f"{called:{column}}{explained[0]}"] if beside else [called, " " * column + explained[0]]
    return [*first, *(" " * column + line for line in explained[1:])]


def _invocation(argument: Argument) -> str:
    if not argument.names:
        return argument.value_name
    indent = "" if len(argument.names[0]) == 2 else "    "  # long ones stand in a column
    return indent + ", ".join(argument.names) + ("" if argument.is_boolean else f" {argument.value_name}")


def _filled(text: str, width: int, indent: int = 0) -> str:
    """Break a text's lines; each of its own is a paragraph."""
    space = " " * indent
    return "\n".join(
        fill(line, width, initial_indent=space, subsequent_indent=space, break_on_hyphens=False) for line in text.split("\n")
    )


def _columns() -> int:
    if (wanted := os.environ.get("COLUMNS", "")).isdecimal() and len(wanted) < 6:
        return max(int(wanted), 40)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, 40)
    except (OSError, ValueError):  # no terminal, or a closed one
        return 80
