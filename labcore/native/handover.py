"""Exec handover: the child that shares this process's memory executes csrc/exec.c, which executes the program.

A program that begins with `#!/proc/self/exe` reaches the executable that called exec, which must not be this process's, python.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from contextlib import contextmanager
from functools import cache

from labcore.errors import SystemCallError
from labcore.files import read_bytes
from labcore.native.block import OUTCOME, REPORT
from labcore.native.calls import execveat
from labcore.native.process import Report
from labcore.native.spawn import Streams, aside, opened_streams, program, spawn_block
from labcore.native.step import Words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from labcore.native.spawn import Started
    from labcore.native.step import Step

# Their numbers in the child: csrc/exec.c.
REPORT_DESCRIPTOR: Final = 3
PROGRAM_DESCRIPTOR: Final = 4
LAID_OUT: Final = 5  # descriptors below this the child has by number
MFD_EXEC: Final = 0x10  # Linux 6.3; before that a file in memory could always be executed


def attempts(steps: Sequence[Step]) -> int:
    """Return how many of the last steps try to become one and the same program."""
    count = 0
    for step in reversed(steps):
        if step.call != "execve" or not step.args[0] or step.args[1:] != steps[-1].args[1:]:
            break
        count += 1
    return count


def with_handover(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with one in the place of the last attempts: becoming what makes them."""
    count = attempts(steps)
    if not count:
        return list(steps)
    paths = [_text(step.args[0]) for step in steps[-count:]]
    _, argv, environment = steps[-1].args
    return [
        *steps[:-count],
        execveat.step(PROGRAM_DESCRIPTOR, ["labcore-exec", *paths, "", *_texts(argv)], _texts(environment)),
    ]


def _text(argument: object) -> str:
    assert isinstance(argument, str)
    return argument


def _texts(words: object) -> list[str]:
    assert isinstance(words, Words)
    return [_text(word) for word in words.items if word != 0]


def spawn_sharing(block: bytes, *, attempts: int, streams: Streams = Streams(), cgroup: int = -1) -> Started:
    """Walk a block in a child that shares this process's memory until it leaves it for its program; `cgroup` as in spawn_block.

    The block's last step stands for `attempts` of them, and the report tells of each. Raises SystemCallError if clone3 fails.
    """
    with opened_streams(streams, LAID_OUT) as ends, _meeting() as (theirs, reader):
        started = spawn_block(block, ends.child | theirs, cgroup)
        for fd in theirs.values():
            os.close(fd)
        theirs.clear()
        refused = _read_all(reader)
        ends.hand_over(started.process)
        assert started.report
        return started.replace(report=_told_apart(started.report, refused, attempts))


@contextmanager
def _meeting() -> Iterator[tuple[dict[int, int], int]]:
    """Open the child's two descriptors, by their numbers there, and the end at which its report is read."""
    reader, writer = os.pipe()
    theirs = {REPORT_DESCRIPTOR: aside(writer, LAID_OUT)}
    try:
        theirs[PROGRAM_DESCRIPTOR] = aside(_file_in_memory(), LAID_OUT)
        yield theirs, reader
    finally:
        for fd in (reader, *theirs.values()):
            os.close(fd)


def _file_in_memory() -> int:
    """Return a new memory file with the program, so that a container cannot change any other copy: memfd_create(2)."""
    fd = _memfd()
    os.write(fd, _contents())
    return fd


def _memfd() -> int:
    for flags in (MFD_EXEC, 0):
        try:
            return os.memfd_create("labcore-exec", os.MFD_CLOEXEC | flags)
        except OSError as error:
            if error.errno != errno.EINVAL or not flags:
                raise SystemCallError(error.errno or 0, "memfd_create", "labcore-exec", "see sysctl vm.memfd_noexec") from None
    raise AssertionError


@cache
def _contents() -> bytes:
    return read_bytes(program("labcore-exec"))


def _read_all(fd: int) -> list[int]:
    """Wait until the other end is closed: the program runs, or nothing will."""
    found = b""
    while chunk := os.read(fd, 4096):
        found += chunk
    return [number for (number,) in struct.iter_unpack("=i", found)]


def _told_apart(report: Report, refused: list[int], attempts: int) -> Report:
    """Return the report with an outcome for each attempt, in the place of one for all of them."""
    if not attempts:
        return report
    before, last = report.outcome_bytes[: -OUTCOME.size], report.outcome_bytes[-OUTCOME.size :]
    handover = OUTCOME.unpack(last)
    reached, failed, error = report.reached, report.failed, report.error
    first = len(before) // OUTCOME.size
    made = [(0, 0, 0)] * attempts
    if failed < 0 and reached > first:  # it was begun, and its own start did not fail
        made[: len(refused)] = [(handover[0], abs(number), 0) for number in refused]
        given_up = bool(refused) and refused[-1] < 0
        if given_up:
            reached, failed, error = first + len(refused), first + len(refused) - 1, -refused[-1]
        else:
            made[len(refused)] = (handover[0], 0, 0)
            reached = first + attempts
    elif reached > first:
        made[0] = handover
    head = REPORT.pack(report.cloned, time.monotonic_ns(), report.pid_inside, failed, error, reached)
    return Report(head + before + b"".join(OUTCOME.pack(*outcome) for outcome in made))
