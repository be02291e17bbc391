"""A container's life: `lab.life(daemon, name)`, the state diagram of a container, drawn anew with each of its events."""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from ipywidgets import HTML

from labcore.client import connect
from labcore.errors import LabcoreError
from labcore.lab.pictures.life_cycles import LEADS_TO, Life, life_cycle
from labcore.lab.widget import Printable

if TYPE_CHECKING:
    from labcore.client import Client
    from labcore.lab.pictures import Picture


SECONDS: Final = 0.5  # from one question to the next


class HasUrl(Protocol):
    """A daemon that can be reached."""

    @property
    def url(self) -> str:
        """Its URL."""


class LiveLife(Printable):
    """The life cycle of a container with its current state, drawn anew whenever something has happened to it.

    It remembers what a daemon forgets that is started anew. `picture` is what it shows now; in print that stands in its place.
    """

    def __init__(self, client: "Client", name: str) -> None:
        self._client = client
        self._name = name
        self._happened: dict[tuple[int, str, str], None] = {}  # time, container, action; in their order
        self._ends = threading.Event()
        self._asking = threading.Lock()
        self._shown = HTML()
        super().__init__([self._shown])
        self._drawn = self._draw(self.life)

    @property
    def life(self) -> Life:
        """What the container has gone through until now. Raises Unavailable."""
        filters = {"container": [self._name], "type": ["container"]}
        with self._asking:
            for each in self._client.system.events(since="1", until=f"{time.time():.9f}", filters=filters):
                self._happened[each.time_ns, each.actor.id, each.action.partition(":")[0]] = None
            return self._known()

    def _known(self) -> Life:
        """Return the life of the container that came last of those that had the name."""
        last = next(reversed(self._happened), (0, "", ""))[1]
        actions = (action for _, id, action in self._happened if id == last)
        return Life(self._name, tuple(action for action in actions if action in LEADS_TO))

    @property
    def picture(self) -> "Picture":
        """The life cycle as it is now. Raises Unavailable."""
        return life_cycle(self.life)

    def _draw(self, life: Life) -> "Picture":
        picture = life_cycle(life)
        self._static = picture._repr_mimebundle_()
        self._shown.value = self._static[0]["text/html"]
        self._lived = life
        return picture

    def watch(self) -> None:
        """Draw it anew when something has happened, in a thread that ends with the kernel, or with `close`."""
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ends.wait(SECONDS):
            with suppress(LabcoreError):  # a daemon that does not answer may come again
                if (life := self.life) != self._lived:
                    self._drawn = self._draw(life)

    def close(self) -> None:
        """Draw it no more, and close its client."""
        self._ends.set()
        self._thread.join()
        self._client.close()
        super().close()

    def plain(self) -> str:
        """The picture in words."""
        return self._drawn.alt

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if not isinstance(bundle, dict):
            return bundle
        shown, notes = self._static
        return bundle | shown, notes


def life(daemon: HasUrl, name: str) -> LiveLife:
    """Show the life of a container, by its name: its states, the way that it went, where it is now. Raises Unavailable."""
    shown = LiveLife(connect(daemon.url), name)
    shown.watch()
    return shown
