"""DockerfileError: what is wrong with a Dockerfile, at its line."""

from __future__ import annotations

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from labcore.builder.parser.instructions import Location

EXCERPT_LINES = 4  # of an instruction that is longer
LINE_SHOWN = 200  # characters of a line


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


class Problem(InvalidInput):
    """What is wrong with an instruction whose place only its reader's caller knows; `at` is the word that stands there."""

    def __init__(self, problem: str, at: str = "", *, cure: str = "") -> None:
        super().__init__(problem)
        self.at = at
        self.cure = cure


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return `did you mean WORD?` with the known word that is most like this one, in any case; empty if none is."""
    from difflib import get_close_matches  # which only an error needs

    spelled = {each.lower(): each for each in known}
    found = get_close_matches(word.lower()[:64], spelled, n=1)
    return f"did you mean {spelled[found[0]]}?" if found else ""


def excerpt(lines: Sequence[str], location: Location) -> list[str]:
    """Return the lines of a place, numbered, with a mark below its column."""
    first, last = location.line, min(location.last_line, location.line + EXCERPT_LINES - 1, len(lines))
    found = [f"  {number:4} | {shown(lines[number - 1])}" for number in range(first, last + 1)]
    if 0 < location.column <= LINE_SHOWN and found:
        indent = "".join("\t" if each == "\t" else " " for each in lines[first - 1][: location.column - 1])
        found.insert(1, f"       | {indent}^")
    return found


def shown(line: str) -> str:
    """Return a line as a terminal may show it: shortened, and without characters that move its cursor."""
    cut = line if len(line) <= LINE_SHOWN else line[:LINE_SHOWN] + "…"
    return "".join(each if each.isprintable() or each == "\t" else "\N{REPLACEMENT CHARACTER}" for each in cut)
