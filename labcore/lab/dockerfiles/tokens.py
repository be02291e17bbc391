"""Tokens of a Dockerfile: its lines in pieces that belong to an instruction, to its name, to a word of it, or to none."""

import re
from collections.abc import Iterator
from itertools import count
from typing import Final, Literal

from labcore.builder.learners import pair_of
from labcore.builder.parser.instructions import Dockerfile, Instruction
from labcore.record import Record

Kind = Literal["name", "flag", "word", "text", "mark", "comment", "plain"]
STRING: Final = re.compile(r'("(?:[^"\\]|\\.)*")')
FLAGS: Final = re.compile(r"(\s*)((?:--\S+\s*)*)(.*)", re.DOTALL)


class Token(Record):
    """A piece of a line. `instruction` is the number of that to which it belongs, `word` its place among the words, from 0."""

    text: str
    kind: Kind = "plain"
    instruction: int | None = None
    word: int | None = None


def tokens_of(dockerfile: Dockerfile) -> list[list[Token]]:
    """Return the tokens of each line; a comment is one, and the backslash at the end of a line, too."""
    found = [[Token(line, "comment")] for line in dockerfile.lines]
    for number, each in enumerate(dockerfile.instructions):
        first, last = each.location.line - 1, each.location.last_line
        head = last - _heredoc_lines(each)
        reader = _Reader(number, each, dockerfile.directives.escape)
        for index in range(first, last):
            line = dockerfile.lines[index]
            found[index] = list(reader.head(line)) if index < head else [Token(line, "text", number, 0)]
    return found


def _heredoc_lines(each: Instruction) -> int:
    heredocs = getattr(getattr(each, "command", each), "heredocs", ())
    return sum(heredoc.content.count("\n") + 1 for heredoc in heredocs)


class _Reader:
    """Reads the lines of one instruction."""

    def __init__(self, number: int, instruction: Instruction, escape: str) -> None:
        self._number = number
        self._has_words = isinstance(pair_of(instruction)[1], list)
        self._words = count()
        self._mark = re.compile(rf"(.*?)({re.escape(escape)}[ \t]*)?", re.DOTALL)
        self._named = False

    def head(self, line: str) -> Iterator[Token]:
        """Yield the tokens of a line that holds no heredoc's content."""
        if self._named and line.strip()[:1] in ("", "#"):
            yield Token(line, "comment")
            return
        match = self._mark.fullmatch(line)
        assert match
        text, mark = match[1], match[2] or ""
        if not self._named:
            self._named = True
            name = text.split(None, 1)[0]
            before, _, text = text.partition(name)
            yield from self._pieces(before, "plain")
            yield from self._pieces(name, "name")
        yield from self._strings(text) if self._has_words else self._text(text)
        yield from self._pieces(mark, "mark")

    def _strings(self, text: str) -> Iterator[Token]:
        for place, piece in enumerate(STRING.split(text)):
            if place % 2:
                yield Token(piece, "word", self._number, next(self._words))
            else:
                yield from self._pieces(piece, "plain")

    def _text(self, text: str) -> Iterator[Token]:
        match = FLAGS.fullmatch(text)
        assert match
        yield from self._pieces(match[1], "plain")
        if match[2]:
            yield Token(match[2], "flag", self._number, 0)
        if match[3]:
            yield Token(match[3], "text", self._number, 0)

    def _pieces(self, text: str, kind: Kind) -> Iterator[Token]:
        if text:
            yield Token(text, kind, self._number)
