"""Check of `logical_lines`: texts with comments, blank lines and continued lines, of drawn words."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from labcore.lab.checks.lesson_08.cases import PARSERS, Case, compared, use_others
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say


def _cases(draw: Draw) -> list[Case]:
    mark, word, number = draw.mark, draw.hostname, draw.number
    whole, comment = say("each instruction is a line"), say("comments are left out")
    blank, joined = say("blank lines are left out"), say("what ends in a backslash goes on in the next line")
    inside = say("a comment, or a blank line, within a continued line is left out")
    lost = say("what is continued at the end of the file is not lost")
    cases = [
        (whole, f"FROM {word}\nRUN {mark}\n", [f"FROM {word}", f"RUN {mark}"]),
        (whole, f"FROM {word}\nRUN {mark}", [f"FROM {word}", f"RUN {mark}"]),
        (say("white space around a line goes"), f"  FROM {word}\t\n\tRUN {mark} ", [f"FROM {word}", f"RUN {mark}"]),
        (comment, f"# {mark}\nFROM {word}\n   # RUN {mark}\n#\n", [f"FROM {word}"]),
        (say("but `#` within a line begins none"), f"RUN echo {mark} # {word}\n", [f"RUN echo {mark} # {word}"]),
        (blank, f"\n\nFROM {word}\n  \t\nRUN {mark}\n\n", [f"FROM {word}", f"RUN {mark}"]),
        (blank, f"\n# {mark}\n\n", []),
        (joined, f"RUN {mark} \\\n  {word}\nCMD {number}\n", [f"RUN {mark}   {word}", f"CMD {number}"]),
        (joined, f"RUN {mark}\\\n{word} \\\n{number}\nCMD a\n", [f"RUN {mark}{word} {number}", "CMD a"]),
        (say("also with white space behind the backslash"), f"RUN {mark} \\ \t\n{word}\n", [f"RUN {mark} {word}"]),
        (inside, f"RUN {mark} \\\n# {number}\n  # b\n{word}\n", [f"RUN {mark} {word}"]),
        (inside, f"RUN {mark} \\\n\n   \n{word}\nCMD a", [f"RUN {mark} {word}", "CMD a"]),
        (say("a backslash elsewhere stays"), f"RUN {mark}\\n \\{word} x\n", [f"RUN {mark}\\n \\{word} x"]),
        (lost, f"FROM a\nENV b=c\nRUN {mark} \\\n", ["FROM a", "ENV b=c", f"RUN {mark}"]),
        (lost, f"FROM {word} \\\n# a\n", [f"FROM {word}"]),
        (say("lines may end as on Windows"), f"FROM a\r\n\r\nRUN {mark} \\\r\n{word}\r\n", ["FROM a", f"RUN {mark} {word}"]),
    ]
    return [Case(claim, (text,), wanted) for claim, text, wanted in cases]


def _perform(mine: ModuleType, draw: Draw) -> list[Any]:
    use_others(mine, "logical_lines")
    return [list(mine.logical_lines(*case.given)) for case in _cases(draw)]


def _conclude(returned: Any, draw: Draw) -> Iterator[Claim]:
    yield from compared(_cases(draw), returned)


LOGICAL_LINES = Scenario(_perform, None, _conclude, None, twice=True, forbidden=PARSERS)
