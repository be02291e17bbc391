"""`labcore lesson solve`: fill in solutions."""

from labcore.cli.flags import Arguments
from labcore.cli.lesson.options import arguments, saved_steps
from labcore.cli.messages import say
from labcore.lab.lessons import lesson
from labcore.lab.program import marked
from labcore.lab.progress import entry
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """Write them, and leave alone what is the learner's; `lesson status` tells a solved step from a written one."""
    wanted = lesson(args.number)
    workspace = Workspace(args.work)
    args.work.mkdir(parents=True, exist_ok=True)
    written = saved_steps(workspace, wanted.number)
    for name in wanted.steps + wanted.challenges:
        if name in written:
            print(say("{name}: yours, left as it is", name=name))
        else:
            workspace.save(name, marked(name, source_of(name, wanted.number), wanted.number), wanted.number)
            workspace.progress.note("solved", entry(name, wanted.number), True)
            print(say("{name}: the solution is in {file}", name=name, file=workspace.file))
    return 0
