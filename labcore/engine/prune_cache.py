"""prune of the build cache: which records go, by their age and what the cache may take; and what only they needed."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from labcore.engine.build_cache import CacheRecord
from labcore.engine.engine import Engine
from labcore.engine.image.local_images import local_images
from labcore.engine.prune import collected
from labcore.record import Record


class Space(Record):
    """How much the cache may take, in bytes, as BuildKit has it; 0: not said. With nothing said it may take none.

    `most` is what it may take, and `free` what is to be free on the disk; but `reserved` is left to it in any case.
    """

    reserved: int = 0
    most: int = 0
    free: int = 0


NOTHING_SAID: Final = Space()


class CachePruned(Record):
    """The keys of records that went, and the bytes on disk that this has freed."""

    keys: tuple[str, ...]
    freed: int


def prune_cache(
    engine: Engine, *, every: bool = False, space: Space = NOTHING_SAID, wanted: Callable[[CacheRecord], bool] = lambda _: True
) -> CachePruned:
    """Remove `wanted` records that no build uses now, those that were not used for longest first, until there is the space.

    One that another stays on stays too. So do those whose layer an image has, unless `every` one may go: to remove them frees
    nothing. Raises StoreDamaged.
    """
    cache = engine.build_cache
    records = cache.records()
    shared = () if every else diff_ids_of_images(engine)
    used = cache.in_use()
    excess = sum(record.size for record in records) - _allowed(engine, space, records)
    going = []
    for record in _leaves_first(records, lambda each: each.key not in used and each.diff_id not in shared and wanted(each)):
        if space != NOTHING_SAID and excess <= 0:
            break
        excess -= record.size
        going.append(record.key)
    gone = cache.remove(going)
    freed = sum(record.size for record in gone if record.kind == "exec.cachemount") + (_freed(engine) if gone else 0)
    engine.log_event("builder", "prune", "", {"reclaimed": str(freed)})
    return CachePruned(tuple(record.key for record in gone), freed)


def _leaves_first(records: Sequence[CacheRecord], may_go: Callable[[CacheRecord], bool]) -> Iterator[CacheRecord]:
    """Yield the records that may go, each behind all that were made on it, else the one that was not used for longest first."""
    found = {record.key: record for record in records}
    children = Counter(record.parent_key for record in records)
    leaves = [(record.last_used, key) for key, record in found.items() if not children[key] and may_go(record)]
    heapify(leaves)
    while leaves:
        record = found[heappop(leaves)[1]]
        yield record
        children[record.parent_key] -= 1
        parent = found.get(record.parent_key)
        if parent and not children[parent.key] and may_go(parent):
            heappush(leaves, (parent.last_used, parent.key))


def diff_ids_of_images(engine: Engine) -> Collection[str]:
    """Return the diff_ids of all images' layers."""
    return {diff_id for local in local_images(engine.images).values() for diff_id in local.image.config.diff_ids}


def _allowed(engine: Engine, space: Space, records: Collection[CacheRecord]) -> int:
    """Return how much the cache may take: as BuildKit has it, the least of the limits, and what is reserved in any case."""
    limits = [space.most] if space.most else []
    if space.free:
        status = os.statvfs(engine.root)
        missing = space.free - status.f_bavail * status.f_frsize
        limits.append(max(0, sum(record.size for record in records) - max(0, missing)))
    return max(space.reserved, min(limits, default=0))


def _freed(engine: Engine) -> int:
    blobs, layers, _ = collected(engine)
    return blobs.size + layers.size
