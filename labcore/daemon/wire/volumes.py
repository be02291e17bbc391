"""Volume and VolumeCreate: the API's JSON of volumes, and their filters."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.query import FALSE_WORDS, TRUE_WORDS
from labcore.engine.engine import Engine
from labcore.engine.filters import has_label, is_like
from labcore.engine.volume.local_driver import DRIVER
from labcore.errors import InvalidInput
from labcore.storage.volumes import Volume

ANONYMOUS: Final = "com.docker.volume.anonymous"
FILTERS: Final = ("dangling", "driver", "label", "name")
PRUNE_FILTERS: Final = ("all", "label", "label!")


class VolumeCreate(Wire):
    """The body of POST /volumes/create."""

    name: str = ""
    driver: str = DRIVER
    driver_opts: dict[str, str] | None = None
    labels: dict[str, str] = {}
    cluster_volume_spec: dict[str, Any] | None = None


def labels_of(volume: Volume) -> dict[str, str]:
    """Return a volume's labels, as docker has them."""
    return dict(volume.labels) | ({ANONYMOUS: ""} if volume.anonymous else {})


def volume_json(engine: Engine, volume: Volume) -> dict[str, Any]:
    """Return all about a volume, but its usage."""
    return {
        "CreatedAt": f"{volume.created[:19]}Z",
        "Driver": DRIVER,
        "Labels": labels_of(volume) or None,
        "Mountpoint": str(engine.volumes.data(volume)),
        "Name": volume.name,
        "Options": None if volume.options is None else dict(volume.options),
        "Scope": "local",
    }


def filter_of(filters: Mapping[str, Sequence[str]], used: Callable[[], Collection[str]]) -> Callable[[Volume], bool]:
    """Return a predicate of volumes; `used` returns the names of those that containers have. Raises InvalidInput."""
    dangling = [_truth(text) for text in filters.get("dangling", ())]
    if len(dangling) > 1:
        raise InvalidInput(f"invalid filter 'dangling={list(filters['dangling'])}'")
    users = used() if dangling else ()

    def passes(volume: Volume) -> bool:
        return (
            all((volume.name not in users) == wanted for wanted in dangling)
            and _any(filters.get("driver", ()), lambda value: value == DRIVER)
            and _any(filters.get("name", ()), lambda value: is_like(volume.name, value))
            and all(has_label(labels_of(volume), text) for text in filters.get("label", ()))
            and not any(has_label(labels_of(volume), text) for text in filters.get("label!", ()))
        )

    return passes


def _any(values: Sequence[str], test: Callable[[str], bool]) -> bool:
    return not values or any(map(test, values))


def _truth(text: str) -> bool:
    if text not in TRUE_WORDS + FALSE_WORDS:
        raise InvalidInput(f"invalid filter 'dangling=[{text:.80}]'")
    return text in TRUE_WORDS


def is_all(filters: Mapping[str, Sequence[str]]) -> bool:
    """Return what the filter `all` of prune says. Raises InvalidInput."""
    for text in filters.get("all", ()):
        if text not in TRUE_WORDS + FALSE_WORDS:
            raise InvalidInput(f"invalid filter 'all': {text:.80}: true or false is wanted")
    return any(text in TRUE_WORDS for text in filters.get("all", ()))
