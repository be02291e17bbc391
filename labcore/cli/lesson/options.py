"""The options of all lesson commands, and the steps in a learner's file that count."""

from pathlib import Path

from labcore.cli.flags import Parser
from labcore.cli.numbers import whole
from labcore.errors import Unavailable
from labcore.lab import copies
from labcore.lab.program import outdated
from labcore.lab.workspace import Workspace


def arguments(parser: Parser) -> None:
    """Declare where the learner's copy is, and which lesson is meant."""
    common_arguments(parser)
    parser.add_argument("number", type=whole(0, 99), metavar="N", help="which lesson")


def common_arguments(parser: Parser) -> None:
    """Declare where the learner's copy is."""
    work = copies.nearest_work()
    parser.add_argument("--work", type=Path, default=work, metavar="DIR", help=f"your copy of the lessons (default: {work})")
    parser.add_argument(
        "--lessons", type=Path, default=copies.LESSONS_HERE, metavar="DIR", help="the lessons (default: labcore's)"
    )


def saved_steps(workspace: Workspace, number: int) -> dict[str, str]:
    """Return the steps in the learner's file that count in a lesson. Raises Unavailable if Python cannot read it."""
    try:
        steps = workspace.steps(number)
        old = outdated(steps, number)
        return {name: text for name, text in steps.items() if name not in old}
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        why = "it is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "msg", str(error))
        raise Unavailable(f"{workspace.file}{where}: {why}: mend it, or take an older one from {workspace.history}") from None
