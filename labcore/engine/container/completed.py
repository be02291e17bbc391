"""The end of a container: its exit code, as shells and docker say it, its output and its timeline."""

from __future__ import annotations

from functools import cached_property

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.native import Process
    from labcore.spec import Moment


class Completed(Record):
    """A container that has run: its exit code (128 + signal if one killed it), its output, and when each op was done."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    draw_timeline: Callable[[], tuple[Moment, ...]]
    pid: int
    pid_inside: int

    @cached_property
    def timeline(self) -> tuple[Moment, ...]:
        """When each op of its plan was done: drawn up once somebody asks."""
        return self.draw_timeline()

    def __repr__(self) -> str:
        end = self.timeline[-1].start_us + self.timeline[-1].duration_us
        started = f"started in {end / 1e3:.1f} ms"
        return f"Completed(exit_code={self.exit_code}, stdout={self.stdout!r}, stderr={self.stderr!r}, {started})"


def exit_code(process: Process) -> int:
    """Return how a process ended, as a shell and docker say it: its exit code, or 128 plus the signal."""
    code = process.wait()
    return code if code >= 0 else 128 - code
