"""Statements: the instructions of a Dockerfile as text in parts, before their words are read."""

from __future__ import annotations

import re

from labcore.builder.parser import instructions as ast
from labcore.builder.parser.errors import Problem
from labcore.builder.parser.flags import values_of
from labcore.builder.parser.heredocs import heredocs_of, with_bodies
from labcore.builder.parser.lexing import list_of, split, split_blanks
from labcore.builder.parser.lines import SPACE, SURROGATE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from labcore.builder.parser.lines import Cursor

NOWHERE: Final = ast.Location(0, 0)
FIRST: Final = re.compile(rf"([^{SPACE}]+)[{SPACE}]*")  # HEALTHCHECK's first word


class Statement:
    """An instruction's text in parts: its name in upper case, its flags, the rest; the lines of its heredocs."""

    heredocs: tuple[ast.Heredoc, ...] = ()
    location = NOWHERE

    def __init__(self, name: str, flags: Sequence[str], rest: str, source: str, escape: str) -> None:
        self.name = name
        self.flags = flags
        self.rest = rest
        self.source = source
        self.escape = escape

    @classmethod
    def of(cls, text: str, escape: str) -> Statement:
        """Take an instruction's line apart; no white space is around it."""
        name, flags, rest = split(text)
        return cls(name.upper(), flags, rest, text, escape)

    def takes_heredocs(self) -> bool:
        """Tell whether `<<NAME` is a heredoc here: in RUN, COPY and ADD, also as ONBUILD's, not in JSON."""
        inner = Statement.of(self.rest, self.escape) if self.name == "ONBUILD" else self
        return inner.name in ("RUN", "COPY", "ADD") and (inner.rest[:1] != "[" or list_of(inner.rest) is None)

    def values(self) -> dict[str, Any]:
        """Return the values of the flags by name."""
        return values_of(self.flags, self.name) if self.flags else {}

    def one(self) -> str:
        """Return the only argument."""
        self.values()
        if not self.rest:
            raise Problem(f"{self.name} requires exactly one argument")
        return self.rest

    def words(self) -> list[str]:
        """Return the words between white space, or those of a JSON list."""
        found = list_of(self.rest)
        return split_blanks(self.rest) if found is None else found

    def made(self, kind: type[ast.Instruction], fields: dict[str, Any]) -> ast.Instruction:
        """Return the record."""
        fields["name"] = self.name
        fields["source"] = self.source
        fields["location"] = self.location
        return ast.record(kind, fields)


def statement_at(cursor: Cursor, text: str) -> Statement:
    """Take apart the instruction that the cursor has read, and read its heredocs. Raises Problem."""
    statement = Statement.of(text, cursor.escape)
    if "<<" in text and statement.takes_heredocs():
        statement.heredocs = with_bodies(heredocs_of(text), cursor)
    statement.location = ast.located(cursor.first, cursor.position)
    if not cursor.is_text:
        _check_encoding(statement)
    return statement


def _check_encoding(statement: Statement) -> None:
    """Refuse bytes that are not UTF-8; comments and a MAINTAINER of old may have them."""
    if statement.name == "MAINTAINER":
        statement.source = SURROGATE.sub("\N{REPLACEMENT CHARACTER}", statement.source)
        statement.rest = SURROGATE.sub("\N{REPLACEMENT CHARACTER}", statement.rest)
    wrong = SURROGATE.search("".join([statement.source, *(each.content for each in statement.heredocs)]))
    if wrong:
        raise Problem(f"byte 0x{ord(wrong[0]) & 0xFF:02x} is not UTF-8", wrong[0], cure="save the file as UTF-8")
