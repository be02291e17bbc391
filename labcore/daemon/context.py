"""The daemon's context: the engine and what belongs to it, handed to each endpoint."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from labcore.daemon.root_lock import identify, own
from labcore.daemon.settings import Settings
from labcore.daemon.wire.steps_seen import StepsSeen
from labcore.engine.container.exec_sessions import ExecSessions
from labcore.engine.engine import Engine
from labcore.engine.events import Events
from labcore.engine.jobs import Jobs
from labcore.engine.supervision.supervisor import Supervisor
from labcore.http import Response, Upgrade

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.stages import StagesFile

Endpoint = Callable[..., Response | Upgrade]  # of the context, the request, and the path's parameters by name


class Daemon:
    """Everything that endpoints work with, for one state root, which nobody else's daemon has meanwhile.

    Raises InUse if another daemon has the root, StoreDamaged if it is of another format.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings,
        *,
        end: Callable[[], object] = lambda: None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.settings = settings
        self.end = end  # has the process end, soon
        self.started = time.time_ns()
        self.events = Events()
        self.jobs = Jobs()
        self.steps_seen = StepsSeen()
        stages = _stages(settings.stages) if settings.stages else None
        self.engine = Engine(root, notify=notify, events=self.events, registries=settings.registries, stages=stages)
        self._lock = own(root)
        self.id = identify(root)
        self.engine.layers.prepared()
        self._undo = ExitStack()
        self._undo.enter_context(self.engine.records.held_open())
        if stages:
            self._undo.enter_context(_stage_cgroups(self.id))
        self.exec_sessions = ExecSessions(self.engine)
        self.supervisor = Supervisor(self.engine)
        self.supervisor.start()

    def close(self) -> None:
        """Let go of everything; containers run on."""
        self.supervisor.close()
        self._undo.close()
        self._lock.close()


def _stages(file: Path) -> "StagesFile":
    from labcore.engine.stages import StagesFile  # most daemons run no learner's program, and need no parser

    return StagesFile(file)


def _stage_cgroups(daemon_id: str) -> AbstractContextManager[None]:
    from labcore.engine.stage_cgroups import stage_cgroups  # most daemons need none

    return stage_cgroups(daemon_id)
