"""Several names at once: an act for each, side by side, told of in the order of the names."""

from __future__ import annotations

import sys
from threading import BoundedSemaphore, Thread

from labcore.cli import FAILED, said
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Final

MOST_AT_ONCE: Final = 50


def for_each_at_once(names: Sequence[str], act: Callable[[str], object]) -> int:
    """Do it for each name, and print those that it was done for (unless the act returns False); return the exit status.

    If one cannot be, why is said, and the others go on. Ctrl-C leaves what is under way to the daemon.
    """
    room = BoundedSemaphore(MOST_AT_ONCE)
    done: dict[int, object] = {}

    def run(index: int, name: str) -> None:
        with room:
            try:
                done[index] = act(name)
            except BaseException as error:
                done[index] = error

    threads = [Thread(target=run, args=each, daemon=True) for each in enumerate(names)]
    for thread in threads:
        thread.start()
    status = 0
    for index, thread in enumerate(threads):
        thread.join()
        result = done[index]
        if isinstance(result, LabcoreError):
            print(f"labcore: {said(result)}", file=sys.stderr)
            status = FAILED
        elif isinstance(result, BaseException):
            raise result
        elif result is not False:
            print(names[index], flush=True)
    return status
