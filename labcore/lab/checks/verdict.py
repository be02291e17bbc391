"""Verdict: the claims of a check, and how they are shown."""

import html
import os
from collections.abc import Iterator
from typing import Any, Literal, Self

from labcore.lab.colours import BAD, GOOD, MUTED
from labcore.lab.messages import labelled, say
from labcore.record import Record

State = Literal["blank", "passed", "failed"]
MARKS = {"blank": "○", "passed": "✓", "failed": "✗"}
COLOURS = {"blank": MUTED, "passed": GOOD, "failed": BAD}
SHOWN = 120  # letters of a value


class Claim(Record):
    """An expectation: what it is about, whether it holds, what was observed and, where that is a value, what was expected.

    `text` is a sentence, or with `expected` a subject: "host name". `draw` counts the random draws of a check that has two.
    """

    text: str
    holds: bool
    seen: str = ""
    expected: str = ""
    draw: int = 1

    @property
    def line(self) -> str:
        """The claim in words; what was seen is told only if it was not what was expected."""
        if self.holds:
            return labelled(self.text, _shortened(self.expected)) if self.expected else self.text
        if self.expected:
            values = {"expected": _shortened(self.expected), "seen": _shortened(self.seen) or say("nothing")}
            return say("{text}: expected {expected}, saw {seen}", text=self.text, **values)
        return say("{text}: saw {seen}", text=self.text, seen=_shortened(self.seen)) if self.seen else self.text

    def __str__(self) -> str:
        return f"{MARKS['passed' if self.holds else 'failed']} {self.line}"


def equal(text: str, expected: Any, seen: Any) -> Claim:
    """Claim of a subject that what was seen is what was expected; a failed line names both."""
    return Claim(text, expected == seen, expected=str(expected), seen=str(seen))


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


class Verdict(Record):
    """The result of one check. `advice` says what to do next, `printed` what the step printed, `seed` repeats the draw."""

    step: str
    state: State
    claims: tuple[Claim, ...] = ()
    advice: str = ""
    printed: str = ""
    seed: int | None = None

    @property
    def title(self) -> str:
        """One line: the step and how it stands."""
        if self.state == "passed":
            return say("{step}: passed", step=self.step)
        if self.state == "blank":
            return say("{step}: still a blank", step=self.step)
        return say("{step}: not yet", step=self.step)

    def lines(self) -> Iterator[str]:
        """Yield a line for each claim; two draws stand apart, and one that holds beside one that does not is one line."""
        draws = sorted({claim.draw for claim in self.claims})
        for draw in draws:
            claims = [claim for claim in self.claims if claim.draw == draw]
            if self.state == "failed" and len(draws) > 1 and all(claim.holds for claim in claims):
                yield say("first draw: {mark} all {n} hold", mark=MARKS["passed"], n=len(claims))
                continue
            if len(draws) > 1:
                yield say("first draw:") if draw == 1 else say("second draw, with other values:")
            yield from map(str, claims)

    def __repr__(self) -> str:
        said = (*self.lines(), self.advice, *self.printed.splitlines())
        return "\n".join([f"{MARKS[self.state]} {self.title}", *(f"  {line}" for line in said if line)])

    def _repr_html_(self) -> str:
        """Return it as HTML; one that has passed is a line that can be opened, and whole where it is printed as text."""
        colour = COLOURS[self.state]
        title = f"<b style='color:{colour}'>{MARKS[self.state]} {html.escape(self.title)}</b>"
        rows = "".join(f"<div>{html.escape(line)}</div>" for line in self.lines())
        more = f"<div style='margin-top:4px'>{html.escape(self.advice)}</div>" if self.advice else ""
        said = f"<pre style='margin:4px 0 0'>{html.escape(self.printed)}</pre>" if self.printed else ""
        whole = f"{title}{rows}{more}{said}"
        if self.state == "passed":
            count = html.escape(say("({n} claims hold)", n=len(self.claims)))
            whole = (
                f"<details><summary>{title} <span style='color:{MUTED}'>{count}</span></summary>{rows}{more}{said}</details>"
            )
        return f"<div style='border-left:4px solid {colour};padding:2px 10px;line-height:1.5'>{whole}</div>"

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as JSON's values."""
        return {**self.as_dict(), "claims": [claim.as_dict() for claim in self.claims]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(**{**value, "claims": tuple(Claim(**claim) for claim in value["claims"])})


def strict() -> bool:
    """Return whether a check that has not passed is an error: LABCORE_STRICT=1."""
    return os.environ.get("LABCORE_STRICT") == "1"
