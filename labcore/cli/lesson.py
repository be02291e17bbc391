"""`labcore lesson`: the lessons without a notebook: what there is, how far you are, a check that counts, and a way back."""

import argparse
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from labcore.cli.numbers import whole
from labcore.cli.say import say
from labcore.errors import Unavailable
from labcore.lab import checks, copies
from labcore.lab.lessons import LESSONS, Lesson, lesson
from labcore.lab.program import marked, outdated
from labcore.lab.solutions import source_of
from labcore.lab.workspace import NAME, Workspace
from labcore.language import padded


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommands and their arguments."""
    work = copies.nearest_work()
    parser.add_argument("--work", type=Path, default=work, help=f"your copy of the lessons (default: {work})")
    parser.add_argument("--lessons", type=Path, default=copies.LESSONS_HERE, help="the lessons (default: labcore's)")
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    for name, (function, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        command.set_defaults(what=function)
        if name not in ("list", "status"):
            command.add_argument("number", type=whole(0, 99), metavar="N", help="which lesson")
        if name == "check":
            command.add_argument(
                "--seed", type=whole(0, (1 << 64) - 1), metavar="S", help="draw the same names and numbers again"
            )


def main(args: argparse.Namespace) -> int:
    """Carry out the subcommand."""
    what: Callable[[argparse.Namespace], int] = args.what
    return what(args)


def _list(args: argparse.Namespace) -> int:
    for each in LESSONS:
        state = say("copied") if (args.work / each.file).exists() else say("not started")
        parts = say("{n} steps", n=len(each.steps))
        if each.challenges:
            parts += say(", {n} challenges", n=len(each.challenges))
        print(f"{each.number:2}  {padded(each.title, 40)} {padded(state, 12)} {parts}")
    return 0


def _start(args: argparse.Namespace) -> int:
    wanted = lesson(args.number)
    made = copies.start(wanted, args.lessons, args.work)
    print(f"{args.work / wanted.file}: {say('copied') if made else say('is there already; it stays as it is')}")
    print(say("open it with `make lab`; steps of earlier lessons that you have not written are labcore's own"))
    return 0


def _status(args: argparse.Namespace) -> int:
    workspace = Workspace(args.work)
    for each in LESSONS:
        written, passed = _written(workspace, each.number), workspace.passed(each.number)
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


def _check(args: argparse.Namespace) -> int:
    """Check a lesson's steps as they stand in the saved file, in a copy elsewhere; 1 if a step has not passed."""
    wanted = lesson(args.number)
    workspace = Workspace(args.work)
    written = _written(workspace, wanted.number)
    seed = secrets.randbelow(1 << 32) if args.seed is None else args.seed
    passed = set()
    with tempfile.TemporaryDirectory(prefix="labcore-mark-") as directory:
        elsewhere = Path(directory, NAME)
        if written:
            shutil.copy(workspace.file, elsewhere)
        for name in wanted.steps + wanted.challenges:
            is_there = name in written
            verdict = checks.examine(name, elsewhere, seed, lesson=args.number) if is_there else checks.Verdict(name, "blank")
            print(verdict)
            if verdict.state == "passed":
                passed.add(name)
                workspace.note_passed(name, written[name], wanted.number)
    steps, challenges = passed.intersection(wanted.steps), passed.intersection(wanted.challenges)
    mark = say("{done} of {n} steps", done=len(steps), n=len(wanted.steps))
    if wanted.challenges:
        mark += say(", {done} of {n} challenges", done=len(challenges), n=len(wanted.challenges))
    print(f"{mark} (seed {seed})")
    return int(len(steps) < len(wanted.steps))


def _solve(args: argparse.Namespace) -> int:
    wanted = lesson(args.number)
    workspace = Workspace(args.work)
    args.work.mkdir(parents=True, exist_ok=True)
    written = _written(workspace, wanted.number)
    for name in wanted.steps + wanted.challenges:
        if name in written:
            print(say("{name}: yours, left as it is", name=name))
        else:
            workspace.save(name, marked(name, source_of(name, wanted.number), wanted.number))
            print(say("{name}: the solution is in {file}", name=name, file=workspace.file))
    return 0


def _reset(args: argparse.Namespace) -> int:
    wanted = lesson(args.number)
    copies.renew(wanted, args.lessons, args.work)
    workspace = Workspace(args.work)
    if workspace.file.exists():
        remark = workspace.remove(wanted.steps + wanted.challenges, wanted.number).remark
        print(remark or say("my_runtime.py: its steps are blanks again"))
    place = args.work / copies.KEPT
    print(say("lesson {number} is as it was at the start; what you had is kept in {place}", number=wanted.number, place=place))
    return 0


def _demo(args: argparse.Namespace) -> int:
    from labcore.cli.lab import must_be_installed, serve
    from labcore.lab.copies import prepared

    must_be_installed()
    wanted: Lesson = lesson(args.number)
    with tempfile.TemporaryDirectory(prefix="labcore-demo-") as directory:
        prepared(wanted, args.lessons, Path(directory))
        print(say("Shift+Enter steps through it. Ctrl-C ends it; nothing of it is kept."), flush=True)
        return serve(args.root, Path(directory), lesson=wanted.file, large=True)


def _written(workspace: Workspace, number: int) -> dict[str, str]:
    """Return the steps in the learner's file that count in a lesson. Raises Unavailable if Python cannot read it."""
    try:
        steps = workspace.steps()
        old = outdated(steps, number)
        return {name: text for name, text in steps.items() if name not in old}
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        why = "it is not UTF-8" if isinstance(error, UnicodeError) else getattr(error, "msg", str(error))
        raise Unavailable(f"{workspace.file}{where}: {why}: mend it, or take an older one from {workspace.history}") from None


COMMANDS = {
    "list": (_list, "the lessons that there are"),
    "start": (_start, "make your working copy of a lesson"),
    "status": (_status, "which steps you have written, and which have passed their checks"),
    "check": (_check, "check a lesson's steps as they are saved: the mark that counts; exit status 1 if one has not passed"),
    "solve": (_solve, "write the solutions of a lesson's blanks into my_runtime.py"),
    "reset": (_reset, "begin a lesson anew; what you wrote is kept"),
    "demo": (_demo, "open a lesson in large type, solved and warm, to be shown to others"),
}
