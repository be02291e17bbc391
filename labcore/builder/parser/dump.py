"""The tree of a Dockerfile as BuildKit's dumper prints it: an S-expression for each instruction, whatever its words are."""

from __future__ import annotations

from labcore.builder.parser.directives import directives_of
from labcore.builder.parser.errors import DockerfileError, Problem
from labcore.builder.parser.forms import FORMS
from labcore.builder.parser.instructions import Location
from labcore.builder.parser.lexing import list_of, pairs_of, quoted, split_blanks, words_of
from labcore.builder.parser.lines import Cursor, lines_of, locate
from labcore.builder.parser.statements import FIRST, Statement, statement_at


def dump(text: bytes | str, *, name: str = "Dockerfile") -> str:
    """Return the tree: `(name ["--flag=value" …] "word" …)` for each instruction. Raises DockerfileError.

    Unknown instructions, flags and wrong numbers of words are no errors here.
    """
    lines = lines_of(text, name)
    cursor = Cursor(lines, escape=directives_of(lines, name).escape)
    try:
        found = [f"({_tree(statement_at(cursor, text))})" for text in iter(cursor.instruction, None)]
    except Problem as problem:
        where = locate(lines, cursor.first, cursor.position, problem.at)
        raise DockerfileError(str(problem), where, lines, name=name, cure=problem.cure) from None
    if not found:
        raise DockerfileError("file with no instructions", Location(max(1, len(lines)), len(lines)), name=name)
    return "\n".join(found)


def _tree(statement: Statement) -> str:
    flags = f" [{' '.join(map(quoted, statement.flags))}]" if statement.flags else ""
    return (statement.name.lower() + flags + "".join(f" {each}" for each in _words(statement))).strip()


def _words(statement: Statement) -> list[str]:
    """Return an instruction's words, each in quotes; ONBUILD's is the tree of its trigger."""
    name, rest = statement.name, statement.rest
    if name not in FORMS:
        return ['""']
    if name == "ONBUILD":
        return [f"({_tree(Statement.of(rest, statement.escape))})"] if rest else []
    if name == "HEALTHCHECK":
        first = FIRST.match(rest)
        found = [first[1], *_program(rest[first.end() :])] if first else []
    else:
        found = _plain_words(name, rest, statement.escape)
    return list(map(quoted, found))


def _plain_words(name: str, rest: str, escape: str) -> list[str]:
    if name in ("ENV", "LABEL"):
        return [part for pair in pairs_of(rest, escape, name) for part in pair]
    if name == "ARG":
        return words_of(rest, escape)
    if name in ("FROM", "EXPOSE"):
        return split_blanks(rest)
    if name in ("RUN", "CMD", "ENTRYPOINT", "SHELL"):
        return _program(rest)
    if name in ("ADD", "COPY", "VOLUME"):
        found = list_of(rest)
        return split_blanks(rest) if found is None else found
    return [rest] if rest else []


def _program(rest: str) -> list[str]:
    found = list_of(rest)
    return ([rest] if rest else []) if found is None else found
