"""`labcore lesson hint`: draw out the next hint for a step."""

from labcore.cli.flags import Arguments, Parser
from labcore.cli.lesson import options
from labcore.cli.messages import say
from labcore.cli.numbers import whole
from labcore.lab.drawn_hints import draw_hint, drawn_hints, open_lesson
from labcore.lab.hints import hints
from labcore.lab.workspace import Workspace


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    options.common_arguments(parser)
    parser.add_argument("step", metavar="STEP", help="which step: rootfs, say")
    parser.add_argument(
        "--lesson", type=whole(0, 99), metavar="N", help="of a step that is written anew: as this lesson asks for it"
    )


def main(args: Arguments) -> int:
    """Print the hints that are out, and one more; each is counted, and shown by `lesson status`."""
    workspace = Workspace(args.work)
    number = open_lesson(workspace, args.step, args.lesson)
    all_hints = hints(args.step, number)
    if drawn_hints(workspace, args.step, number) == len(all_hints):
        print(say("these were all; the solution is folded away in the notebook, or: labcore lesson solve {n}", n=number))
    for place, text in enumerate(all_hints[: draw_hint(workspace, args.step, number)], 1):
        print(say("hint {n} of {total}: {text}", n=place, total=len(all_hints), text=str(text)))
    return 0
