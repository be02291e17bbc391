"""`labcore lesson exam`: the final examination."""

import json
import secrets
import sys
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.cli.lesson import options
from labcore.cli.numbers import whole
from labcore.lab.examination.live import Site
from labcore.lab.examination.paper import PASS_MARK, SEEDS, draw_paper
from labcore.lab.examination.sitting import Written, answers_of, note, paragraph, sit
from labcore.lab.learner import VARIABLE, learner
from labcore.lab.workspace import Workspace


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    options.common_arguments(parser)
    parser.epilog = (
        f"Exit status: 0 if at least {PASS_MARK} of ten are right, else 1. FILE has a line `NUMBER: ANSWER` for each answer: "
        "the letter of an option, or the words; several lines for the docker commands that mend what is broken."
    )
    parser.add_argument("--seed", type=whole(0, (1 << 64) - 1), metavar="S", help="draw the same questions again")
    parser.add_argument(
        "--learner",
        default=learner(),
        metavar="NAME",
        help=f"whose draw: with one seed each learner has questions of their own (default: {VARIABLE})",
    )
    parser.add_argument("--answers", type=Path, metavar="FILE", help="take the answers from a file, and ask nothing")
    parser.add_argument("--paper", action="store_true", help="print the questions, and ask nothing")
    parser.add_argument("--no-practice", action="store_true", help="no step is checked, and nothing broken on purpose")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="json: questions, answers and marks")


def main(args: Arguments) -> int:
    """Ask, mark, and keep the mark; 1 if it is not enough."""
    workspace = Workspace(args.work)
    seed = secrets.randbelow(SEEDS) if args.seed is None else args.seed
    written = answers_of(args.answers) if args.answers else None
    tasks = draw_paper(seed, args.learner, workspace, practical=not args.no_practice)
    if args.paper:
        print("\n\n".join(paragraph(number, len(tasks), each) for number, each in enumerate(tasks, 1)))
        return 0
    out = sys.stderr if args.format == "json" else sys.stdout
    ask = Written(written, tasks) if written is not None else input if out is sys.stdout else _asked_on_stderr
    tell = (lambda _: None) if written is not None else (lambda text: print(text, file=out, flush=True))
    with Site() as site:
        result = sit(tasks, ask, tell, site)
    note(workspace, seed, args.learner, result)
    if args.format == "json":
        print(json.dumps({"seed": seed, "learner": args.learner, **result.to_json()}, ensure_ascii=False, indent=1))
    else:
        print("\n".join(result.lines()))
        print(f"{result.title()} (seed {seed}{f', learner {args.learner}' if args.learner else ''})")
    return int(not result.passed)


def _asked_on_stderr(prompt: str) -> str:
    """Read a line as `input` does; standard output is for the JSON."""
    print(prompt, end="", file=sys.stderr, flush=True)
    if line := sys.stdin.readline():
        return line.rstrip("\n")
    raise EOFError
