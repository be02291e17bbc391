"""Steps of builds that were seen: by them one that makes no files, and has no record in the cache, is known to be old."""

from collections import OrderedDict
from threading import Lock
from typing import Final

MAX_SEEN: Final = 10_000


class StepsSeen:
    """The images of steps that builds have come to, the latest ones."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def add(self, image_id: str) -> bool:
        """Note a step's image; return whether it was seen before."""
        with self._lock:
            known = image_id in self._ids
            self._ids[image_id] = None
            self._ids.move_to_end(image_id)
            if len(self._ids) > MAX_SEEN:
                self._ids.popitem(last=False)
        return known

    def clear(self) -> None:
        """Forget them: the cache was pruned."""
        with self._lock:
            self._ids.clear()
