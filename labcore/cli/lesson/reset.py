"""`labcore lesson reset`: begin a lesson anew."""

from labcore.cli.flags import Arguments
from labcore.cli.lesson.options import arguments
from labcore.cli.messages import say
from labcore.lab import copies
from labcore.lab.lessons import lesson
from labcore.lab.progress import entry
from labcore.lab.workspace import Workspace

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """Renew the copy and blank the steps; what was there is kept."""
    wanted = lesson(args.number)
    copies.renew(wanted, args.lessons, args.work)
    workspace = Workspace(args.work)
    if workspace.file.exists():
        remark = workspace.remove(wanted.steps + wanted.challenges, wanted.number).remark
        print(remark or say("my_runtime.py: its steps are blanks again"))
    workspace.progress.forget(*(entry(name, wanted.number) for name in wanted.steps + wanted.challenges))
    place = args.work / copies.KEPT
    print(say("lesson {number} is as it was at the start; what you had is kept in {place}", number=wanted.number, place=place))
    return 0
