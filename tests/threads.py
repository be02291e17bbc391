"""Threads and processes of tests: they end with the block that has started them, also when that fails."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Work = Callable[[], object]


@contextmanager
def running(*works: Work, stop: Work = lambda: None, seconds: float = 60) -> Iterator[None]:
    """Do each in a thread of its own, meanwhile. However the block ends, `stop` is called then, and the threads are waited for.

    Raises what the first work that failed has raised; AssertionError if one is not done after some seconds.
    """
    failures: list[BaseException] = []

    def guarded(work: Work) -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(deadline - time.monotonic(), 0))
    if failures:
        raise failures[0]
    assert not any(thread.is_alive() for thread in threads), f"threads run on after {seconds:g} s"


def together(*works: Work, seconds: float = 60) -> None:
    """Do all at once, each in a thread of its own, and wait for them. Raises as `running` does."""
    with running(*works, seconds=seconds):
        pass


class Started(subprocess.Popen[Any]):
    """A process that is killed when its block fails: Popen itself would wait for it then, for ever if nothing ends it."""

    def __exit__(self, kind: type[BaseException] | None, *exception: Any) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, *exception)
