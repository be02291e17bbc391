"""Verdict: the claims of a check, and how they are shown."""

import html
import os
from typing import Any, Literal, Self

from labcore.lab.colours import BAD, GOOD, MUTED
from labcore.lab.messages import say
from labcore.record import Record

State = Literal["blank", "passed", "failed"]
MARKS = {"blank": "○", "passed": "✓", "failed": "✗"}
COLOURS = {"blank": MUTED, "passed": GOOD, "failed": BAD}


class Claim(Record):
    """An expectation: a sentence, whether it holds, and what was observed."""

    text: str
    holds: bool
    seen: str = ""

    def __str__(self) -> str:
        mark = "✓" if self.holds else "✗"
        return f"{mark} {self.text}" + (f" ({self.seen})" if self.seen else "")


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

    def __repr__(self) -> str:
        lines = [f"{MARKS[self.state]} {self.title}", *(f"  {claim}" for claim in self.claims)]
        lines += [f"  {line}" for line in (self.advice, *self.printed.splitlines()) if line]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        colour = COLOURS[self.state]
        rows = "".join(f"<div>{html.escape(str(claim))}</div>" for claim in self.claims)
        more = f"<div style='margin-top:4px'>{html.escape(self.advice)}</div>" if self.advice else ""
        said = f"<pre style='margin:4px 0 0'>{html.escape(self.printed)}</pre>" if self.printed else ""
        return (
            f"<div style='border-left:4px solid {colour};padding:2px 10px;line-height:1.5'>"
            f"<b style='color:{colour}'>{MARKS[self.state]} {html.escape(self.title)}</b>{rows}{more}{said}</div>"
        )

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
