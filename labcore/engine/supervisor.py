"""The supervisor: attached to the shims of all containers that run, it sees to what has to follow when one ends.

Whoever looks at a container finds out how it ended (`labcore.engine.container_state`). The supervisor looks at once, so that
the event comes in time, and removes those that were to go.
"""

import logging
import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Final

from labcore.engine import containers
from labcore.engine.container_state import get
from labcore.engine.engine import Engine
from labcore.engine.records import Container
from labcore.errors import InUse, NotFound, NotRunning
from labcore.native import Process

LOG: Final = logging.getLogger(__name__)


class Supervisor:
    """Watches over the containers of an engine, in a thread of its own, from `start` to `close`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.supervisor = self
        self._processes: dict[str, Process] = {}
        self._lock = Lock()
        self._selector = selectors.DefaultSelector()
        self._bell, self._rung = socket.socketpair()
        self._selector.register(self._rung, selectors.EVENT_READ)
        self._closing = False
        self._thread = Thread(target=self._serve, name="supervisor", daemon=True)

    def start(self) -> None:
        """Attach to what runs already, and watch."""
        for each in containers.every(self._engine):
            if isinstance(each, Container) and each.state.status == "running":
                with suppress(NotRunning):
                    self.watch(each.id, containers.attach(self._engine, each))
        self._thread.start()

    def watch(self, id: str, process: Process) -> None:
        """Watch over a container that was started or attached to; its process is the supervisor's from now on."""
        with self._lock:
            self._processes[id] = process
            self._selector.register(process, selectors.EVENT_READ, id)
        self._ring()

    def process(self, id: str) -> Process | None:
        """Return the process of a container that runs, None if it has ended."""
        with self._lock:
            return self._processes.get(id)

    def close(self) -> None:
        """Watch no more; the containers run on."""
        self._closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()
        for process in self._processes.values():
            process.release()
        for end in (self._selector, self._bell, self._rung):
            end.close()

    def _ring(self) -> None:
        self._bell.send(b"!")

    def _serve(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select():
                if key.fileobj is self._rung:
                    self._rung.recv(4096)
                else:
                    self._ended(key.data)

    def _ended(self, id: str) -> None:
        with self._lock:
            process = self._processes.pop(id)
            self._selector.unregister(process)
        self._logged(lambda: containers.wait_for(process, None))
        self._logged(lambda: self._follow_up(id))

    def _follow_up(self, id: str) -> None:
        with suppress(NotFound, InUse):
            container = get(self._engine, id)
            if container.options.auto_remove and container.state.status == "exited":
                containers.remove(self._engine, id, volumes=True)

    def _logged(self, work: Callable[[], object]) -> None:
        """Do it; what goes wrong with one container must not end the watch over the others."""
        try:
            work()
        except Exception:
            LOG.exception("a container's end could not be seen to")
