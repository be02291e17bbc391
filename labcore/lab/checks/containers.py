"""Claims about a container's process, whichever step has made it: its number, host name, root, environment and exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.scenario import Draw
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.spec import DEFAULT_DEVICES

DEV = ("/dev", "/dev/pts", *(device.path for device in DEFAULT_DEVICES))  # what lesson 4 mounts, too
ALLOWED = ("/", "/proc", *DEV)


def own_number(seen: ProcessView) -> Claim:
    """Process 1."""
    return Claim(say("it is process 1 of its own PID namespace"), seen.numbers[-1] == 1, say("process {n}", n=seen.numbers[-1]))


def a_container(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """Process 1, with the root that was drawn."""
    yield own_number(seen)
    yield Claim(say("its root is the directory that was named"), seen.holds(draw.mark))


def own_name(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """A host name that is not the machine's."""
    starter = seen.parent.hostname
    yield Claim(say("the machine that starts it keeps its own name"), starter != draw.hostname, starter)
    yield equal(say("host name"), draw.hostname, seen.hostname)


def own_root(seen: ProcessView, draw: Draw) -> Iterator[Claim]:
    """A root that holds what was drawn, and nothing of the old one."""
    yield Claim(say("its root is the directory that was named"), seen.holds(draw.mark))
    points = sorted(mount.point for mount in seen.mounts)
    left = [point for point in points if point not in ALLOWED and not point.startswith("/proc/")]
    yield Claim(say("nothing of the old root is left in it"), not left, " ".join(left[:4]))
    proc = seen.mount("/proc").fstype
    yield Claim(say("/proc is mounted, a proc file system"), proc == "proc", proc or say("nothing"))
    first = (seen.text("/proc/1/cmdline") or "").split("\0")[:-1]
    yield Claim(
        say("and shows its own processes: process 1 is the program"), first == seen.command, " ".join(first) or say("nothing")
    )
    begins = Path(f"/proc/{seen.pid}/cwd").samefile(f"/proc/{seen.pid}/root")
    yield Claim(say("it begins in /"), begins)
    linked = [link for mount in seen.mounts for link in mount.propagation]
    yield Claim(say("its mounts are private"), not linked, " ".join(linked[:2]))


def own_environment(seen: ProcessView, wanted: tuple[str, ...]) -> Iterator[Claim]:
    """The spec's environment."""
    found = seen.environment
    yield Claim(say("its environment is that of the spec"), set(wanted) <= set(found), " ".join(found)[:40])


def ended_as_drawn(returned: Any, draw: Draw) -> Iterator[Claim]:
    """The exit code that was drawn."""
    yield equal(say("the program's exit code, returned"), draw.exit_code, returned)
