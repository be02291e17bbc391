"""The listener of a filter: a descriptor that tells of calls, for somebody to answer in the kernel's place, seccomp_unotify(2).

The filter holds before the launcher has the listener: of what comes in between, `write` must not wait for an answer.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property

from labcore import native
from labcore.errors import InvalidInput
from labcore.native import Register
from labcore.runtime.ops import LoadFilter, Op
from labcore.runtime.ops.process import LISTENER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import ClassVar

    from labcore.native import Process, Step

LINK = "anon_inode:seccomp notify"  # what /proc/PID/fd shows


class ListenerTaken(Op):
    """Let go of the listener: while the container has it itself, a call whose answerer has gone waits for ever."""

    name: ClassVar[str] = "close"

    def calls(self) -> Sequence[Step]:
        return [native.close.step(Register(LISTENER))]

    @cached_property
    def detail(self) -> str:
        return "the filter's listener"


def with_listener_taken(confine: Sequence[Op], taken: Sequence[Op]) -> list[Op]:
    """Return the ops that confine, and behind a filter with a listener the sync at which that is `taken`.

    Raises InvalidInput if there is none: the container would wait for answers that nobody gives.
    """
    if not taken:
        raise InvalidInput(
            "seccomp: SCMP_ACT_NOTIFY: nobody here answers calls: start it by labcore-runtime, with a listenerPath"
        )
    made: list[Op] = []
    for op in confine:
        made += [op, *taken, ListenerTaken()] if isinstance(op, LoadFilter) and op.has_listener else [op]
    return made


def take(process: Process) -> int:
    """Take the listener from the child, at the `sync` before `ListenerTaken`; the caller closes it.

    It has the lowest number that was free there, below those of any that the program is to find open.
    """
    directory = f"/proc/{process.pid}/fd"
    for number in sorted(map(int, os.listdir(directory))):
        with suppress(FileNotFoundError):
            if os.readlink(f"{directory}/{number}") == LINK:
                return native.pidfd_getfd(process.pidfd, number)
    raise InvalidInput("seccomp: the filter has no listener: this kernel is older than Linux 5.0")
