"""Vertices of a build, as BuildKit calls them: steps, and what is done around them, with their states, times and last lines."""

from __future__ import annotations

import re
import time
from _thread import allocate_lock
from collections import deque

from labcore.cli.formatting import printable, size
from labcore.client.build_events import Built, Said, StepEnded, StepOutput, StepStarted, Warned

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final, Protocol

    from labcore.client.build_events import BuildEvent, BuildStep
    from labcore.client.build_sources import BuildSource

    class View(Protocol):
        """Who shows a build: it is told what changes, at once."""

        def began(self, vertex: Vertex) -> None:
            """Something has begun."""

        def said(self, vertex: Vertex, stream: str, line: str) -> None:
            """It has put out a line."""

        def ended(self, vertex: Vertex) -> None:
            """It is done, was cached, has failed or was cancelled."""

        def noted(self, text: str) -> None:
            """A line of no step's: a warning, or what another daemon says."""


DONE, CACHED, ERROR, CANCELED = "DONE", "CACHED", "ERROR", "CANCELED"
LAST_LINES: Final = 10  # of a step's output that are kept
LINE_MAX: Final = 1 << 14  # letters of a line that has no end
SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")  # ECMA-48, and xterm's titles
CONTEXT: Final = "[internal] load build context"
EXPORT: Final = "exporting to image"


class Vertex:
    """A step of a build, the `index`-th that has begun; `state` is empty while it goes on, `seconds` what it took."""

    def __init__(self, index: int, title: str, begun: float, step: BuildStep | None = None) -> None:
        self.index = index
        self.title = title
        self.begun = begun
        self.step = step
        self.state = ""
        self.seconds = 0.0
        self.detail = ""  # of what it does just now
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self._open: dict[str, str] = {}  # lines without an end, by their streams

    def lines(self, stream: str, data: str) -> Iterator[str]:
        """Yield the lines that a piece of its output ends, as they may be shown."""
        *whole, rest = (self._open.pop(stream, "") + data).split("\n")
        if len(rest) > LINE_MAX:
            whole, rest = [*whole, rest], ""
        if rest:
            self._open[stream] = rest
        yield from (self._kept(line) for line in whole)

    def rest(self) -> Iterator[tuple[str, str]]:
        """Yield the last lines of its streams, which have no end."""
        for stream, line in self._open.items():
            yield stream, self._kept(line)
        self._open.clear()

    def _kept(self, line: str) -> str:
        shown = showable(line)
        self.last.append(shown)
        return shown


def showable(line: str) -> str:
    """Return a line of a program's output without what a terminal obeys; of one drawn over itself, the last drawing."""
    text = line.rstrip("\r").rpartition("\r")[2]
    return printable(SEQUENCE.sub("", text.expandtabs(8)))


def title_of(step: BuildStep, *, trigger: bool = False) -> str:
    """Return how a step is called: `[build 2/5] RUN make`, in the only stage `[2/5] RUN make`."""
    stage = f"stage-{step.stage}" if step.stage.isdecimal() else step.stage
    prefix = "" if step.stage_total == step.total and step.stage.isdecimal() else f"{stage} "
    onbuild = "ONBUILD " if trigger else ""
    return f"[{prefix}{step.stage_number}/{step.stage_total}] {onbuild}{printable(step.text)}"


class BuildLog:
    """What has happened in a build so far, made of its events; the view is told what changes.

    Another thread may read it under the `lock`, under which the view is told, too.
    """

    def __init__(self, view: View, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._view = view
        self._clock = clock
        self.lock = allocate_lock()
        self._steps: dict[tuple[int, str], Vertex] = {}
        self._source: BuildSource | None = None
        self._context: Vertex | None = None
        self.vertices: list[Vertex] = []
        self.warnings: list[Warned] = []
        self.image_id = ""
        self.names: tuple[str, ...] = ()

    def sends(self, source: BuildSource) -> None:
        """The context begins to be sent."""
        with self.lock:
            self._source = source
            if not source.remote:
                self._context = self._begin(CONTEXT)

    def look(self) -> None:
        """See how far the context is."""
        with self.lock:
            self._look()

    def take(self, event: BuildEvent) -> None:
        """Take what the daemon tells."""
        with self.lock:
            self._look()
            self._take(event)

    def finish(self, line: int | None = None) -> None:
        """End what has not ended: the step on that line of the Dockerfile has failed, the others were cancelled."""
        with self.lock:
            self._look()
            failed = None if line is None else self._failed_at(line)
            for vertex in self.vertices:
                if not vertex.state:
                    self._end(vertex, ERROR if vertex is failed else CANCELED)

    def _look(self) -> None:
        if self._source is None or self._context is None or self._context.state:
            return
        self._context.detail = f"transferring context: {size(self._source.sent)}"
        if self._source.is_sent:
            self._say(self._context, "status", f"{self._context.detail} done")
            self._end(self._context, DONE)

    def _take(self, event: BuildEvent) -> None:
        if isinstance(event, StepStarted):
            if event.step.stage:  # an ARG before the first FROM is no stage's, and done at once
                key = event.step.number, event.step.text
                self._steps[key] = self._begin(title_of(event.step, trigger=event.trigger), event.step)
        elif isinstance(event, StepOutput):
            if vertex := self._of(event.step):
                for line in vertex.lines(event.stream, event.data):
                    self._view.said(vertex, event.stream, line)
        elif isinstance(event, StepEnded):
            if vertex := self._of(event.step):
                self._end(vertex, CACHED if event.is_cached else DONE, event.seconds)
        elif isinstance(event, Warned):
            self.warnings.append(event)
        elif isinstance(event, Built):
            self._built(event)
        elif isinstance(event, Said):
            self._other(event)

    def _failed_at(self, line: int) -> Vertex | None:
        """Return the step on a line that has not ended, or the only one that has not."""
        going_on = [vertex for vertex in self.vertices if not vertex.state and vertex.step]
        found = [vertex for vertex in going_on if vertex.step and vertex.step.line == line]
        return found[0] if found else going_on[0] if len(going_on) == 1 else None

    def _of(self, step: BuildStep) -> Vertex | None:
        return self._steps.get((step.number, step.text))

    def _begin(self, title: str, step: BuildStep | None = None) -> Vertex:
        vertex = Vertex(len(self.vertices) + 1, title, self._clock(), step)
        self.vertices.append(vertex)
        self._view.began(vertex)
        return vertex

    def _say(self, vertex: Vertex, stream: str, line: str) -> None:
        vertex.last.append(line)
        self._view.said(vertex, stream, line)

    def _end(self, vertex: Vertex, state: str, seconds: float | None = None) -> None:
        for stream, line in vertex.rest():
            self._view.said(vertex, stream, line)
        vertex.state = state
        vertex.seconds = self._clock() - vertex.begun if seconds is None else seconds
        self._view.ended(vertex)

    def _built(self, event: Built) -> None:
        self.image_id, self.names = event.image_id, event.names
        vertex = self._begin(EXPORT)
        self._say(vertex, "status", f"writing image {printable(event.image_id)} done")
        for name in event.names:
            self._say(vertex, "status", f"naming to {printable(name)} done")
        self._end(vertex, DONE)

    def _other(self, event: Said) -> None:
        identity = event.aux.get("ID")
        self.image_id = identity if isinstance(identity, str) else self.image_id
        text = event.stream.rstrip("\n") or " ".join(word for word in (event.id, event.status) if word)
        for line in text.splitlines():
            self._view.noted(showable(line))
