"""Progress of a pull or push: parts of an image that travel side by side."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from labcore.errors import LabcoreError
from labcore.images import Descriptor
from labcore.record import Record

AT_ONCE: Final = 3  # layers, as docker
GRACE: Final = 1.0  # seconds for what is under way, when all is given up


class Progress(Record):
    """What becomes of one part of an image, and how much of how many bytes.

    In a pull: `waits`, `comes`, `came`, `unpacks`, `done` or `is there`; in a push: `waits`, `goes`, `done`, `mounted` (`where`
    says from which repository) or `is there`. `diff_id` is said of layers, once, with the first that is said.
    """

    digest: str
    what: str
    done: int = 0
    total: int = 0
    where: str = ""
    diff_id: str = ""


Work = Callable[[Descriptor, Callable[[Progress], None]], None]


def side_by_side(parts: list[Descriptor], work: Work, end: Callable[[], None]) -> Iterator[Progress]:
    """Do the work for a few parts at a time, and yield what it tells. The first that fails ends all; its error is raised.

    If the generator is closed before it is done, what is under way may tidy up; then `end` has what waits for a registry fail.
    """
    told: queue.SimpleQueue[Progress | Exception | None] = queue.SimpleQueue()
    left = iter(parts)
    lock, stop = threading.Lock(), threading.Event()

    def tell(progress: Progress) -> None:
        if stop.is_set():
            raise _Stopped
        told.put(progress)

    def worker() -> None:
        try:
            while not stop.is_set():
                with lock:
                    part = next(left, None)
                if part is None:
                    break
                work(part, tell)
        except _Stopped:
            pass
        except Exception as error:
            told.put(error)
        finally:
            told.put(None)

    threads: list[threading.Thread] = []
    try:
        while len(threads) < min(AT_ONCE, len(parts)):
            thread = threading.Thread(target=worker, daemon=True)
            thread.start()
            threads.append(thread)
        running = len(threads)
        while running:
            item = told.get()
            if isinstance(item, Exception):
                raise item
            if item is None:
                running -= 1
            else:
                yield item
    except BaseException:
        stop.set()
        deadline = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0, deadline - time.monotonic()))
        end()
        raise
    finally:
        for thread in threads:
            thread.join()


class _Stopped(LabcoreError):
    """Nobody wants to hear more."""
