"""Cases of lesson 8's checks: what a step is given, what it is to return, and the claim that this is for."""

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any, Final

from labcore.builder import learners
from labcore.builder.parser import directives, heredocs, lexing, lines, parse, statements
from labcore.builder.parser.dump import dump
from labcore.lab.checks.scenario import REFERENCE
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim
from labcore.lab.messages import say
from labcore.record import Record

PARSERS: Final[tuple[Target, ...]] = (parse, dump, lines, lines.Cursor, directives, lexing, statements, heredocs, learners)
SHOWN: Final = 46  # letters of what was given
Pair = list[Any]  # as JSON has it: a name, and a text or a list of words


class Case(Record):
    """One call of a step: its arguments, and what comes back, as JSON has both."""

    claim: str
    given: tuple[Any, ...]
    wanted: Any


def use_others(mine: ModuleType, step: str) -> None:
    """Have a step call the solutions of this lesson's others: it is judged alone."""
    others = {"logical_lines", "value_of", "instruction", "escape", "heredoc"} - {step}
    mine.__dict__.update({name: getattr(REFERENCE, name) for name in others})


def compared(cases: Sequence[Case], returned: Sequence[Any]) -> Iterator[Claim]:
    """Claim for each kind of case that all of them came back as wanted; the first that did not is told."""
    for claim in dict.fromkeys(case.claim for case in cases):
        found = [(case, back) for case, back in zip(cases, returned, strict=True) if case.claim == claim]
        wrong = [
            say("{asked}: expected {expected}, got {answer}", asked=_asked(case.given), expected=case.wanted, answer=back)
            for case, back in found
            if back != case.wanted
        ]
        yield Claim(claim, not wrong, "".join(wrong[:1]))


def _asked(given: Sequence[Any]) -> str:
    """Return arguments as they stand in a call, the last lines of a long text left out."""
    return ", ".join(text if len(text) <= SHOWN else f"{text[:SHOWN]}…" for text in map(repr, given))
