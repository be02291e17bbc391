"""`labcore lesson status`: list steps, and how they stand."""

import argparse

from labcore.cli.lesson.options import common_arguments as arguments
from labcore.cli.lesson.options import saved_steps
from labcore.cli.messages import say
from labcore.lab.lessons import LESSONS
from labcore.lab.workspace import Workspace

__all__ = ["arguments", "main"]


def main(args: argparse.Namespace) -> int:
    """Show each step and how it stands."""
    workspace = Workspace(args.work)
    for each in LESSONS:
        written, passed = saved_steps(workspace, each.number), workspace.passed(each.number)
        print(f"{each.number}. {each.title}")
        for name in each.steps + each.challenges:
            if name in passed:
                mark, state = "✓", say("passed")
            elif name in written:
                mark, state = "·", say("written, not checked")
            else:
                mark, state = "○", say("blank: labcore's own is used")
            print(f"   {mark} {name:14} {state}")
    return 0
