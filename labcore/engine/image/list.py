"""Images' list: docker's filters (before, dangling, label, reference, since, until), sizes, and containers of each."""

from __future__ import annotations

import re
from collections import Counter

from labcore.engine.filters import TRUTHS, has_label
from labcore.engine.image.local_images import LocalImage, chain_ids, layer_sizes, local_image, local_images
from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.timestamps import SECOND, parse_rfc3339, parse_time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.images import Image

FILTERS: Final = ("before", "dangling", "label", "label!", "reference", "since", "until")
SIZE_NOT_ASKED: Final = -1


class Summary(Record):
    """An image in the list, under the names that passed the filters. Sizes are bytes of files; -1: it was not asked for."""

    local: LocalImage
    created: int
    size: int
    shared_size: int
    containers: int


def list_images(
    engine: Engine, filters: Mapping[str, Sequence[str]], *, every: bool = False, shared_size: bool = False
) -> list[Summary]:
    """Return the images that pass all filters, the newest first; those without a name that others stand on with `every` only.

    Raises InvalidInput for a filter's value, ImageNotFound for an image that one names.
    """
    found = local_images(engine.images)
    wanted = _Wanted(engine, filters)
    parents = {each.parent for each in found.values()}
    chosen = [
        each
        for local in found.values()
        if (each := wanted.narrowed(local)) and (every or local.references or local.id not in parents)
    ]
    containers = Counter(each.image_id for each in engine.records.readable())
    shared = _users_of_layers(found.values()) if shared_size else {}
    summaries = [
        Summary(
            local,
            created(local.image.config.created) // SECOND,
            sum(sizes := layer_sizes(engine, local.image)),
            _shared(local.image, sizes, shared) if shared_size else SIZE_NOT_ASKED,
            containers[local.id],
        )
        for local in chosen
    ]
    return sorted(summaries, key=lambda each: (-each.created, each.local.id))


class _Wanted:
    """What the filters say."""

    def __init__(self, engine: Engine, filters: Mapping[str, Sequence[str]]) -> None:
        store = engine.images
        self._dangling = dangling(filters.get("dangling", ()))
        self._labels = filters.get("label", ())
        self._not_labels = filters.get("label!", ())
        self._patterns = [path_pattern(text) for text in filters.get("reference", ())]
        before = [created(local_image(store, text).image.config.created) for text in filters.get("before", ())]
        since = [created(local_image(store, text).image.config.created) for text in filters.get("since", ())]
        until = [parse_time(text) for text in filters.get("until", ())]
        self._before = min(before, default=float("inf"))
        self._since = max(since, default=float("-inf"))
        self._until = min(until, default=float("inf"))

    def narrowed(self, local: LocalImage) -> LocalImage | None:
        """Return an image with the names that are wanted; None if it is not."""
        time, labels = created(local.image.config.created), dict(local.image.config.labels)
        if not (self._since < time < min(self._before, self._until) and has_labels(labels, self._labels)):
            return None
        if self._not_labels and has_labels(labels, self._not_labels):
            return None
        if self._patterns:
            tags, digests = self._matching(local.tags), self._matching(local.digests)
            if not (tags or digests):
                return None
            local = local.replace(tags=tags, digests=digests)
        return local if self._dangling in (None, not local.tags) else None

    def _matching(self, names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if any(_matches(pattern, name) for pattern in self._patterns))


def dangling(values: Sequence[str]) -> bool | None:
    """Return the filter `dangling`; None if it is not said. Raises InvalidInput."""
    for value in values:
        if value.lower() not in TRUTHS:
            raise InvalidInput(f"invalid filter 'dangling=[{' '.join(values)}]'")
    return TRUTHS[values[0].lower()] if values else None


def has_labels(labels: Mapping[str, str], wanted: Iterable[str]) -> bool:
    """Return whether there are all labels that are wanted: `NAME` or `NAME=VALUE`."""
    return all(has_label(labels, text) for text in wanted)


def path_pattern(text: str) -> re.Pattern[str]:
    """Return a pattern as Go's path.Match reads it: `*` and `?` stop at slashes. Raises InvalidInput."""
    parts = re.findall(r"\\.|\[\^?(?:\\.|[^\]\\])+\]|[^\[\\]", text, re.DOTALL)
    if "".join(parts) != text:
        raise InvalidInput(f"invalid reference format: {text!r} is no pattern: syntax error in pattern")
    known = {"*": "[^/]*", "?": "[^/]"}
    try:
        return re.compile("".join(known.get(part) or (part if part[0] in "[\\" else re.escape(part)) for part in parts))
    except re.error as error:
        raise InvalidInput(f"invalid reference format: {text!r} is no pattern: {error}") from None


def _matches(pattern: re.Pattern[str], name: str) -> bool:
    bare = name.partition("@")[0]
    head, colon, tag = bare.rpartition(":")
    return bool(pattern.fullmatch(name) or pattern.fullmatch(head if colon and "/" not in tag else bare))


def created(text: str) -> int:
    """Return when an image, or a step of its history, was made, in nanoseconds since 1970; 0 if that is not known."""
    try:
        return parse_rfc3339(text)
    except (ValueError, OverflowError):  # a stranger's config may say anything
        return 0


def _users_of_layers(images: Iterable[LocalImage]) -> Counter[str]:
    return Counter(chain_id for local in images for chain_id in chain_ids(local.image.config))


def _shared(image: Image, sizes: Sequence[int], users: Mapping[str, int]) -> int:
    return sum(size for chain_id, size in zip(chain_ids(image.config), sizes, strict=True) if users[chain_id] > 1)
