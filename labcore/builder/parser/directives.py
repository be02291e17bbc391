"""Parser directives: comments `# name=value` at a Dockerfile's top, before any other line."""

from __future__ import annotations

import re

from labcore.builder.parser.errors import DockerfileError
from labcore.builder.parser.instructions import Directives, Location
from labcore.builder.parser.lines import SPACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DIRECTIVE: Final = re.compile(rf"#[{SPACE}]*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*", re.ASCII)
KNOWN: Final = ("syntax", "escape", "check")
OURS: Final = re.compile(r"(?:.+/)?(?:docker/)?dockerfile(?:-upstream)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?", re.ASCII)
OTHER_COMMENT: Final = re.compile(r"//\s*syntax\s*=\s*(\S+)")


def directives_of(lines: list[str], name: str) -> Directives:
    r"""Read the directives. Raises DockerfileError for one that is given twice, and an escape that is neither `\` nor `` ` ``.

    As BuildKit has it: a line `#!…` may stand before `syntax` and `check`; of their values, the first word counts.
    """
    found: dict[str, str] = {}
    is_script = lines[0].startswith("#!")
    for number, line in enumerate(lines[is_script:], 1 + is_script):
        match = DIRECTIVE.fullmatch(line.rstrip("\r").lstrip(SPACE))
        key = match[1].lower() if match else ""
        if not match or key not in KNOWN:
            break
        if key in found:
            raise DockerfileError(f"only one {key} parser directive can be used", Location(number, number), lines, name=name)
        found[key] = match[2] if key == "escape" else match[2].split(" ")[0]
        if key == "escape" and match[2] not in ("\\", "`"):
            problem = f"invalid escape token '{match[2]}' does not match ` or \\"
            raise DockerfileError(problem, Location(number, number, line.index("=") + 2), lines, name=name)
    if is_script:
        found.pop("escape", None)
    return Directives(**found)


def check_syntax(directives: Directives, lines: list[str], name: str) -> None:
    """Refuse a file that wants another frontend than the Dockerfile's: those are programs of their own."""
    other = OTHER_COMMENT.match(lines[0])
    wanted = directives.syntax or (other[1] if other else "")
    if not wanted or OURS.fullmatch(wanted):
        return
    number = next(number for number, line in enumerate(lines, 1) if wanted in line)
    raise DockerfileError(
        f"syntax={wanted}: this frontend is a program of its own, and only the Dockerfile's, docker/dockerfile, is built in",
        Location(number, number, lines[number - 1].index(wanted) + 1),
        lines,
        name=name,
        cure="leave the line out if the file is a plain Dockerfile",
    )
