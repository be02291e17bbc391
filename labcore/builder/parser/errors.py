"""DockerfileError: what is wrong with a Dockerfile, at its line."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from labcore.builder.parser.instructions import Location

EXCERPT_LINES = 4  # of an instruction that is longer


class DockerfileError(InvalidInput):
    """A Dockerfile that cannot be read or carried out: `problem` in a sentence, where, and a `cure`, if one is known.

    Its text is the place as `FILE:LINE:COLUMN`, the problem, and the lines themselves.
    """

    def __init__(
        self, problem: str, location: Location, lines: Sequence[str] = (), *, name: str = "Dockerfile", cure: str = ""
    ) -> None:
        self.problem = problem
        self.location = location
        self.lines = tuple(lines)
        self.name = name
        self.cure = cure
        super().__init__(problem)

    def __str__(self) -> str:
        column = f":{self.location.column}" if self.location.column else ""
        said = [f"{self.name}:{self.location.line}{column}: {self.problem}"]
        said += excerpt(self.lines, self.location)
        if self.cure:
            said.append(f"  cure: {self.cure}")
        return "\n".join(said)


def excerpt(lines: Sequence[str], location: Location) -> list[str]:
    """Return the lines of a place, numbered, with a mark below its column."""
    first, last = location.line, min(location.last_line, location.line + EXCERPT_LINES - 1, len(lines))
    found = [f"  {number:4} | {lines[number - 1]}" for number in range(first, last + 1)]
    if location.column and found:
        found.insert(1, f"       | {' ' * (location.column - 1)}^")
    return found
