"""Paper: ten tasks, drawn by a seed for a learner: of each lesson as many as of any other, as far as that goes.

One is a fault to find, one a step that is checked, three have an answer that is computed, the rest are a lesson's questions.
What this machine cannot do (no root, no cgroups) is not asked: questions with options stand in its place.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from labcore.lab.examination.live import Live, live_questions
from labcore.lab.examination.tasks import Choice, FaultTask, StepTask, Task, Value
from labcore.lab.faults import LESSONS as WITH_FAULTS
from labcore.lab.faults import scenarios
from labcore.lab.learner import learners_seed
from labcore.lab.lessons import LESSONS
from labcore.lab.questions import questions
from labcore.lab.session import what_is_missing
from labcore.lab.workspace import Workspace

COUNT: Final = 10
PASS_MARK: Final = 7
LIVE_COUNT: Final = 3
SEEDS: Final = 1 << 32
FAULT_NEEDS: Final = ("root", "namespaces", "overlay", "cgroups", "limits", "network")
T = TypeVar("T")


def draw_paper(seed: int, learner: str, workspace: Workspace, *, practical: bool = True) -> list[Task]:
    """Return the tasks, sorted by lesson and the fault last; without `practical` neither steps nor faults are among them."""
    draw = _Draw(random.Random(f"examination {learners_seed(seed, learner)}"), workspace)
    tasks: list[Task | None] = [draw.fault(), draw.step()] if practical else []
    tasks += [draw.value() for _ in range(LIVE_COUNT)]
    tasks += [draw.choice() for _ in range(COUNT - sum(each is not None for each in tasks))]
    return sorted((each for each in tasks if each), key=lambda task: (task.kind == "fault", task.lesson))


class _Draw:
    """The draw of one paper: `used` counts how often each lesson has been drawn, `known` is what was."""

    def __init__(self, lots: random.Random, workspace: Workspace) -> None:
        self.lots, self.workspace = lots, workspace
        self.used: Counter[int] = Counter()
        self.known: set[tuple[int, str]] = set()

    def fault(self) -> Task | None:
        """Draw a fault that docker commands mend."""
        if _missing(FAULT_NEEDS):
            return None
        by_lesson = {lesson: [each for each in scenarios(lesson) if each.by_docker] for lesson in WITH_FAULTS}
        lesson = self._lesson(number for number, found in by_lesson.items() if found)
        return FaultTask(lesson, self.lots.choice(by_lesson[lesson]), self.lots.randrange(SEEDS))

    def step(self) -> Task | None:
        """Draw a step of the core."""
        can = [each for each in LESSONS if not _missing(each.requires)]
        if not can:
            return None
        lesson = self._lesson(each.number for each in can)
        steps = next(each.steps for each in can if each.number == lesson)
        return StepTask(lesson, self.lots.choice(steps), self.lots.randrange(SEEDS), self.workspace)

    def value(self) -> Task | None:
        """Draw a live question of a lesson that there is."""
        there = {each.number for each in LESSONS}
        can = {name: each for name, each in live_questions().items() if each.lesson in there and not _missing(each.needs)}
        drawn = self._one(_by_lesson(can))
        return drawn and Value(can[drawn[1]], can[drawn[1]].draw(self.lots))

    def choice(self) -> Task | None:
        """Draw a question with options, and their order."""
        drawn = self._one({each.number: _names_of(each.number) for each in LESSONS})
        if drawn is None:
            return None
        question = questions(drawn[0])[drawn[1]]
        return Choice(drawn[0], question, self.lots.sample(range(len(question.options)), len(question.options)))

    def _one(self, names: Mapping[int, Sequence[str]]) -> tuple[int, str] | None:
        """Draw a name that was not drawn before."""
        left = {lesson: [each for each in found if (lesson, each) not in self.known] for lesson, found in names.items()}
        if not any(left.values()):
            return None
        lesson = self._lesson(number for number, found in left.items() if found)
        self.known.add(drawn := (lesson, self.lots.choice(left[lesson])))
        return drawn

    def _lesson(self, numbers: Iterable[int]) -> int:
        """Draw one of those lessons that have been drawn least often."""
        known = sorted(numbers)
        least = min(self.used[number] for number in known)
        drawn = self.lots.choice([number for number in known if self.used[number] == least])
        self.used[drawn] += 1
        return drawn


def _by_lesson(found: Mapping[str, Live]) -> dict[int, list[str]]:
    return {
        number: [name for name, each in found.items() if each.lesson == number]
        for number in {each.lesson for each in found.values()}
    }


def _names_of(lesson: int) -> list[str]:
    try:
        return list(questions(lesson))
    except ModuleNotFoundError:  # a lesson without any
        return []


@lru_cache
def _missing(needs: tuple[str, ...]) -> bool:
    return bool(what_is_missing(needs))
