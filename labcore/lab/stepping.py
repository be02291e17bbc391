"""Stepping through a container's start in a notebook: `for stop in lab.step_through(plan)`."""

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread

from labcore.native import DEVNULL, PIPE
from labcore.runtime import Plan, spawn
from labcore.runtime.stepping import GivenUp, Stop, stepped


def step_through(plan: Plan) -> Iterator[Stop]:
    """Start a plan's process, and yield each stop before an op: what was done, what that changed, and what comes next.

    Print a stop, or look at its `changes` and its `state`, and at the process itself: it waits, with the number `pid`. The op
    is done when the loop goes on. A loop that is left ends the process; at the end of one that is not, its output is printed.
    Raises StepFailed.
    """
    start = _Start(plan)
    try:
        while (stop := start.next_stop()) is not None:
            yield stop
            start.answers.put(True)
    finally:
        start.answers.put(False)
        start.thread.join()
    print(start.output.decode(errors="replace"), end="")


class _Start:
    """A start in a thread of its own: the process's parent, which therefore lasts as long as that."""

    def __init__(self, plan: Plan) -> None:
        self.answers: SimpleQueue[bool] = SimpleQueue()
        self.output = b""
        self._stops: SimpleQueue[Stop | BaseException | None] = SimpleQueue()
        self._plan = stepped(plan, self._pause)
        self.thread = Thread(target=self._run, daemon=True)
        self.thread.start()

    def next_stop(self) -> Stop | None:
        """Wait for the next stop, and return it; None when the process has ended. Raises StepFailed."""
        found = self._stops.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def _pause(self, stop: Stop) -> None:
        self._stops.put(stop)
        if not self.answers.get():
            raise GivenUp

    def _run(self) -> None:
        try:
            with spawn(self._plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
                self.output = b"".join(process.communicate())
            self._stops.put(None)
        except BaseException as error:  # whoever waits for the next stop is told
            self._stops.put(error)
