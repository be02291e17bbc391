"""Carry out a plan in a notebook cell."""

from labcore.native import DEVNULL, PIPE, Process
from labcore.runtime import Plan, spawn


def show(plan: Plan) -> Process:
    """Start a process by a plan, wait for its end, print what it wrote; return it for its pids and its timeline.

    The output goes through a pipe and is printed from here: what a child writes to a kernel's own descriptors would be lost
    or stand in the wrong cell. Raises StepFailed.
    """
    with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
        out, err = process.communicate()
    print((out + err).decode(errors="replace"), end="")
    return process
