"""One command's parser: argparse, with docker's flags, docker's layout of the help, and errors that name the cure."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from labcore.cli.commands import ALIASES, COMMANDS, SHORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any, NoReturn

    from labcore.cli.command_line import Line

argparse._ = str  # type: ignore[attr-defined]  # no translation is looked for on the disk: 2 ms, and the import of locale
USAGE_ERROR = 125  # docker's status for an option that is unknown, or has a wrong value
OPERANDS_ERROR = 1  # and for too few arguments, or too many
BOOLEANS = {"1": True, "t": True, "T": True, "true": True, "TRUE": True, "True": True}  # docker's spellings
BOOLEANS |= {"0": False, "f": False, "F": False, "false": False, "FALSE": False, "False": False}


def parser_of(path: str, name: str | None = None) -> tuple[Parser, ModuleType]:
    """Return the parser of a command, called by one of its names, and its module."""
    module = import_module(f"labcore.cli.{path.replace(' ', '.')}")
    parser = Parser(f"labcore {name or path}", COMMANDS[path] + ".", _names(path))
    module.arguments(parser)
    return parser, module


def parsed(line: Line) -> tuple[Callable[[argparse.Namespace], int], argparse.Namespace]:
    """Return what carries a command out, and what it is told; `args.root`, `host` and `context` are the global options."""
    parser, module = parser_of(line.path or "", line.name)
    root = None
    if "root" in line.options:
        from pathlib import Path  # which costs 4 ms

        root = Path(line.options["root"])
    told = argparse.Namespace(root=root, host=line.options.get("host"), context=line.options.get("context"))
    main: Callable[[argparse.Namespace], int] = module.main
    return main, parser.parse_args(line.words, told)


def _names(path: str) -> list[str]:
    others = [name for table in (ALIASES, SHORT) for name, of in table.items() if of == path]
    return [f"labcore {name}" for name in (path, *others)]


class Flag(argparse.Action):
    """A boolean option, with or without a value: `--force`, `--force=false`."""

    def __init__(self, option_strings: Sequence[str], dest: str, default: bool = False, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=default, help=help)

    def __call__(self, _parser: object, namespace: argparse.Namespace, _values: object, given: str | None = None) -> None:
        """Keep what was said; without a value that is true."""
        setattr(namespace, self.dest, BOOLEANS[(given or "").partition("=")[2] or "true"])


class Parser(argparse.ArgumentParser):
    """No option is known by its beginning. Each `store_true` is a Flag. Errors end with docker's status."""

    def __init__(self, prog: str, description: str, names: Sequence[str] = ()) -> None:
        super().__init__(prog=prog, description=description, formatter_class=_Layout, add_help=False, allow_abbrev=False)
        self.register("action", "store_true", Flag)
        self.add_argument("-h", "--help", action="help", help="print this")
        self._positionals.title, self._optionals.title = "Arguments", "Options"
        self.names = names

    def add_argument(self, *names: Any, **settings: Any) -> argparse.Action:
        """Declare an argument. What may be no words at all is not among those that an error says are required."""
        action = super().add_argument(*names, **settings)
        action.required = action.required and action.nargs != argparse.REMAINDER
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read the words, in which flags may have values."""
        known = self._option_string_actions
        for word in args:
            option, equals, value = word.partition("=")
            if equals and value in BOOLEANS and isinstance(known.get(option), Flag):
                known[word] = known[option]
        return super().parse_known_args(args, namespace)

    def format_usage(self) -> str:
        """Return docker's form of it: what must be given, and that there are options."""
        return f"Usage:  {self.usage or '%(prog)s [OPTIONS]' + ''.join(map(_operand, self._get_positional_actions()))}\n" % {
            "prog": self.prog
        }

    def format_help(self) -> str:
        """Return usage, description, aliases, arguments and options, and what else is to be known."""
        formatter = self._get_formatter()
        formatter.add_text(self.description)
        if len(self.names) > 1:
            formatter.start_section("Aliases")
            formatter.add_text(", ".join(self.names))
            formatter.end_section()
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return f"{self.format_usage()}\n{formatter.format_help()}"

    def _print_message(self, message: str, file: Any = None) -> None:  # argparse's own passes a full disk over
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """End the command with one line, and its cure."""
        if ": ignored explicit argument" in message and message.count("'") == 2 and len(message.split("'")[1]) > 1:
            names, _, value = message.partition(": ignored explicit argument ")
            message = f"{names.removeprefix('argument ').rpartition('/')[2]}: true or false is wanted, not {value}"
        self.exit(_status_of(message), f"{self.prog}: {message}\n  cure: {self._cure_of(message)}\n")

    def _cure_of(self, message: str) -> str:
        from labcore.cli.suggest import likely
        from labcore.cli.unknown import cure_of

        if cure := cure_of(message, self.prog.replace("labcore container ", "labcore "), _options_of_run):
            return cure
        for word in message.partition("unrecognized arguments: ")[2].split():
            if word.startswith("-") and (found := likely(word.partition("=")[0], self._option_string_actions)):
                return f"did you mean {' or '.join(found)}?"
        return f"{self.prog} --help"


def _options_of_run() -> set[str]:
    return set(parser_of("container run")[0]._option_string_actions)


def _status_of(message: str) -> int:
    """Return the exit status for what argparse says is wrong."""
    missing, unknown = "the following arguments are required: ", "unrecognized arguments: "
    is_count = missing in message or (unknown in message and not message.partition(unknown)[2].startswith("-"))
    return OPERANDS_ERROR if is_count else USAGE_ERROR


def _operand(action: argparse.Action) -> str:
    name = str(action.metavar or action.dest)
    if action.choices is not None and action.metavar is None:
        name = "|".join(map(str, action.choices))
    forms: dict[object, str] = {None: f" {name}", "?": f" [{name}]", "+": f" {name} [{name}...]"}
    return forms.get(action.nargs, f" [{name}...]")


class _Layout(argparse.HelpFormatter):
    """docker's layout. Knows the terminal's width without `shutil`, which argparse would import with three compressors."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=_columns() - 1)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        names = ", ".join(action.option_strings)
        indent = "" if len(action.option_strings[0]) == 2 else "    "  # long ones stand in a column
        value = "" if action.nargs == 0 else f" {action.metavar or self._choices(action)}"
        return indent + names + value

    def _split_lines(self, text: str, width: int) -> list[str]:
        from textwrap import wrap  # for a help only, as argparse has it

        return wrap(text, width, break_on_hyphens=False)  # a name such as hello-world stays whole

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        from textwrap import fill

        lines = text.split("\n")  # each is a paragraph
        return "\n".join(
            fill(line, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) for line in lines
        )

    def _choices(self, action: argparse.Action) -> str:
        return "|".join(map(str, action.choices or [action.dest.upper()]))


def _columns() -> int:
    if (wanted := os.environ.get("COLUMNS", "")).isdecimal() and len(wanted) < 6:
        return max(int(wanted), 40)
    try:
        return max(os.get_terminal_size(sys.stdout.fileno()).columns, 40)
    except (OSError, ValueError):  # no terminal, or a closed one
        return 80
