"""One-page references of `ops`, `spec` and `lab`, made from their code: each name with its arguments and what it is."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.enumeration import IntFlag
from labcore.errors import InvalidInput
from labcore.lab.copies import REFERENCE
from labcore.lab.messages import say
from labcore.record import Record

MODULES: Final = {"ops": "labcore.runtime.ops", "spec": "labcore.spec", "lab": "labcore.lab"}
LONGEST_DEFAULT: Final = 24  # letters


class Entry(Record):
    """A name with its arguments, the first paragraph of its docstring, and the file that defines it."""

    name: str
    text: str
    home: str


class Reference(Record):
    """The reference of one module; shown in a notebook, and written as a page."""

    what: str
    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{entry.name}\n    {entry.text}" for entry in self.entries)

    def _repr_markdown_(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield the page's lines in Markdown: a table for each file, in the words of its own first line."""
        yield f"# `{self.what}`"
        yield ""
        yield _first_line(import_module(MODULES[self.what]))
        for home in dict.fromkeys(entry.home for entry in self.entries):
            yield from ("", f"## {_first_line(import_module(home)).rstrip('.')}", "", "| | |", "| --- | --- |")
            for entry in self.entries:
                if entry.home == home:
                    cells = (text.replace("|", "\\|") for text in (f"`{entry.name}`", entry.text))
                    yield f"| {' | '.join(cells)} |"


def reference(what: str = "ops") -> Reference:
    """Return the reference of `ops`, `spec` or `lab`. Raises InvalidInput for another word."""
    if what not in MODULES:
        raise InvalidInput(say("there is no reference of {what}; there are: {names}", what=what, names=", ".join(MODULES)))
    module = import_module(MODULES[what])
    found = ((name, getattr(module, name)) for name in module.__all__)
    return Reference(what, tuple(_entry(what, name, value) for name, value in found if inspect.getdoc(value) and _home(value)))


def write_references(directory: Path) -> None:
    """Write each reference as a page, `reference/ops.md` and so on, below the notebooks."""
    (directory / REFERENCE).mkdir(exist_ok=True)
    for what in MODULES:
        text = "\n".join([*reference(what).lines(), ""])
        (directory / REFERENCE / f"{what}.md").write_text(text, encoding="utf-8")


def _entry(what: str, name: str, value: Any) -> Entry:
    text = (inspect.getdoc(value) or "").partition("\n\n")[0].replace("\n", " ")
    return Entry(f"{what}.{name}{_arguments(value)}", text, _home(value))


def _home(value: Any) -> str:
    home = getattr(value, "__module__", None)
    return home if isinstance(home, str) and home.startswith("labcore.") else ""


def _arguments(value: Any) -> str:
    """Return a callable's arguments with their defaults, without annotations."""
    if not callable(value) or (inspect.isclass(value) and issubclass(value, BaseException)):
        return ""
    parameters = inspect.signature(value).parameters.values()
    bare = [each.replace(annotation=inspect.Parameter.empty, default=_default(each.default)) for each in parameters]
    return str(inspect.Signature(bare))


class _Written(str):
    """A default as it is to be written."""

    def __repr__(self) -> str:
        return str(self)


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return value
    text = repr(int(value)) if isinstance(value, IntFlag) else repr(value)
    return _Written(text if len(text) <= LONGEST_DEFAULT else "…")


def _first_line(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0]
