"""wait: until a container does not run, until its next exit, or until it was removed. The supervisor tells; nothing polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcore.engine.container.lifecycle import RUNNING, status_of
from labcore.engine.container.state import get
from labcore.errors import InvalidInput

if TYPE_CHECKING:
    from typing import Final, Self

    from labcore.engine.engine import Engine
    from labcore.engine.supervision.supervisor import Supervisor

CONDITIONS: Final = ("not-running", "next-exit", "removed")


class ContainerWait:
    """A wait that has begun: what comes from now on is not missed. Use it as a context manager.

    Raises NotFound; InvalidInput for a condition that there is not.
    """

    def __init__(self, engine: Engine, supervisor: Supervisor, text: str, condition: str) -> None:
        if condition not in CONDITIONS:
            raise InvalidInput(f'invalid condition: "{condition}"')
        id = engine.records.find(text).id
        actions = ("removed",) if condition == "removed" else ("stopped", "removed")
        self._transitions = supervisor.transitions.subscribe(lambda event: event.id == id and event.action in actions)
        try:
            container = get(engine, id)
        except BaseException:
            self.close()
            raise
        is_over = condition == "not-running" and status_of(container) not in RUNNING
        self._exit_code = container.state.exit_code if is_over else None

    def result(self) -> int | None:
        """Return the container's exit code once the condition holds; None if it was closed before that."""
        if self._exit_code is None and (event := self._transitions.get()):
            self._exit_code = int(event.attributes["exitCode"])
        return self._exit_code

    def close(self) -> None:
        """End it, from any thread."""
        self._transitions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
