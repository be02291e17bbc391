"""`labcore lesson list`: list lessons."""

from labcore.cli.flags import Arguments
from labcore.cli.lesson.options import common_arguments as arguments
from labcore.cli.messages import say
from labcore.lab.lessons import LESSONS
from labcore.language import padded

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """List them."""
    for each in LESSONS:
        state = say("copied") if (args.work / each.file).exists() else say("not started")
        parts = say("{n} steps", n=len(each.steps))
        if count := len(each.challenges):
            parts += say(", 1 challenge") if count == 1 else say(", {n} challenges", n=count)
        print(f"{each.number:2}  {padded(each.title, 40)} {padded(state, 12)} {parts}")
    return 0
