"""One command's options and operands: declared as argparse has it, read as docker's pflag does, errors with their cure.

argparse itself would be a third of what `labcore ps` takes, and its grammar is another: it knows no `--force=false`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Literal

USAGE_ERROR = 125  # docker's status for an option that is unknown, or has a wrong value
OPERANDS_ERROR = 1  # and for too few arguments, or too many
BOOLEANS = {"1": True, "t": True, "T": True, "true": True, "TRUE": True, "True": True}  # docker's spellings
BOOLEANS |= {"0": False, "f": False, "F": False, "false": False, "FALSE": False, "False": False}
REMAINDER = "..."
MANY = ("*", "+", REMAINDER)
HELP = "--help"


class Arguments:
    """What a command is told: the values of its options and operands by their names, and the global options."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Argument:
    """An option, which has `names`, or an operand; its value is known as `dest`.

    An option with the action `store` takes a value, the last of several; `append` collects them; `store_true` is a boolean one,
    with or without a value. `type` reads a value, and raises ValueError for a wrong one. An operand has `nargs`: one word,
    `?` one or none, `*` any number, `+` one or more, `...` all words from there on, also those that look like options.
    """

    def __init__(
        self,
        *names: str,
        action: Literal["store", "append", "store_true"] = "store",
        nargs: str | None = None,
        type: Callable[[str], Any] = str,
        choices: Iterable[str] | None = None,
        default: Any = None,
        dest: str = "",
        metavar: str = "",
        help: str = "",
        hidden: bool = False,
    ) -> None:
        self.names = [name for name in names if name.startswith("-")]
        longest = next((name for name in names if name.startswith("--")), names[0])
        self.dest = dest or longest.lstrip("-").replace("-", "_")
        self.action = action
        self.nargs = nargs
        self.choices = None if choices is None else list(choices)
        self.default = False if action == "store_true" and default is None else default
        self.metavar = metavar
        self.help = help
        self.hidden = hidden
        self._type = type

    @property
    def is_boolean(self) -> bool:
        """Whether it is true or false: then it takes no value, but may have one behind a `=`."""
        return self.action == "store_true"

    @property
    def value_name(self) -> str:
        """What stands for its value in a help."""
        if self.metavar or not self.names:
            return self.metavar or self.dest
        return "|".join(self.choices or [self.dest.upper()])

    def read(self, text: str) -> Any:
        """Return a value. Raises ValueError."""
        if self.is_boolean:
            if text not in BOOLEANS:
                raise ValueError("true or false is wanted")
            return BOOLEANS[text]
        if self.choices is not None and text not in self.choices:
            raise ValueError(f"choose from {', '.join(self.choices)}")
        return self._type(text)


class Group:
    """Options that stand together in the help."""

    def __init__(self, parser: Parser, title: str, description: str = "") -> None:
        self._parser = parser
        self.title = title
        self.description = description
        self.arguments: list[Argument] = []

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Declare an option, as `Argument` has it. The letter of `--help` may be another's."""
        argument = Argument(*names, **settings)
        known = self._parser.options
        for name in argument.names:
            if other := known.get(name):
                if HELP not in other.names:
                    raise ValueError(f"{name} is declared twice")
                other.names.remove(name)
            known[name] = argument
        self.arguments.append(argument)


class UsageError(Exception):
    """What is wrong with a command line; `unknown` is the option that there is not."""

    def __init__(self, message: str, *, status: int = USAGE_ERROR, unknown: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.unknown = unknown


class HelpWanted(Exception):
    """The command line asks for the command's help."""


class Parser:
    """A command's parser. Options may stand among the operands, but not behind the first one if the last takes all words.

    `names` are all names of the command, `usage` is its form if that is not what the operands say, `epilog` ends its help.
    """

    def __init__(self, prog: str, description: str, names: Sequence[str] = ()) -> None:
        self.prog = prog
        self.description = description
        self.names = names
        self.usage = ""
        self.epilog = ""
        self.options: dict[str, Argument] = {}
        self.operands: list[Argument] = []
        self._options = Group(self, "Options")
        self.groups = [self._options]
        self._options.add_argument("-h", HELP, action="store_true", help="print this")

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Declare an option, or an operand: what `Argument` says."""
        if names[0].startswith("-"):
            return self._options.add_argument(*names, **settings)
        if self.operands and self.operands[-1].nargs in MANY:
            raise ValueError(f"{names[0]}: nothing is left by the operand before it")
        self.operands.append(Argument(*names, **settings))
        return None

    def add_argument_group(self, title: str, description: str = "") -> Group:
        """Return a further group of options."""
        self.groups.append(Group(self, title, description))
        return self.groups[-1]

    def parse_args(self, words: Sequence[str], told: Arguments | None = None) -> Arguments:
        """Return what the words say, together with what was `told` before. Raises UsageError, HelpWanted."""
        args = told or Arguments()
        operands = self._read_options(words, args)
        if args.__dict__.pop("help"):
            raise HelpWanted
        self._read_operands(operands, args)
        return args

    def _read_options(self, words: Sequence[str], args: Arguments) -> list[str]:
        """Note the options' values, and return the operands: pflag's ParseAll."""
        values = args.__dict__
        values.update((option.dest, option.default) for option in self.options.values())
        interspersed = not self.operands or self.operands[-1].nargs != REMAINDER
        operands: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":
                return [*operands, *rest]
            if word.startswith("--"):
                self._long(word, rest, values)
            elif word.startswith("-") and word != "-":
                self._letters(word, rest, values)
            elif interspersed:
                operands.append(word)
            else:
                return [word, *rest]
        return operands

    def _long(self, word: str, rest: Iterator[str], values: dict[str, Any]) -> None:
        """Read `--name`, `--name=value`, `--name value`."""
        name, equals, value = word.partition("=")
        option = self.options.get(name)
        if option is None:
            raise UsageError(f"unknown flag: {name}", unknown=name)
        if not equals:
            value = "true" if option.is_boolean else _next(rest, name)
        _note(option, value, values)

    def _letters(self, word: str, rest: Iterator[str], values: dict[str, Any]) -> None:
        """Read `-a`, `-abc`, `-a=value`, `-avalue`, `-a value`."""
        letters = word[1:]
        while letters:
            name, letters = f"-{letters[0]}", letters[1:]
            option = self.options.get(name)
            if option is None:
                raise UsageError(f"unknown shorthand flag: {name[1]!r} in {word}", unknown=name)
            if letters.startswith("="):
                value, letters = letters[1:], ""
            elif option.is_boolean:
                value = "true"
            else:
                value, letters = letters or _next(rest, f"{name[1]!r} in {word}"), ""
            _note(option, value, values)

    def _read_operands(self, words: list[str], args: Arguments) -> None:
        required = [operand for operand in self.operands if operand.nargs in (None, "+")]
        if missing := required[len(words) :]:
            names = ", ".join(operand.value_name for operand in missing)
            raise UsageError(f"{self._wanted('at least', len(required))}: {names}", status=OPERANDS_ERROR)
        left = list(words)
        for operand in self.operands:
            count = len(left) if operand.nargs in MANY else min(1, len(left))
            taken, left = left[:count], left[count:]
            _note_operand(operand, taken, args.__dict__)
        if left:
            wanted = self._wanted("at most", len(self.operands))
            raise UsageError(f"{wanted}: what is {' '.join(left)}?", status=OPERANDS_ERROR)

    def _wanted(self, bound: str, count: int) -> str:
        """Say how many operands are wanted, in docker's words."""
        if not self.operands:
            return "accepts no arguments"
        bound = "" if all(operand.nargs is None for operand in self.operands) else f"{bound} "
        return f"requires {bound}{count} argument{'s' if count > 1 else ''}"


def _next(words: Iterator[str], wanting: str) -> str:
    word = next(words, None)
    if word is None:
        raise UsageError(f"flag needs an argument: {wanting}")
    return word


def _note(option: Argument, text: str, values: dict[str, Any]) -> None:
    try:
        value = option.read(text)
    except ValueError as error:
        raise UsageError(f'invalid argument "{text}" for "{", ".join(option.names)}" flag: {error}') from None
    values[option.dest] = [*(values[option.dest] or ()), value] if option.action == "append" else value


def _note_operand(operand: Argument, words: list[str], values: dict[str, Any]) -> None:
    try:
        read = [operand.read(word) for word in words]
    except ValueError as error:
        raise UsageError(f'invalid argument "{" ".join(words)}" for {operand.value_name}: {error}') from None
    values[operand.dest] = read if operand.nargs in MANY else read[0] if read else operand.default
