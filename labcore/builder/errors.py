"""Errors of a build that has begun."""

from __future__ import annotations

from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
