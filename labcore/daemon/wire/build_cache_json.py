"""BuildCache: the records of cached steps as `docker system df` and `docker builder prune` have them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from labcore.daemon.wire.codec import ZERO_TIME
from labcore.daemon.wire.query import number
from labcore.engine.build_cache import CacheRecord
from labcore.engine.engine import Engine
from labcore.engine.prune_cache import Space, diff_ids_of_images
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.timestamps import parse_rfc3339, parse_time

# Filters of POST /build/prune.
FILTERS: Final = ("until", "unused-for", "id", "parent", "type", "description", "inuse", "shared", "private")


class CacheView:
    """What is known of the cache's records beside themselves: who uses them now, and of which an image has the layer, too."""

    def __init__(self, engine: Engine) -> None:
        self._in_use = engine.build_cache.in_use()
        self._of_images = diff_ids_of_images(engine)

    def is_used(self, record: CacheRecord) -> bool:
        """Return whether a build under way uses it."""
        return record.key in self._in_use

    def is_shared(self, record: CacheRecord) -> bool:
        """Return whether its layer is an image's, too: to remove it would free nothing."""
        return record.diff_id in self._of_images

    def json(self, record: CacheRecord) -> dict[str, Any]:
        """Return a record in docker's form."""
        return {
            "ID": shown(record.key),
            "Parents": [shown(record.parent_key)] if record.parent_key else None,
            "Type": record.kind,
            "Description": record.description,
            "InUse": self.is_used(record),
            "Shared": self.is_shared(record),
            "Size": record.size,
            "CreatedAt": record.created or ZERO_TIME,
            "LastUsedAt": record.last_used or None,
            "UsageCount": record.uses,
        }

    def chosen_by(self, filters: Mapping[str, Sequence[str]]) -> Callable[[CacheRecord], bool]:
        """Return a predicate: what passes all filters, each by one of its values. Raises InvalidInput."""
        before = _before(filters)
        tests: dict[str, Callable[[CacheRecord, str], bool]] = {
            "id": lambda record, value: shown(record.key).startswith(shown(value)),
            "parent": lambda record, value: shown(record.parent_key).startswith(shown(value)),
            "type": lambda record, value: record.kind == value,
            "description": lambda record, value: value in record.description,
            "inuse": lambda record, _: self.is_used(record),
            "shared": lambda record, _: self.is_shared(record),
            "private": lambda record, _: not self.is_shared(record),
        }
        wanted = {name: values for name, values in filters.items() if name in tests and values}
        return lambda record: (
            parse_rfc3339(record.last_used or record.created or ZERO_TIME) < before
            and all(any(tests[name](record, value) for value in values) for name, values in wanted.items())
        )


def space_asked(request: Request) -> Space:
    """Return how much the cache may take; `keep-storage` is the older name of what is reserved. Raises InvalidInput."""
    said = {name: number(request, name) or 0 for name in ("keep-storage", "reserved-space", "max-used-space", "min-free-space")}
    for name, value in said.items():
        if not 0 <= value < 1 << 63:
            raise InvalidInput(f"{name} is in bytes and expects an integer, got {value:.3g}")
    return Space(said["reserved-space"] or said["keep-storage"], said["max-used-space"], said["min-free-space"])


def shown(key: str) -> str:
    """Return a record's key as an ID of docker's."""
    return key.removeprefix("sha256:")


def cache_json(engine: Engine) -> list[dict[str, Any]]:
    """Return all records."""
    view = CacheView(engine)
    return [view.json(record) for record in engine.build_cache.records()]


def _before(filters: Mapping[str, Sequence[str]]) -> float:
    """Return the time since which what is to pass was not used, in nanoseconds since 1970. Raises InvalidInput."""
    texts = [text for name in ("until", "unused-for") for text in filters.get(name, ())]
    if len(texts) > 1:
        raise InvalidInput("filters expect only one value: until")
    return parse_time(texts[0]) if texts else float("inf")
