"""`labcore lesson check`: mark a lesson's saved steps."""

import secrets

from labcore.cli.flags import Arguments, Parser
from labcore.cli.lesson import options
from labcore.cli.lesson.options import saved_steps
from labcore.cli.messages import say
from labcore.cli.numbers import whole
from labcore.lab import checks
from labcore.lab.learner import VARIABLE, learner, learners_seed
from labcore.lab.lessons import lesson
from labcore.lab.progress import entry
from labcore.lab.workspace import Workspace


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    options.arguments(parser)
    parser.epilog = "Exit status: 1 if a step has not passed."
    parser.add_argument("--seed", type=whole(0, (1 << 64) - 1), metavar="S", help="draw the same names and numbers again")
    parser.add_argument(
        "--learner",
        default=learner(),
        metavar="NAME",
        help=f"whose draw: with one seed each learner has names and numbers of their own (default: {VARIABLE})",
    )


def main(args: Arguments) -> int:
    """Check a lesson's steps as they stand in the saved file, in a copy elsewhere; 1 if a step has not passed."""
    wanted = lesson(args.number)
    workspace = Workspace(args.work)
    written = saved_steps(workspace, wanted.number)
    seed = secrets.randbelow(1 << 32) if args.seed is None else args.seed
    draws = learners_seed(seed, args.learner)
    passed = set()
    with checks.as_it_counts(workspace, wanted.number) as elsewhere:
        for name in wanted.steps + wanted.challenges:
            is_there = name in written
            verdict = checks.examine(name, elsewhere, draws, lesson=args.number) if is_there else checks.Verdict(name, "blank")
            print(verdict)
            if verdict.state == "passed":
                passed.add(name)
                workspace.note_passed(name, written[name], wanted.number)
    steps, challenges = passed.intersection(wanted.steps), passed.intersection(wanted.challenges)
    mark = say("{done} of {n} steps", done=len(steps), n=len(wanted.steps))
    if wanted.challenges:
        mark += say(", {done} of {n} challenges", done=len(challenges), n=len(wanted.challenges))
    if taken := [name for name in passed if entry(name, wanted.number) in workspace.progress.of("solved")]:
        mark += say("; by labcore's solution: {names}", names=", ".join(sorted(taken)))
    print(f"{mark} (seed {seed}{f', learner {args.learner}' if args.learner else ''})")
    return int(len(steps) < len(wanted.steps))
