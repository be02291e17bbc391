"""Riddles: `lab.riddle(plan)` shows a plan that fails, the op and the errno; the explanation is folded away."""

import html

from labcore.errors import InvalidInput, StepFailed, errno_name
from labcore.lab.colours import BAD, BAD_GROUND
from labcore.lab.failures import wrapped
from labcore.lab.messages import say
from labcore.record import Record
from labcore.runtime import Plan, spawn


class Riddle(Record):
    """A failure: the plan's lines, the op that failed, what the kernel said, and the explanation."""

    lines: tuple[str, ...]
    failed: int
    said: str
    cause: str
    cure: str

    def __repr__(self) -> str:
        marked = (f"{'✗' if index == self.failed else ' '} {line}" for index, line in enumerate(self.lines))
        return "\n".join([*marked, f"{self.said}", say("Why?"), wrapped(self.cause), wrapped(self.cure)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<div style='padding:0 6px;{f'background:{BAD_GROUND}' if index == self.failed else ''}'>{html.escape(line)}</div>"
            for index, line in enumerate(self.lines)
        )
        answer = "".join(f"<div>{html.escape(line)}</div>" for line in (self.cause, self.cure) if line)
        return (
            f"<div style='border-left:4px solid {BAD};padding:2px 10px;line-height:1.5'>"
            f"<div style='font-family:monospace;font-size:12px'>{rows}</div>"
            f"<b style='color:{BAD}'>{html.escape(self.said)}</b>"
            f"<details><summary>{html.escape(say('Why?'))}</summary>{answer}</details></div>"
        )


def riddle(plan: Plan) -> Riddle:
    """Carry out a plan that fails; return the failure without its explanation in sight. Raises InvalidInput if it does not."""
    try:
        with spawn(plan) as process:
            process.wait(10)
    except StepFailed as error:
        said = f"{errno_name(error.errno or 0)}: {error.strerror}"
        return Riddle(tuple(str(plan).splitlines()[: len(plan)]), error.index, said, error.cause, error.cure)
    raise InvalidInput(say("this plan does not fail"))
