"""Tracing a docker command: its calls, the daemon's jobs and each op of a container's start, drawn."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from labcore.client.hosts import find_host
from labcore.errors import InvalidInput
from labcore.lab.docker_client import find_client
from labcore.lab.messages import say
from labcore.lab.sandbox import python
from labcore.paths import default_root
from labcore.record import Record
from labcore.trace import Span, Traced, rows
from labcore.trace import trace as traced

if TYPE_CHECKING:
    from labcore.lab.pictures import Picture


class DrawnTrace(Record):
    """A command that was traced: a notebook shows what it put out, and the picture of its spans."""

    traced: Traced

    @property
    def status(self) -> int:
        """Its exit status."""
        return self.traced.status

    @property
    def output(self) -> str:
        """What it has put out."""
        return self.traced.output

    @property
    def answers(self) -> list[str]:
        """Its calls, each with the status that it was answered with."""
        from labcore.lab.pictures.sequence import short

        return [f"{short(call.name).partition('?')[0]}: {call.answer}" for call in self.traced.span.children]

    @property
    def times(self) -> str:
        """How long its calls took, those of one kind together."""
        from labcore.lab.pictures.sequence import short
        from labcore.lab.pictures.style import duration, listed

        times: dict[str, float] = {}
        for call in self.traced.span.children:
            name = short(call.name).partition("?")[0]
            times[name] = times.get(name, 0.0) + call.duration_ms
        return listed(f"{name} {duration(time)}" for name, time in times.items())

    @property
    def spans(self) -> list[Span]:
        """All spans: the command's, and below it those of its calls, of the daemon's jobs, and of each op of a start."""
        return [span for _, span in rows(self.traced.span)]

    @property
    def picture(self) -> "Picture":
        """The waterfall."""
        return self.zoom()

    @property
    def sequence(self) -> "Picture":
        """Who asked whom for what, in the order of time."""
        from labcore.lab.pictures.sequence import sequence  # which takes a third of a second to import

        return sequence(self.traced.span)

    def zoom(self, part: str = "", *, depth: int | None = None) -> "Picture":
        """Return the waterfall of one part, the first whose name holds this, `depth` levels of it. Raises InvalidInput.

        `zoom("op")` is that of the ops alone: from the clone to the program's execve.
        """
        from labcore.lab.pictures.trace_waterfall import trace_waterfall

        return trace_waterfall(self._part(part), depth)

    def _part(self, part: str) -> Span:
        from labcore.lab.pictures.sequence import short

        ops = [span for span in self.spans if span.kind == "op"]
        if part == "op" and ops:
            return Span("part", say("the ops"), ops[0].start, ops[-1].end, ops[0].lane, tuple(ops))
        found = next((span for span in self.spans if part in short(span.name)), None)
        if found is None:
            names = ", ".join(dict.fromkeys(span.name.split(" ")[0] for span in self.spans))
            raise InvalidInput(say("no part is called {part}: there are {names}", part=part, names=names))
        return found

    def _ipython_display_(self) -> None:
        print(self.traced.output, end="")
        self.picture._ipython_display_()

    def __repr__(self) -> str:
        return self.traced.output + self.picture.alt


def trace(command: str | Sequence[str], *, host: str | None = None) -> DrawnTrace:
    """Run a command with DOCKER_HOST leading to labcore's daemon, and return and draw where its time went.

    `docker` is the stock command, as `lab.docker` finds it, and labcore's where there is none. `host` is the daemon's socket,
    in place of the one that `labcore.connect` finds.
    Raises InvalidInput; Unavailable if no daemon answers.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    if words[:1] == ["docker"]:
        client = find_client(default_root())
        words[:1] = [str(client.path)] if client else python("labcore")
    return DrawnTrace(traced(words, find_host(host).url, capture=True))
