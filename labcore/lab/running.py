"""Running a plan in a cell or a terminal: `show`."""

import sys

from labcore.native import DEVNULL, PIPE, Process
from labcore.runtime import Plan, spawn


def show(plan: Plan) -> Process:
    """Run a plan's process to its end and show its output; return it with its PIDs, exit code and timeline.

    In a notebook the output goes through a pipe and is printed from here: output to the kernel's own descriptors would be lost
    or appear in the wrong cell. Elsewhere the process has this program's streams. Raises StepFailed.
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
