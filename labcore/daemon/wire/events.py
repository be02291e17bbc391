"""EventMessage: the API's JSON of an event, and the filters of GET /events."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from labcore.engine.events import Event
from labcore.engine.filters import has_label

PREFIXED: Final = ("exec_create", "exec_start", "health_status")  # actions that are followed by what they are about
OBJECTS: Final = ("container", "daemon", "network", "plugin", "volume")  # filters by an object's ID or name, or its beginning
SCOPE: Final = "local"


def event_json(event: Event) -> dict[str, Any]:
    """Return an event's JSON, with the fields by which clients before 1.22 know containers and images."""
    legacy = {"status": event.action, "id": event.id} if event.kind in ("container", "image") else {}
    if event.kind == "container" and event.attributes.get("image"):
        legacy["from"] = event.attributes["image"]
    return legacy | {
        "Type": event.kind,
        "Action": event.action,
        "Actor": {"ID": event.id, "Attributes": event.attributes},
        "scope": SCOPE,
        "time": event.time // 10**9,
        "timeNano": event.time,
    }


def matches(event: Event, filters: Mapping[str, Sequence[str]]) -> bool:
    """Return whether an event passes all filters; of several values of one, any will do, but for labels."""
    names = (event.id, event.attributes.get("name", ""))
    return (
        _action(event, filters.get("event", ()))
        and _any(filters.get("type", ()), (event.kind,))
        and _any(filters.get("scope", ()), (SCOPE,))
        and all(_begins(filters.get(kind, ()), names) for kind in OBJECTS)
        and _any(filters.get("image", ()), _images(event) if "image" in filters else ())
        and all(has_label(event.attributes, text) for text in filters.get("label", ()))
    )


def _action(event: Event, values: Sequence[str]) -> bool:
    """Compare an action as a whole, or by its beginning where one of the values is the beginning of some."""
    return _begins(values, (event.action,)) if {*values} & {*PREFIXED} else _any(values, (event.action,))


def _any(values: Sequence[str], found: Sequence[str]) -> bool:
    return not values or any(value in found for value in values)


def _begins(values: Sequence[str], found: Sequence[str]) -> bool:
    return not values or any(text.startswith(value) for value in values for text in found)


def _images(event: Event) -> tuple[str, ...]:
    """Return the names of the image that an event is about, or of its container's, also without their tags."""
    name = event.attributes.get("name" if event.kind == "image" else "image", "")
    return (event.id, name, _without_tag(event.id), _without_tag(name))


def _without_tag(name: str) -> str:
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
