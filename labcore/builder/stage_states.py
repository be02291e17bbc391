"""StageStates: what the stages of a build have come to; each is built once, by whoever asks for it first."""

from __future__ import annotations

import threading
from concurrent.futures import Future

from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.builder.stages import Stage
    from labcore.builder.state import State


class StageStates:
    """The states of stages, from any thread; `build` builds one."""

    def __init__(self, build: Callable[[Stage], State]) -> None:
        self._build = build
        self._states: dict[int, Future[State]] = {}
        self._waits: dict[int, int] = {}  # which stage waits for which
        self._lock = threading.Lock()

    def of(self, stage: Stage, by: Stage | None = None) -> State:
        """Return what a stage has come to; it is built if nobody has begun to, for the stage `by`, if one needs it.

        Raises what building it raises, in whichever thread that was.
        """
        with self._lock:
            future = self._states.get(stage.number)
            mine = future is None
            if future is None:
                future = self._states[stage.number] = Future()
            if by is not None:
                self._wait(by, stage)
        if mine:
            try:
                future.set_result(self._build(stage))
            except BaseException as error:
                future.set_exception(error)
        try:
            return future.result()
        finally:
            del future  # an error that knows this frame would keep itself, and all of the build, from going
            if by is not None:
                self._waits.pop(by.number, None)

    def forget(self) -> None:
        """Let the states go, and with them the errors of stages that have failed, which lead back to the build."""
        self._states.clear()

    def _wait(self, stage: Stage, wanted: Stage) -> None:
        """Note that a stage waits for another. Raises InvalidInput if that waits for the first: triggers can ask for it."""
        self._waits[stage.number] = at = wanted.number
        while at in self._waits:
            at = self._waits[at]
            if at == stage.number:
                raise InvalidInput(f"circular dependency detected on stage: {wanted.label}")
