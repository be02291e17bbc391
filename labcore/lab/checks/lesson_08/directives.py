"""Check of `escape`: directives at the top of a file, and comments that are none."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.lab.checks.lesson_08.cases import PARSERS, Case, compared, use_others
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say


def _cases(draw: Draw) -> list[Case]:
    rest = f"FROM {draw.hostname}\nRUN {draw.mark}\n"
    usual, told = (
        say("where nothing is said it is a backslash"),
        say("else what `# escape=` says, in any case, with blanks or not"),
    )
    top = say("it stands at the top: a comment, a blank line or an instruction ends that")
    cases = [
        (usual, rest, "\\"),
        (usual, "", "\\"),
        (told, f"# escape=`\n{rest}", "`"),
        (told, f"#Escape = `  \n{rest}", "`"),
        (told, f"# escape=\\\n{rest}", "\\"),
        (
            say("other directives may stand before it"),
            f"# syntax=docker/dockerfile:1\n# check=skip=all\n# escape=`\n{rest}",
            "`",
        ),
        (top, f"# {draw.mark}\n# escape=`\n{rest}", "\\"),
        (top, f"\n# escape=`\n{rest}", "\\"),
        (top, f"{rest}# escape=`\n", "\\"),
        (top, f"# {draw.mark[5:]}x=a\n# escape=`\n{rest}", "\\"),
    ]
    return [Case(claim, (text,), wanted) for claim, text, wanted in cases]


def _perform(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "escape")
    return [mine.escape(*case.given) for case in _cases(draw)]


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from compared(_cases(draw), returned)


ESCAPE = Scenario(_perform, None, _conclude, None, forbidden=PARSERS)
