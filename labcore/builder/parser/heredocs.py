"""Heredocs: `<<NAME` and `<<-NAME` in RUN, COPY and ADD, whose lines follow the instruction."""

from __future__ import annotations

import re

from labcore.builder.parser.instructions import Heredoc, record
from labcore.builder.parser.lines import SPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.builder.parser.instructions import Command
    from labcore.builder.parser.lines import Cursor

QUOTES: Final = r"""\\.|'[^']*+'|"(?:[^"\\]|\\.)*+\""""
WORD: Final = re.compile(rf"""(?:<<-?[ \t\r]*+|{QUOTES}|[^{SPACE}'"\\])++""", re.DOTALL)
LINE: Final = re.compile(rf"""(?:[^'"\\]|{QUOTES})*+\\?""", re.DOTALL)  # one whose quotes are closed
HEREDOC: Final = re.compile(rf"""([0-9]*)<<(-?+)[ \t\r]*+((?:{QUOTES}|[^{SPACE}'"\\<])+)""", re.DOTALL)
QUOTED: Final = re.compile(r"""\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
ESCAPED: Final = re.compile(r'\\(["$\\])')
TABS: Final = re.compile(r"^\t+", re.MULTILINE)


def heredoc_of(word: str) -> Heredoc | None:
    """Read `<<NAME`, without its lines; None if the word is none."""
    match = HEREDOC.fullmatch(word)
    name = QUOTED.sub(_unquoted, match[3]) if match else ""
    if not match or not name:
        return None
    is_quoted = any(found[1] is None for found in QUOTED.finditer(match[3]))
    fields = {"name": name, "content": "", "expand": not is_quoted, "chomp": match[2] == "-"}
    return record(Heredoc, fields | {"descriptor": int(match[1][-9:] or 0)})


def _unquoted(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1]
    return match[2] if match[2] is not None else ESCAPED.sub(r"\1", match[3])


def heredocs_of(text: str) -> list[Heredoc]:
    """Return the heredocs that an instruction's line names; none if a quote in it is not closed."""
    if not LINE.fullmatch(text):
        return []
    found = (heredoc_of(word) for word in WORD.findall(text) if "<<" in word)
    return [heredoc for heredoc in found if heredoc]


def with_bodies(heredocs: list[Heredoc], cursor: Cursor) -> tuple[Heredoc, ...]:
    """Return the heredocs with their lines, which are read one after the other. Raises Problem if one does not end."""
    return tuple(heredoc.replace(content=cursor.body(heredoc.name, chomp=heredoc.chomp)) for heredoc in heredocs)


def source_words(text: str) -> list[str | Heredoc]:
    """Return the words of COPY and ADD, of which some are heredocs."""
    found: list[str | Heredoc] = []
    for word in SOURCE.findall(text):
        found.append(heredoc_of(word) or word)
    return found


SOURCE: Final = re.compile(rf"""[0-9]*<<-?[ \t\r]*(?:{QUOTES}|[^{SPACE}'"\\<])+(?=[{SPACE}]|\Z)|[^\t\v\f\r ]+""", re.DOTALL)


def chomped(content: str) -> str:
    """Return the lines without the tabs that they begin with, as `<<-` wants it."""
    return TABS.sub("", content)


def script_of(command: Command) -> str:
    """Return what a shell form gives to the shell: its line; of a heredoc that stands alone, its lines; else both."""
    line = command.words[0] if command.words else ""
    if not command.heredocs:
        return line
    if heredoc_of(line):
        first = command.heredocs[0]
        return chomped(first.content) if first.chomp else first.content
    return line + "".join(f"\n{each.content}{each.name}" for each in command.heredocs)


def is_program(command: Command) -> bool:
    """Tell whether the command is one heredoc that begins with `#!`: it is run as a file, not by the shell."""
    return bool(command.heredocs and heredoc_of(command.words[0]) and script_of(command).startswith("#!"))
