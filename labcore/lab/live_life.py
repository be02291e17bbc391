"""A container's life: `lab.life(daemon, name)`, the state diagram of a container, drawn anew with each of its events."""

import base64
import html
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from ipywidgets import HTML

from labcore.client import connect
from labcore.errors import LabcoreError
from labcore.lab.pictures.life_cycles import Life, life_cycle
from labcore.lab.widget import Printable

if TYPE_CHECKING:
    from labcore.client import Client
    from labcore.client.system import Event
    from labcore.lab.pictures import Picture


class HasUrl(Protocol):
    """A daemon that can be reached."""

    @property
    def url(self) -> str:
        """Its URL."""


class LiveLife(Printable):
    """The life cycle of a container with its current state; it follows the daemon's events as long as both are there.

    `picture` is what it shows now; in print that stands in its place.
    """

    def __init__(self, client: "Client", name: str) -> None:
        self._client = client
        self._name = name
        self._shown = HTML()
        self._drawn: Picture | None = None
        super().__init__([self._shown])
        self._draw()

    @property
    def life(self) -> Life:
        """What the container has gone through until now, as the daemon remembers it. Raises Unavailable."""
        happened = self._client.system.events(since="1", until=f"{time.time():.9f}", filters=self._filters())
        return Life(self._name, tuple(last_of(list(happened))))

    @property
    def picture(self) -> "Picture":
        """The life cycle as it is now."""
        return life_cycle(self.life)

    def _filters(self) -> dict[str, list[str]]:
        return {"container": [self._name], "type": ["container"]}

    def _draw(self) -> None:
        picture = self._drawn = self.picture
        image = base64.b64encode(picture._repr_png_()).decode()
        self._shown.value = f'<img alt="{html.escape(picture.alt)}" src="data:image/png;base64,{image}">'

    def watch(self) -> None:
        """Draw it anew with each event, in a thread that ends with the kernel or with the daemon."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        with suppress(LabcoreError, OSError):  # the daemon has ended
            for _ in self._client.system.events(filters=self._filters()):
                self._draw()

    def close(self) -> None:
        """Draw it no more, and close its client."""
        self._client.close()
        super().close()

    def plain(self) -> str:
        """The picture in words."""
        return self._drawn.alt if self._drawn else ""

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if self._drawn is None or not isinstance(bundle, dict):
            return bundle
        shown, _ = self._drawn._repr_mimebundle_()
        return bundle | shown


def last_of(events: "list[Event]") -> list[str]:
    """Return the actions of the container that came last of those that had the name, without what they carry."""
    return [each.action.partition(":")[0] for each in events if each.actor.id == events[-1].actor.id]


def life(daemon: HasUrl, name: str) -> LiveLife:
    """Show the life of a container, by its name: its states, the way that it went, where it is now. Raises Unavailable."""
    shown = LiveLife(connect(daemon.url), name)
    shown.watch()
    return shown
