"""Events: what happens to containers, images, networks and volumes, in docker's words, for whoever subscribes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from threading import Condition
from typing import Final, Self

from labcore.record import Record

HISTORY_LENGTH: Final = 256  # events that are kept for those who ask for the past, as docker keeps them
BACKLOG_LENGTH: Final = 1 << 16  # events that a subscriber may be behind


class Event(Record):
    """Something that has happened: `action` (`start`) to an object of a `kind` (`container`) with that ID. `time` is in ns."""

    kind: str
    action: str
    id: str
    attributes: Mapping[str, str]
    time: int


class Subscription:
    """The events that come from now on, one after another, until it is closed; use it as a context manager."""

    def __init__(self, events: "Events", wanted: Callable[[Event], bool]) -> None:
        self._events = events
        self._wanted = wanted
        self._waiting: deque[Event] = deque()
        self._changed = Condition()
        self._closed = False

    def put(self, event: Event) -> None:
        """Give it an event, if it wants that. One who is too far behind gets no more."""
        if not self._wanted(event):
            return
        with self._changed:
            self._waiting.append(event)
            self._closed = self._closed or len(self._waiting) > BACKLOG_LENGTH
            self._changed.notify_all()

    def get(self, timeout_seconds: float | None = None) -> Event | None:
        """Wait for the next event; return None if it was closed. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting or self._closed, timeout_seconds):
                raise TimeoutError
            return self._waiting.popleft() if self._waiting else None

    def __iter__(self) -> Iterator[Event]:
        while event := self.get():
            yield event

    def close(self) -> None:
        """End it: whoever waits gets what has come, and then None. It may be called from any thread."""
        self._events.forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Events:
    """The events of one engine: the last ones, and all subscriptions."""

    def __init__(self) -> None:
        self._lock = Condition()
        self._last: deque[Event] = deque(maxlen=HISTORY_LENGTH)
        self._subscriptions: list[Subscription] = []

    def publish(self, kind: str, action: str, id: str, attributes: Mapping[str, str]) -> None:
        """Tell all subscribers, in the same order."""
        with self._lock:
            event = Event(kind, action, id, attributes, time.time_ns())
            self._last.append(event)
            for each in self._subscriptions:
                each.put(event)

    def count_subscriptions(self) -> int:
        """Return how many subscribe now."""
        with self._lock:
            return len(self._subscriptions)

    def subscribe(self, wanted: Callable[[Event], bool] = lambda _: True, *, since: int | None = None) -> Subscription:
        """Subscribe to the events that are `wanted`; first come the kept ones from that moment (ns since 1970) on."""
        subscription = Subscription(self, wanted)
        with self._lock:
            for event in self._last if since is not None else ():
                if event.time >= (since or 0):
                    subscription.put(event)
            self._subscriptions.append(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Tell a subscriber no more."""
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
