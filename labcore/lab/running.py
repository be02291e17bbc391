"""Carry out a plan where it is asked for: in a notebook's cell, or in a terminal."""

import sys

from labcore.native import DEVNULL, PIPE, Process
from labcore.runtime import Plan, spawn


def show(plan: Plan) -> Process:
    """Start a process by a plan, let what it writes be seen, wait for its end; return it for its pids, its code, its timeline.

    In a notebook the output goes through a pipe and is printed from here: what a child writes to a kernel's own descriptors
    would be lost or stand in the wrong cell. Elsewhere the process has this program's streams. Raises StepFailed.
    """
    if not in_kernel():
        sys.stdout.flush()
        with spawn(plan) as process:
            process.wait()
        return process
    with spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE) as process:
        out, err = process.communicate()
    print((out + err).decode(errors="replace"), end="")
    return process


def in_kernel() -> bool:
    """Is this a notebook's kernel?"""
    return "ipykernel" in sys.modules and "IPython" in sys.modules
