"""Instructions as they are written: what their values do not tell any more, such as case, blank lines and comments above."""

from __future__ import annotations

from labcore.builder.parser.lines import Cursor
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.builder.parser.instructions import Dockerfile, Instruction


class Written(Record):
    """An instruction, its words, the line on which these end, whether blank lines are among them, and the comment above it."""

    instruction: Instruction
    words: tuple[str, ...]
    last_line: int
    has_blank_line: bool
    comment: str

    @property
    def name(self) -> str:
        """The instruction's name as it is written."""
        return self.words[0]

    @property
    def stage(self) -> tuple[str, str]:
        """The words `AS NAME` of FROM, or two empty ones."""
        words = [word for word in self.words if not word.startswith("--")]
        return (words[2], words[3]) if len(words) > 3 else ("", "")


def written(dockerfile: Dockerfile) -> Iterator[Written]:
    """Yield the instructions, in order."""
    cursor = Cursor(list(dockerfile.lines))
    cursor.escape = dockerfile.directives.escape
    for instruction in dockerfile.instructions:
        first = instruction.location.line
        cursor.position = first - 1
        text = cursor.instruction() or instruction.name
        has_blank_line = cursor.position in cursor.blank_at
        comment = _comment_above(dockerfile.lines, first)
        yield Written(instruction, tuple(text.split()), cursor.position, has_blank_line, comment)


def _comment_above(lines: Sequence[str], line: int) -> str:
    above = lines[line - 2].strip() if line > 1 else ""
    return above[1:].strip() if above.startswith("#") else ""
