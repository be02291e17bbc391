"""--progress=plain: a line for each thing that happens, in BuildKit's look, for logs. --progress=quiet: none."""

from __future__ import annotations

import time

from labcore.cli.builder.vertices import DONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final, TextIO

    from labcore.cli.builder.vertices import Vertex

TURN_SECONDS: Final = 5.0


class PlainView:
    """Writes `#5 [2/3] RUN …`, `#5 0.123 output`, `#5 DONE 0.3s`.

    Steps side by side take turns, with `#5 ...` between: one that goes on has its turn for some seconds, and what others say
    meanwhile waits.
    """

    def __init__(self, out: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._now: Vertex | None = None  # whose turn it is
        self._since = 0.0
        self._waiting: dict[Vertex, list[str]] = {}
        self._blank = ""

    def began(self, vertex: Vertex) -> None:
        """Name it when its turn comes."""
        self._take(vertex)

    def said(self, vertex: Vertex, stream: str, line: str) -> None:
        """Write a line with its time from the step's begin on."""
        passed = "" if stream == "status" else f"{self._clock() - vertex.begun:.3f} "
        self._take(vertex, f"{passed}{line}")

    def ended(self, vertex: Vertex) -> None:
        """Write how it ended, and then what has waited for that."""
        took = f" {vertex.seconds:.1f}s" if vertex.state == DONE else ""
        self._take(vertex, f"{vertex.state}{took}")
        while self._waiting and (self._now is None or self._now.state):
            self._turn_to(next(iter(self._waiting)))

    def noted(self, text: str) -> None:
        """Write a line as it is."""
        self._write([text])

    def _take(self, vertex: Vertex, *lines: str) -> None:
        self._waiting.setdefault(vertex, []).extend(lines)
        is_free = self._now is None or bool(self._now.state) or self._clock() - self._since >= TURN_SECONDS
        if vertex is self._now or is_free:
            self._turn_to(vertex)

    def _turn_to(self, vertex: Vertex) -> None:
        """Write what a vertex has to say, under its name unless it goes on."""
        lines = self._waiting.pop(vertex)
        written = [f"#{vertex.index} {line}" for line in lines]
        if vertex is not self._now:
            is_left = self._now is not None and not self._now.state
            before = [f"#{self._now.index} ..."] if self._now and is_left else []
            written = [*before, f"{self._blank}#{vertex.index} {vertex.title}", *written]
            self._now, self._since, self._blank = vertex, self._clock(), "\n"
        self._write(written)

    def _write(self, lines: Sequence[str]) -> None:
        self._out.write("".join(f"{line}\n" for line in lines))
        self._out.flush()


class QuietView:
    """Shows nothing."""

    def began(self, vertex: Vertex) -> None:
        """Show nothing."""

    def said(self, vertex: Vertex, stream: str, line: str) -> None:
        """Show nothing."""

    def ended(self, vertex: Vertex) -> None:
        """Show nothing."""

    def noted(self, text: str) -> None:
        """Show nothing."""
