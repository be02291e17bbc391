"""The parser: a Dockerfile's text becomes instructions. Pure: nothing here reads a file.

Reading order: `instructions` (what comes out), `lines`, `directives`, `lexing`, `heredocs`, `statements`, `flags`, `mounts`,
`forms`. The language is BuildKit's, as its Dockerfile reference has it.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager

from labcore.builder.parser.directives import check_syntax, directives_of
from labcore.builder.parser.errors import DockerfileError, Problem
from labcore.builder.parser.forms import instruction_of
from labcore.builder.parser.instructions import Dockerfile, Location, located, moved
from labcore.builder.parser.lines import Cursor, lines_of, locate
from labcore.builder.parser.statements import statement_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.builder.parser.instructions import Directives, Instruction

INSTRUCTION_LIMIT = 1 << 19  # of which each takes a kilobyte of memory

__all__ = ["parse", "read_directives"]


def parse(text: bytes | str, *, name: str = "Dockerfile") -> Dockerfile:
    """Read a Dockerfile; `name` is what errors call it. Raises DockerfileError.

    No FROM need stand before the instructions: a trigger of ONBUILD and a `--change` have none.
    """
    lines = lines_of(text, name)
    directives = directives_of(lines, name)
    check_syntax(directives, lines, name)
    cursor = Cursor(lines, escape=directives.escape)
    with _collector_at_rest():
        found = tuple(_instructions(cursor, name))
    if not found:
        raise DockerfileError("file with no instructions", Location(max(1, len(lines)), len(lines)), name=name)
    return Dockerfile(found, directives, tuple([line.rstrip("\r") for line in lines]), name, tuple(cursor.blank_at))


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep Python from looking for cycles meanwhile: many records are made, which hold none, and a third of the time went."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_directives(text: bytes | str, *, name: str = "Dockerfile") -> Directives:
    """Read the parser directives alone, of any frontend. Raises DockerfileError."""
    return directives_of(lines_of(text, name), name)


def _instructions(cursor: Cursor, name: str) -> Iterator[Instruction]:
    """Read the instructions; one that stands there again, word for word, is read once, as in files that programs write."""
    known: dict[str, Instruction] = {}
    number = 0
    try:
        while (text := cursor.instruction()) is not None:
            number += 1
            if number > INSTRUCTION_LIMIT:
                raise Problem(f"more than {INSTRUCTION_LIMIT} instructions")
            if same := known.get(text):
                yield moved(same, located(cursor.first, cursor.position))
                continue
            statement = statement_at(cursor, text)
            found = instruction_of(statement)
            if not statement.heredocs and statement.name != "ONBUILD":  # which holds places of its own
                known[text] = found
            yield found
    except Problem as problem:
        where = locate(cursor.lines, cursor.first, cursor.position, problem.at)
        raise DockerfileError(str(problem), where, cursor.lines, name=name, cure=problem.cure) from None
