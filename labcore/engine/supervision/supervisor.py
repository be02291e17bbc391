"""The supervisor: attached to the shims of all containers that run, it sees to what has to follow when one ends.

Whoever looks at a container finds out how it ended, and has it decided here, in the same step, whether it is started again. The
supervisor looks at once, so that the event comes in time. It starts again after docker's back-off, removes those that were to
go, and has health checks run. One thread waits for all of them, and for the timers; what may take a while is done by others.
"""

import logging
import select
import selectors
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Lock, Thread
from typing import Any, Final

from labcore.engine import containers
from labcore.engine.container.exit import ran_seconds
from labcore.engine.container.restart import start_again
from labcore.engine.container.state import settled
from labcore.engine.engine import Engine
from labcore.engine.events import Events
from labcore.engine.records.records import Container, State
from labcore.engine.supervision.health import HealthMonitors
from labcore.engine.supervision.health_state import Health
from labcore.engine.supervision.reconcile import reconcile
from labcore.engine.supervision.restart_policy import next_delay, should_restart
from labcore.engine.supervision.timers import Timer, Timers
from labcore.errors import InUse, NotFound
from labcore.native import Process

LOG: Final = logging.getLogger(__name__)
WORKERS: Final = 32


class Supervisor:
    """Watches over the containers of an engine, from `start` to `close`.

    `transitions` tells whoever waits for a container that it has `stopped` (also to be started again) or was `removed`, in
    either case with its `exitCode`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        engine.supervisor = self
        self.transitions = Events()
        self._processes: dict[str, Process] = {}
        self._delays: dict[str, float] = {}  # before the last restart, in seconds
        self._restarts: dict[str, Timer] = {}
        self._kept: set[str] = set()  # that are about to be started again by whoever has stopped them
        self._seen_to: set[str] = set()  # whose last exit was noted in this process
        self._lock = Lock()
        self._selector = selectors.DefaultSelector()
        self._bell, self._rung = socket.socketpair()
        self._selector.register(self._rung, selectors.EVENT_READ)
        self._closing = False
        self._thread = Thread(target=self._serve, name="supervisor", daemon=True)
        self._workers = ThreadPoolExecutor(WORKERS, "supervisor")
        self.timers = Timers(self._ring)
        self.health = HealthMonitors(engine, self.timers, self.submit)

    def start(self) -> None:
        """Match the records with what runs, and watch."""
        self._thread.start()
        reconcile(self._engine)

    def process(self, id: str) -> Process | None:
        """Return the process of a container that runs, None if it has ended."""
        with self._lock:
            return self._processes.get(id)

    def submit(self, work: Callable[[], object]) -> None:
        """Have something done that may take a while; what goes wrong with one container must not end the watch over others."""
        with suppress(RuntimeError):  # closing
            self._workers.submit(self._logged, work)

    def health_of(self, id: str) -> Health | None:
        """Return the health of a container; None if it has no check, or was not started yet."""
        return self.health[id]

    @contextmanager
    def keeping(self, id: str) -> Iterator[None]:
        """Have a container stay that was to go when it ends, as long as the block lasts: it is started again in it."""
        self._kept.add(id)
        try:
            yield
        finally:
            self._kept.discard(id)

    def close(self) -> None:
        """Watch no more; the containers run on."""
        self._closing = True
        self._ring()
        if self._thread.is_alive():
            self._thread.join()
        self.health.close()
        self._workers.shutdown(cancel_futures=True)
        for process in self._processes.values():
            process.release()
        for end in (self._selector, self._bell, self._rung):
            end.close()

    # --- what the engine tells it: `labcore.engine.engine`

    def started(self, container: Container, process: Process) -> None:
        """Watch over a container that was started or attached to; its process is the supervisor's from now on."""
        process.draw_timeline = tuple  # or it would hold its plan, which takes 300 KB
        self._cancel_restart(container.id)
        self._seen_to.discard(container.id)
        with self._lock:
            self._processes[container.id] = process
            self._selector.register(process, selectors.EVENT_READ, container.id)
        self._ring()
        self.health.start(container)

    def sees_running(self, container: Container) -> bool:
        """Return whether the process that a container's record names is watched over, and has not ended: pidfd_open(2)."""
        with self._lock:  # it is let go of only after it is taken out
            process = self._processes.get(container.id)
            if process is None or process.pid != container.state.pid:
                return False
            poller = select.poll()
            poller.register(process.pidfd, select.POLLIN)
            return not poller.poll(0)

    def decided(self, container: Container, state: State) -> State:
        """Return the state of a container that has just ended, with whether it is to be started again."""
        count, policy = state.restart_count, container.options.restart
        if self._engine.lifecycle.is_removed(container.id) or not should_restart(
            policy, exit_code=state.exit_code, manually_stopped=state.manually_stopped, restart_count=count
        ):
            return state
        return state.replace(restarting=True, restart_count=count + 1)

    def has_seen_to(self, id: str) -> bool:
        """Return whether what follows from a container's last exit was seen to: on a full disk it may not be noted yet."""
        return id in self._seen_to

    def exited(self, container: Container) -> None:
        """See to what follows from an exit that was noted."""
        self._seen_to.add(container.id)
        self.health.stop(container.id)
        if container.state.restarting:
            self.restart_later(container)
        self._tell(container, "stopped")

    def restart_later(self, container: Container) -> None:
        """Have a container started again after its back-off, if that is not to be done already."""
        id = container.id
        if id in self._restarts:
            return
        self._delays[id] = next_delay(self._delays.get(id, 0.0), ran_seconds(container.state))
        self._restarts[id] = self.timers.after(self._delays[id], lambda: self.submit(lambda: self._start_again(id)))

    def paused(self, container: Container) -> None:
        """Have its health not checked meanwhile."""
        self.health.stop(container.id)

    def resumed(self, container: Container) -> None:
        """Have its health checked again."""
        self.health.resume(container.id)

    def stopped(self, container: Container) -> None:
        """Know of a container that is not started again after all."""
        self._cancel_restart(container.id)
        self._delays.pop(container.id, None)
        self._tell(container, "stopped")
        self.submit(lambda: self._remove_if_wanted(container))

    def removed(self, container: Container) -> None:
        """Forget a container."""
        self._forget(container.id, container.state.exit_code)

    def _forget(self, id: str, exit_code: int) -> None:
        self._cancel_restart(id)
        self._delays.pop(id, None)
        self._seen_to.discard(id)
        self.health.forget(id)
        self.transitions.publish("container", "removed", id, {"exitCode": str(exit_code)})

    def _tell(self, container: Container, action: str) -> None:
        self.transitions.publish("container", action, container.id, {"exitCode": str(container.state.exit_code)})

    def _cancel_restart(self, id: str) -> None:
        if timer := self._restarts.pop(id, None):
            timer.cancel()

    def _start_again(self, id: str) -> None:
        try:
            start_again(self._engine, id)
        except NotFound:
            return
        except Exception:
            self.stopped(self._engine.records.find(id))
            raise

    # --- its threads

    def _ring(self) -> None:
        self._bell.send(b"!")

    def _serve(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self.timers.wait_seconds()):
                if key.fileobj is self._rung:
                    self._rung.recv(4096)
                else:
                    self._ended(key.data, key.fileobj)
            self._logged(self.timers.fire_due)

    def _ended(self, id: str, process: Any) -> None:
        with self._lock:
            self._selector.unregister(process)
            if self._processes.get(id) is process:  # it may have been started again
                del self._processes[id]
        self.submit(lambda: self._follow_up(id, process))

    def _follow_up(self, id: str, process: Process) -> None:
        """Have it noted how a container has ended, and remove it if it was to go then."""
        code = containers.wait_for(process, None)
        try:
            with self._engine.container_dirs.locked(id, self._engine.records.find(id).name):
                container = settled(self._engine, id)
                if container.state.status == "exited" and not self.has_seen_to(id):  # another process has noted it
                    container = self._engine.records.change_state(id, partial(self.decided, container))
                    self.exited(container)
        except NotFound:
            if not self._engine.lifecycle.is_removed(id):
                self._forget(id, code)
            return
        if container.state.status == "exited":
            self._remove_if_wanted(container)

    def _remove_if_wanted(self, container: Container) -> None:
        if container.options.auto_remove and not container.state.restarting and container.id not in self._kept:
            with suppress(NotFound, InUse):
                containers.remove(self._engine, container.id, volumes=True)

    def _logged(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            LOG.exception("what follows a container's end could not be seen to")
