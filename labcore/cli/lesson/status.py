"""`labcore lesson status`: list steps, and how they stand."""

from labcore.cli.flags import Arguments
from labcore.cli.lesson.options import common_arguments as arguments
from labcore.cli.lesson.options import saved_steps
from labcore.cli.messages import say
from labcore.lab.drawn_hints import drawn_hints
from labcore.lab.lessons import LESSONS, Lesson
from labcore.lab.progress import entry
from labcore.lab.questions import questions
from labcore.lab.workspace import Workspace
from labcore.language import padded

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """Show each step and how it stands: by whose hand, after how many hints; how many questions were answered; marks."""
    workspace = Workspace(args.work)
    for each in LESSONS:
        written, passed = saved_steps(workspace, each.number), workspace.passed(each.number)
        print(f"{each.number}. {each.title}")
        for name in each.steps + each.challenges:
            mark, state = _state(passed=name in passed, written=name in written, solved=_solved(workspace, name, each))
            count = drawn_hints(workspace, name, each.number)
            hints = say("hints: {n}", n=count) if count else ""
            print(f"   {mark} {name:14} {padded(state, 36)} {hints}".rstrip())
        answers = [right for name, right in workspace.progress.of("quiz").items() if name in questions(each.number)]
        if answers:
            print(say("   questions: {right} of {n} right at the first try", right=sum(answers), n=len(answers)))
    for draw, right in workspace.progress.of("exams").items():
        seed, _, name = draw.partition(" ")
        print(say("final examination: {right} of 10 (seed {seed})", right=right, seed=f"{seed}, {name}" if name else seed))
    return 0


def _solved(workspace: Workspace, name: str, lesson: Lesson) -> bool:
    return entry(name, lesson.number) in workspace.progress.of("solved")


def _state(*, passed: bool, written: bool, solved: bool) -> tuple[str, str]:
    if passed:
        return "✓", say("passed, by labcore's solution") if solved else say("passed")
    if written:
        return "·", say("labcore's solution, not checked") if solved else say("written, not checked")
    return "○", say("blank: labcore's own is used")
