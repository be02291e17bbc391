"""Health checks: a command run in each container that has one, again and again; its health, and the log of the last results.

A container is `starting` until a check succeeds, or until so many in a row (retries) have failed; failures within the start
period do not count. While it is paused, and after its end, nothing is checked, and it counts as unhealthy, as docker has it.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

from labcore.engine.container.events import log_container_event
from labcore.engine.engine import Engine
from labcore.engine.records.records import Container, run_config
from labcore.engine.supervision.health_probe import run_probe
from labcore.engine.supervision.health_state import Health
from labcore.engine.supervision.timers import Timer, Timers
from labcore.errors import NotFound
from labcore.spec import Healthcheck
from labcore.timestamps import SECOND, parse_rfc3339

DEFAULTS: Final = Healthcheck(interval=30 * SECOND, timeout=30 * SECOND, start_interval=5 * SECOND, retries=3)
KINDS: Final = ("CMD", "CMD-SHELL")


def healthcheck_of(container: Container) -> Healthcheck | None:
    """Return a container's health check, with docker's defaults; None if it has none."""
    check = run_config(container).healthcheck
    if check is None or check.test[:1] not in [(kind,) for kind in KINDS]:
        return None
    return check.replace(**{name: value for name, value in DEFAULTS.as_dict().items() if not getattr(check, name)})


class HealthMonitor:
    """The checks of one container, from its start to its end."""

    def __init__(self, engine: Engine, container: Container, check: Healthcheck, before: Health) -> None:
        self.health = before.replace(status="starting", failing_streak=0)
        self.check = check
        self.timer: Timer | None = None
        self._engine = engine
        self._id = container.id
        self._started = parse_rfc3339(container.state.started) / SECOND
        self.run = 0  # which a result is compared with: one that comes too late is none

    def seconds(self) -> float:
        """Return how long it is to the next check."""
        is_starting = self.health.status == "starting" and self._is_in_start_period(time.time())
        return (self.check.start_interval if is_starting else self.check.interval) / SECOND

    def _is_in_start_period(self, moment: float) -> bool:
        return moment - self._started < self.check.start_period / SECOND

    def probe(self, run: int) -> bool:
        """Run the check, and note what came of it; return whether it is to be run again."""
        began = time.time()
        try:
            container = self._engine.records.find(self._id)  # it may have another name by now
        except NotFound:
            return False
        result = run_probe(self._engine, container, self.check)
        if self.run != run:
            return False
        before = self.health.status
        self.health = self.health.after(result, self.check.retries, counts=not self._is_in_start_period(began))
        if self.health.status != before:
            log_container_event(self._engine, container, f"health_status: {self.health.status}")
        return True


class HealthMonitors:
    """The health of containers, by their IDs; checks are run by `submit`, when `timers` say so."""

    def __init__(self, engine: Engine, timers: Timers, submit: Callable[[Callable[[], object]], None]) -> None:
        self._engine = engine
        self._timers = timers
        self._submit = submit
        self._monitors: dict[str, HealthMonitor] = {}
        self._lock = Lock()

    def __getitem__(self, id: str) -> Health | None:
        """Return the health of a container that runs or has run; None if it has no check."""
        monitor = self._monitors.get(id)
        return monitor.health if monitor else None

    def start(self, container: Container) -> None:
        """Check a container from now on, if it has a health check, and is not paused."""
        if (check := healthcheck_of(container)) is None:
            return
        before = self[container.id] or Health()
        self._monitors[container.id] = monitor = HealthMonitor(self._engine, container, check, before)
        if not container.state.paused:
            self._schedule(monitor)

    def stop(self, id: str) -> None:
        """Check a container no more, for it has ended or is paused."""
        if monitor := self._monitors.get(id):
            with self._lock:
                monitor.run += 1
                if monitor.timer:
                    monitor.timer.cancel()
                monitor.health = monitor.health.replace(status="unhealthy")

    def resume(self, id: str) -> None:
        """Check a container again that was paused."""
        if monitor := self._monitors.get(id):
            self._schedule(monitor)

    def forget(self, id: str) -> None:
        """Forget a container that was removed."""
        self.stop(id)
        self._monitors.pop(id, None)

    def close(self) -> None:
        """Check nothing any more."""
        for id in list(self._monitors):
            self.stop(id)

    def _schedule(self, monitor: HealthMonitor) -> None:
        with self._lock:
            run = monitor.run
            monitor.timer = self._timers.after(monitor.seconds(), lambda: self._submit(lambda: self._probe(monitor, run)))

    def _probe(self, monitor: HealthMonitor, run: int) -> None:
        if monitor.run == run and monitor.probe(run):
            self._schedule(monitor)
