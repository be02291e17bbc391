"""Virtual machines in a lesson: a guest to look into, and the comparison with containers; a card where there is none."""

import contextlib
import html
import io
import time
from collections.abc import Callable, Sequence

from labcore import vm
from labcore.bench.comparison import Comparison, Options, Progress, Series
from labcore.bench.isolated import compare_isolated
from labcore.errors import LabcoreError
from labcore.lab.colours import RULE
from labcore.lab.messages import say
from labcore.lab.pace import Pace
from labcore.lab.pictures import Picture
from labcore.lab.pictures.comparison import DRAWINGS
from labcore.lab.widget import as_html
from labcore.record import Record
from labcore.vm import NoGuestKernel

WARM_UP = 1
SHOWN = 24  # lines of what a guest says


class Card(Record):
    """A card: why there is no virtual machine, where more is to be said than that none was set up, and how to get one."""

    why: str

    def lines(self) -> list[str]:
        """Return what is to be said."""
        return [
            say("There is no virtual machine to look into here: {why}", why=self.why)
            if self.why
            else say("There is no virtual machine to look into here yet."),
            say("To have one: `sudo labcore vm setup` (27 MB, once). The lesson goes on without."),
        ]

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        rows = "".join(f"<div>{as_html(line)}</div>" for line in self.lines())
        return f"<div style='border-left:4px solid {RULE};padding:2px 10px;line-height:1.5'>{rows}</div>"


def in_vm(*commands: str) -> Card | None:
    """Start a small virtual machine, print what its shell says to commands, and end it; a card if there is none."""
    try:
        with vm.start() as machine:
            said = [line for command in commands for line in machine.run(command).splitlines()]
    except NoGuestKernel:
        return Card("")
    except (LabcoreError, TimeoutError, OSError) as error:
        return Card(str(error).partition("\n")[0])
    print("\n".join(said[:SHOWN]))
    return None


class Times(list[float]):
    """Times in milliseconds; shown as one reads them."""

    def __repr__(self) -> str:
        return ", ".join(f"{ms:.1f} ms" for ms in self)


def timed(start: Callable[[], object], times: int = 12) -> Times:
    """Call a function several times; return how many milliseconds each call took. What is printed meanwhile is not shown."""
    found = Times()
    for _ in range(WARM_UP + times):
        began = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            start()
        found.append((time.perf_counter() - began) * 1e3)
    return Times(found[WARM_UP:])


def compare(mine: Sequence[float] = (), *, rounds: int = 0) -> Comparison:
    """Compare containers with virtual machines on this machine, and say what is being done meanwhile.

    `mine` are the times of the learner's own `run`, in milliseconds. Raises Unavailable.
    """
    from IPython.display import HTML, display  # which costs 0.3 s, and is in notebooks only

    shown = display(HTML(""), display_id=True)
    found: Comparison | None = None
    pace = Pace()
    for event in compare_isolated(options=Options(quick=True, rounds=rounds)):
        if isinstance(event, Progress):
            shown.update(HTML(html.escape(pace.line(event.what, event.done, event.total))))
        else:
            found = event
    assert found is not None
    shown.update(HTML(say("measured on {machine}", machine=html.escape(str(found.environment.get("machine", ""))))))
    added = Series("start", "mine", "ms", tuple(round(sample, 4) for sample in mine))
    return found.replace(series=(*found.series, added)) if mine else found


def draw(found: Comparison, what: str = "start") -> Picture:
    """Draw a part of a comparison: `start`, `waterfall`, `memory` or `work`. Raises InvalidInput for what was not measured."""
    return DRAWINGS[what](found)
