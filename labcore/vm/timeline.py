"""Timeline of a virtual machine's start: qemu, firmware, the kernel's phases, the first process.

The firmware's time is that in which its words came; in the kernel the times are its own (printk.time), whose zero is found by
the line that the first process writes into the kernel's log.
"""

import re
from collections.abc import Sequence
from typing import Final

from labcore.record import Record
from labcore.vm.console import Line


class Phase(Record):
    """A phase of a start: its begin after qemu's start, and its duration, both in milliseconds."""

    name: str
    start_ms: float
    duration_ms: float

    @property
    def end_ms(self) -> float:
        """Its end."""
        return self.start_ms + self.duration_ms


# What the kernel says (with the time at which it says it), and what it has done by then.
MILESTONES: Final = (
    ("kernel: memory", re.compile(r"Memory: ")),
    ("kernel: processors and interrupts", re.compile(r"smp: Brought up")),
    ("kernel: buses", re.compile(r"clocksource: Switched to")),
    ("kernel: first root unpacked", re.compile(r"Freeing initrd memory")),
    ("kernel: drivers", re.compile(r"Run /\S+ as init process|Freeing unused kernel image \(initmem\)")),
)
STAMPED: Final = re.compile(r"\[ *(\d+\.\d+)\] (.*)")
READY: Final = "labcore: ready"
LOADED: Final = "kernel: decompressed"


def phases(started: float, firmware: tuple[float, float] | None, ready_at: float, log: str = "") -> tuple[Phase, ...]:
    """Return the phases of a start, one after another, from qemu's start to the first process's word.

    `firmware` is when it said its first and its last word; `log` the kernel's (dmesg(1)). Without them, or where the log lacks
    a milestone, the phases around that are one.
    """
    marks: list[tuple[str, float]] = []  # what was over, and when
    if firmware is not None:
        marks += [("qemu", firmware[0]), ("firmware", firmware[1])]
    kernel = _of_the_kernel(log, ready_at)
    if firmware is None and kernel:
        kernel[0] = ("qemu, firmware, kernel decompressed", kernel[0][1])
    marks += [mark for mark in kernel if mark[1] > (marks[-1][1] if marks else started)]
    marks.append(("first process" if kernel else "kernel and first process", ready_at))
    return _one_after_another(started, marks)


# What comes over the console of a Debian that starts, and what was over then; the last phase ends with the start.
SAID: Final = ((b"Loading, please wait", "kernel"), (b"Welcome to ", "first root: finds the disk"))


def phases_of_debian(
    started: float, firmware: tuple[float, float] | None, lines: Sequence[Line], ready_at: float
) -> tuple[Phase, ...]:
    """Return the phases of a Debian's start, by what its console said."""
    marks = [("qemu", firmware[0]), ("firmware", firmware[1])] if firmware else []
    for word, name in SAID:
        if (at := next((line.at for line in lines if word in line.text), None)) is not None:
            marks.append((name, at))
    return _one_after_another(started, [*marks, ("systemd and its services", ready_at)])


def _one_after_another(started: float, marks: Sequence[tuple[str, float]]) -> tuple[Phase, ...]:
    starts = [started, *(at for _, at in marks)]
    return tuple(
        Phase(name, round((begin - started) * 1e3, 2), round(max(0.0, end - begin) * 1e3, 2))
        for (name, end), begin in zip(marks, starts, strict=False)
    )


def _of_the_kernel(log: str, ready_at: float) -> list[tuple[str, float]]:
    """Return what the kernel had done, and when, in order; its clock begins when it has been decompressed."""
    stamped = [(float(match[1]), match[2]) for line in log.splitlines() if (match := STAMPED.match(line))]
    end = next((at for at, text in stamped if text.startswith(READY)), None)
    if end is None:
        return []
    found = [(LOADED, ready_at - end)]
    for name, pattern in MILESTONES:
        at = next((at for at, text in stamped if pattern.match(text)), None)
        if at is not None:
            found.append((name, ready_at - end + at))
    return sorted(found, key=lambda mark: mark[1])
