"""Work done by a thread of its own, which may join namespaces that the caller's never leaves: setns(2)."""

from __future__ import annotations

from _thread import allocate_lock, start_new_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def in_own_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises, in a thread that ends with it."""
    done = allocate_lock()
    done.acquire()
    returned: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            returned.append(work())
        except BaseException as error:
            raised.append(error)
        finally:
            done.release()

    start_new_thread(run, ())
    try:
        done.acquire()
    except BaseException:  # an interrupt: the thread has our descriptors yet
        done.acquire()
        raise
    if raised:
        raise raised.pop()  # its traceback leads here: kept in the list, it and all that it holds would wait for the collector
    return returned[0]
