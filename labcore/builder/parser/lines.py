"""Lines of a Dockerfile: its bytes become lines, and lines that are continued become one."""

from __future__ import annotations

import re

from labcore.builder.parser.errors import DockerfileError, Problem
from labcore.builder.parser.instructions import Location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

# What Go's unicode.IsSpace takes. Python's isspace takes four control characters more.
SPACE: Final = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
BOM: Final = b"\xef\xbb\xbf"
FILE_LIMIT: Final = 16 << 20  # bytes: what BuildKit takes
LINE_LIMIT: Final = (1 << 16) - 1  # bytes, as BuildKit has it
SURROGATE: Final = re.compile("[\ud800-\udfff]")


def lines_of(content: bytes | str, name: str) -> list[str]:
    r"""Return the lines of a Dockerfile, without their `\n`; a `\r` before it stays, which heredocs keep.

    Bytes that are not UTF-8 become lone surrogates. Raises DockerfileError for a file or a line that is too long, and for NUL.
    """
    if len(content) > FILE_LIMIT:
        raise DockerfileError(f"the file has more than {FILE_LIMIT >> 20} MiB", Location(1, 1), name=name)
    text = _decoded(content, name) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    lines = text.split("\n")
    if text.endswith("\n"):
        lines.pop()
    if "\0" in text:
        at = next(number for number, line in enumerate(lines) if "\0" in line)
        where = Location(at + 1, at + 1, lines[at].index("\0") + 1)
        raise DockerfileError("a NUL byte: this is no text file", where, lines, name=name)
    if max(map(len, lines)) > LINE_LIMIT >> 2:  # the longest character has 4 bytes
        _check_lengths(lines, name)
    return lines


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        cure = "save it as UTF-8: iconv -f UTF-16 -t UTF-8"
        raise DockerfileError("the file is UTF-16", Location(1, 1), name=name, cure=cure)
    return content.removeprefix(BOM).decode("utf-8", "surrogateescape")


def _check_lengths(lines: list[str], name: str) -> None:
    for number, line in enumerate(lines, 1):
        if len(line.encode("utf-8", "surrogateescape" if SURROGATE.search(line) else "strict")) > LINE_LIMIT:
            where = Location(number, number, 1)
            cure = "continue it in a next line, or COPY a file"
            raise DockerfileError(
                f"dockerfile line greater than max allowed size of {LINE_LIMIT}", where, lines, name=name, cure=cure
            )


class Cursor:
    """A place in a Dockerfile's lines: it goes on by an instruction, or by the lines of a heredoc.

    `position` is the number of lines that were read, `first` that of the line on which the instruction begins,
    `blank_at` the lines at which an instruction ended that has blank lines within; `is_text` tells that all is UTF-8.
    """

    def __init__(self, lines: list[str], *, escape: str) -> None:
        self.lines = lines
        self.escape = escape
        self.position = 0
        self.first = 0
        self.blank_at: list[int] = []
        self.is_text = _is_text(lines)

    def instruction(self) -> str | None:
        """Return the next instruction as one line, comments and blank lines left out; None at the file's end.

        No white space is around it.
        """
        lines = self.lines
        while self.position < len(lines):
            line = lines[self.position]
            text = line.strip(SPACE)
            self.position += 1
            if text and text[0] != "#":
                self.first = self.position
                return text if text[-1] != self.escape else self._continued(line.rstrip("\r").lstrip(SPACE))
        return None

    def _continued(self, text: str) -> str:
        lines, escape, blank = self.lines, self.escape, False
        end = text.rstrip(" \t")
        if end[-1] != escape or end[-2:-1] == escape:
            return text.rstrip(SPACE)
        parts = [end[:-1]]
        for number in range(self.position, len(lines)):
            line = lines[number].rstrip("\r")
            start = line.lstrip(SPACE)
            self.position = number + 1
            if not start:
                blank = True
            elif start[0] != "#":
                end = line.rstrip(" \t")
                if end[-1:] != escape or end[-2:-1] == escape:
                    parts.append(line)
                    break
                parts.append(end[:-1])
        if blank:
            self.blank_at.append(self.position)
        return "".join(parts).strip(SPACE)

    def body(self, terminator: str, *, chomp: bool) -> str:
        """Return the lines of a heredoc, up to the one that ends it. Raises Problem at the file's end."""
        lines, start = self.lines, self.position
        for number in range(start, len(lines)):
            line = lines[number].rstrip("\r")
            if (line.lstrip("\t") if chomp else line) == terminator:
                self.position = number + 1
                return "\n".join([*lines[start:number], ""])
        raise Problem("unterminated heredoc", "<<", cure=f"end it by a line that is {terminator} alone")


def _is_text(lines: list[str]) -> bool:
    try:
        "".join(lines).encode()
    except UnicodeEncodeError:
        return False
    return True


def locate(lines: list[str], first: int, last: int, word: str) -> Location:
    """Return the place of a word in the lines of an instruction: its first line if the word stands nowhere as it is."""
    for number in range(first, min(last, len(lines)) + 1) if word else ():
        column = lines[number - 1].find(word)
        if column >= 0:
            return Location(number, last, column + 1)
    line = lines[first - 1] if first <= len(lines) else ""
    return Location(first, last, len(line) - len(line.lstrip(SPACE)) + 1)
