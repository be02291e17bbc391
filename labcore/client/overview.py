"""Overview: what all containers of a daemon do and use, sampled again and again, and what has happened meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress

from labcore.errors import InUse, NotFound, NotRunning
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.client.client import Client
    from labcore.client.container_values import ContainerSummary, Stats
    from labcore.client.system import Event

MEASURED_MAX: Final = 50  # running containers whose statistics are asked for in one sample
EVENTS_MAX: Final = 200  # that are kept of one sample


class ContainerUse(Record):
    """A container, and what it uses: `cpu_percent` of one processor since the sample before, memory in bytes, processes.

    Of one that does not run, or was seen for the first time, the percentage is None; `memory_limit` 0 is none.
    """

    id: str
    name: str
    image: str
    state: str
    status: str
    cpu_percent: float | None = None
    memory: int = 0
    memory_limit: int = 0
    processes: int = 0
    received: int = 0
    sent: int = 0


class Overview(Record):
    """A sample: the containers, the newest first, and the events since the sample before."""

    containers: tuple[ContainerUse, ...]
    events: tuple[Event, ...] = ()


class Sampler:
    """Samples a daemon through a client. Each sample is compared with the one before; not for several threads."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._since = time.time_ns()
        self._before: dict[str, tuple[int, int]] = {}  # ID -> processor time used, and the moment, both in ns

    def sample(self) -> Overview:
        """Return what is so now. Raises APIError, Unavailable."""
        events = self._events()
        found, before = [], self._before
        self._before = {}
        running = 0
        for summary in self._client.containers.list(all=True):
            running += summary.state == "running"
            stats = self._stats(summary) if running <= MEASURED_MAX else None
            found.append(self._use(summary, stats, before))
        return Overview(tuple(found), events)

    def _events(self) -> tuple[Event, ...]:
        since, self._since = self._since, time.time_ns()
        happened = self._client.system.events(since=_moment(since), until=_moment(self._since))
        return tuple(happened)[-EVENTS_MAX:]

    def _stats(self, summary: ContainerSummary) -> Stats | None:
        if summary.state not in ("running", "paused"):
            return None
        with suppress(NotFound, NotRunning, InUse):  # it has ended meanwhile
            return self._client.containers.stats_once(summary.id, one_shot=True)
        return None

    def _use(self, summary: ContainerSummary, stats: Stats | None, before: dict[str, tuple[int, int]]) -> ContainerUse:
        use = ContainerUse(summary.id, summary.name, summary.image, summary.state, summary.status)
        if stats is None or not stats.memory:
            return use
        used, now = int((stats.cpu.get("cpu_usage") or {}).get("total_usage", 0)), time.monotonic_ns()
        self._before[summary.id] = (used, now)
        percent = None
        if summary.id in before:
            used_before, moment = before[summary.id]
            percent = max(0.0, 100 * (used - used_before) / max(1, now - moment))
        return use.replace(
            cpu_percent=percent,
            memory=_memory(stats),
            memory_limit=int(stats.memory.get("limit", 0)),
            processes=int(stats.processes.get("current", 0)),
            received=sum(each.get("rx_bytes", 0) for each in stats.networks.values()),
            sent=sum(each.get("tx_bytes", 0) for each in stats.networks.values()),
        )


def _memory(stats: Stats) -> int:
    """Return the memory in use without the pages of files that can be dropped, as docker counts it."""
    detail = stats.memory.get("stats") or {}
    droppable = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    used = int(stats.memory.get("usage", 0))
    return used - droppable if droppable < used else used


def _moment(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{seconds}.{rest:09}"
