"""Progress of a pull or push: parts of an image that travel side by side."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, TypeAlias

from labcore.engine.spans import of_worker
from labcore.errors import LabcoreError
from labcore.images import Descriptor
from labcore.record import Record

AT_ONCE: Final = 3  # layers, as docker
Status: TypeAlias = Literal[
    "waiting", "downloading", "downloaded", "extracting", "uploading", "mounted", "exists", "done"
]  # fmt: skip
GRACE_SECONDS: Final = 1.0  # for what is under way, when all is given up


class Progress(Record):
    """Where one part of an image is on its way, with how many bytes of how many.

    A pull's parts are `waiting`, `downloading`, `downloaded`, `extracting`, and then `done`; a push's `waiting`, `uploading`,
    and then `done`, or `mounted` from another repository of the registry's. A part that is there already `exists`. `diff_id`
    is said of layers, once, with the first that is said.
    """

    digest: str
    status: Status
    done: int = 0
    total: int = 0
    mounted_from: str = ""
    diff_id: str = ""


Tell = Callable[[Progress], None]
Work = Callable[[Descriptor, Tell], None]


def side_by_side(parts: Sequence[Descriptor], work: Work, end: Callable[[], None]) -> Iterator[Progress]:
    """Do the work for a few parts at a time, and yield what it tells. The first that fails ends all; its error is raised.

    If the generator is closed before it is done, what is under way may tidy up; then `end` has what waits for a registry fail.
    """
    workers = _Workers(parts, work)
    try:
        yield from workers.told()
    except BaseException:
        workers.stop(GRACE_SECONDS)
        end()
        raise
    finally:
        workers.join()


class _Workers:
    """Threads that take one part after the other, and tell of it in a queue; None is told by each when it ends."""

    def __init__(self, parts: Sequence[Descriptor], work: Work) -> None:
        self._work = work
        self._left = iter(parts)
        self._count = min(AT_ONCE, len(parts))
        self._queue: queue.SimpleQueue[Progress | Exception | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock, self._stopped = threading.Lock(), threading.Event()

    def told(self) -> Iterator[Progress]:
        """Start, and yield what is told until all have ended. Raises the first error."""
        while len(self._threads) < self._count:
            thread = threading.Thread(target=of_worker(len(self._threads) + 1, self._run), daemon=True)
            thread.start()
            self._threads.append(thread)
        running = len(self._threads)
        while running:
            item = self._queue.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                running -= 1
            else:
                yield item

    def stop(self, seconds: float) -> None:
        """Have the work end where it next tells of itself, and wait so long for it."""
        self._stopped.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def join(self) -> None:
        """Wait until all have ended."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set() and (part := self._next()) is not None:
                self._work(part, self._tell)
        except _Stopped:
            pass
        except Exception as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _next(self) -> Descriptor | None:
        with self._lock:
            return next(self._left, None)

    def _tell(self, progress: Progress) -> None:
        if self._stopped.is_set():
            raise _Stopped
        self._queue.put(progress)


class _Stopped(LabcoreError):
    """Nobody wants to hear more."""
