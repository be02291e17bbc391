"""Instructions as they are written: what their values do not tell any more, such as case and comments above."""

from __future__ import annotations

from labcore.builder.parser.directives import DIRECTIVE, KNOWN
from labcore.builder.parser.lines import Cursor
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.builder.parser.instructions import Dockerfile, Instruction


class Written(Record):
    """An instruction, its words, and the comment above it."""

    instruction: Instruction
    words: tuple[str, ...]
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
    cursor = Cursor(list(dockerfile.lines), escape=dockerfile.directives.escape)
    for instruction in dockerfile.instructions:
        first = instruction.location.line
        cursor.position = first - 1
        text = cursor.instruction() or instruction.name
        yield Written(instruction, tuple(text.split()), _comment_above(dockerfile.lines, first))


def _comment_above(lines: Sequence[str], line: int) -> str:
    above = lines[line - 2].strip() if line > 1 else ""
    directive = DIRECTIVE.fullmatch(above)
    return above[1:].strip() if above.startswith("#") and not (directive and directive[1].lower() in KNOWN) else ""
