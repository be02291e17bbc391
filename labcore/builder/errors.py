"""Errors of a build that has begun."""

from __future__ import annotations

from labcore.builder.parser.errors import excerpt
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from labcore.builder.parser.instructions import Dockerfile, Instruction


def note_place(error: LabcoreError, dockerfile: Dockerfile, instruction: Instruction) -> None:
    """Have an error that does not know which instruction has failed know it: `place` and `excerpt`, as of a RunFailed."""
    if not hasattr(error, "place"):
        place = f"{dockerfile.name}:{instruction.location.line}"
        vars(error).update(place=place, excerpt=tuple(excerpt(dockerfile.lines, instruction.location)))


class RunFailed(LabcoreError):
    """A RUN whose program has failed: its exit `code`, its last lines of `output`, where it stands, and how it looks there.

    `kept` is the ID of an image of the files as they were then, if they were to be kept.
    """

    def __init__(
        self,
        command: str,
        code: int,
        *,
        output: Sequence[str] = (),
        place: str = "",
        excerpt: Sequence[str] = (),
        kept: str = "",
    ) -> None:
        super().__init__(f"The command '{command}' returned a non-zero code: {code}")
        self.code = code
        self.output = tuple(output)
        self.place = place
        self.excerpt = tuple(excerpt)
        self.kept = kept
