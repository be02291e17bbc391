"""Lists of objects: tables, IDs alone, or a line for each by `--format`."""

from __future__ import annotations

import sys

from labcore.cli.formatting import aligned, printable, table
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from labcore.cli.flags import Parser
    from labcore.cli.template import Row, Template

TABLE: Final = "table"
JSON: Final = "json"
FORMAT_HELP: Final = "table, json, a Go template for each, or `table TEMPLATE`"


class Listing(Record):
    """A kind of list: the head of each field's column, the columns of its table, and the field that `--quiet` prints."""

    heads: Mapping[str, str]
    columns: tuple[str, ...]
    quiet: str = "ID"
    elastic: str = ""  # the column that a narrow terminal shortens


def add_format(parser: Parser, *names: str) -> None:
    """Declare `--format`."""
    parser.add_argument(*names, "--format", default="", metavar="FORMAT", help=FORMAT_HELP)


def add_filter(parser: Parser) -> None:
    """Declare `--filter`."""
    parser.add_argument(
        "-f", "--filter", action="append", type=_filter, default=[], metavar="NAME=VALUE", help="list only those; repeatable"
    )


def _filter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError("bad format of filter (expected name=value)")
    return name.strip().lower(), value.strip()


def filters_of(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return filters as the API takes them."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def show(listing: Listing, rows: Sequence[Row], form: str = "", *, quiet: bool = False) -> None:
    """Print rows in a format. Raises TemplateError."""
    sys.stdout.write(text_of(listing, rows, form, quiet=quiet))


def text_of(listing: Listing, rows: Sequence[Row], form: str = "", *, quiet: bool = False) -> str:
    """Return rows in a format. Raises TemplateError."""
    if quiet and form in ("", TABLE):
        return "".join(f"{row[listing.quiet]()}\n" for row in rows)
    if form in ("", TABLE):
        cells = [[printable(str(row[column]())) for column in listing.columns] for row in rows]
        heads = [listing.heads[column] for column in listing.columns]
        return table(heads, cells, elastic=listing.heads.get(listing.elastic, ""))
    if form == JSON:
        from labcore.cli.template.values import html_safe, json_text

        return "".join(f"{html_safe(json_text(row))}\n" for row in rows)
    return _templated(listing, rows, form)


def _templated(listing: Listing, rows: Sequence[Row], form: str) -> str:
    is_table = form.startswith(TABLE)
    template = template_of(form.removeprefix(TABLE).strip() if is_table else form)
    lines = [for_terminal(template.render(row)) for row in rows]
    if not is_table:
        return "".join(f"{line}\n" for line in lines)
    from labcore.cli.template.values import Row

    heads = Row({name: _head(head) for name, head in listing.heads.items()})
    text = "\n".join([template.heads(heads), *lines])
    return "".join(f"{line}\n" for line in aligned([line.split("\t") for line in text.split("\n")]))


def _head(head: str) -> object:
    return (lambda: head) if head else head_of_label


def head_of_label(name: str) -> str:
    """Return the head of a label's column: the last part of its name."""
    return name.rpartition(".")[2].replace("-", " ").replace("_", " ")


def template_of(form: str) -> Template:
    r"""Return a format's template; in its text `\t` and `\n` are a tab and a line's end. Raises TemplateError."""
    from labcore.cli.template.evaluation import parse  # 5 ms, for those who give a format

    return parse(form.replace("\\t", "\t").replace("\\n", "\n"))


def for_terminal(text: str) -> str:
    """Return a text of strangers' words as it is, or for a terminal without what that would obey."""
    if not sys.stdout.isatty():
        return text
    return "".join(letter if letter.isprintable() or letter in "\t\n" else " " for letter in text)


def joined_labels(labels: Mapping[str, str]) -> str:
    """Return labels as a list shows them: `a=1,b=2`."""
    return ",".join(f"{name}={labels[name]}" for name in sorted(labels))
