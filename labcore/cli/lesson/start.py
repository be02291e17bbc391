"""`labcore lesson start`: make a working copy."""

from labcore.cli.flags import Arguments
from labcore.cli.lesson.options import arguments
from labcore.cli.messages import say
from labcore.lab import copies
from labcore.lab.lessons import lesson

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """Make the copy."""
    wanted = lesson(args.number)
    made = copies.start(wanted, args.lessons, args.work)
    print(f"{args.work / wanted.file}: {say('copied') if made else say('is there already; it stays as it is')}")
    print(say("open it with `make lab`; steps of earlier lessons that you have not written are labcore's own"))
    return 0
