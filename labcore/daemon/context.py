"""The daemon's context: the engine and what belongs to it, handed to each endpoint."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from labcore.engine.endpoint import RegistryOptions
from labcore.engine.engine import Engine
from labcore.engine.events import Events
from labcore.engine.supervisor import Supervisor
from labcore.http import Response, Upgrade
from labcore.locks import Lock
from labcore.record import Record

Endpoint = Callable[..., Response | Upgrade]  # of the context, the request, and the path's parameters by name
LOCK_NAME: Final = "daemon.lock"


class Settings(Record):
    """How the daemon was started: `labcore daemon`'s options."""

    hosts: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    debug: bool = False
    registries: RegistryOptions = RegistryOptions()


class Daemon:
    """Everything that endpoints work with, for one state root, which nobody else's daemon has meanwhile.

    Raises InUse if another daemon has the root.
    """

    def __init__(self, root: Path, settings: Settings, *, notify: Callable[[str], None] = lambda _: None) -> None:
        self.settings = settings
        self.events = Events()
        self.engine = Engine(root, notify=notify, events=self.events, registries=settings.registries)
        self._lock = _owned(root)
        self.supervisor = Supervisor(self.engine)
        self.supervisor.start()

    def close(self) -> None:
        """Let go of everything; containers run on."""
        self.supervisor.close()
        self._lock.close()


def _owned(root: Path) -> Lock:
    import os

    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    lock = Lock(root / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW)
    return lock.acquire(timeout_seconds=0, what=f"the state root {root}", cure="end that daemon, or name another --root")
