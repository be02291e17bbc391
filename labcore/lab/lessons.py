"""The lessons: their order, the steps that the learner writes in each, and what each needs of the machine."""

from labcore.errors import InvalidInput
from labcore.lab.say import say
from labcore.language import Language, language
from labcore.record import Record


class Lesson(Record):
    """One lesson.

    `slug` names its files; `steps` are the functions that `my_runtime.py` gains, in order; `challenges` the harder ones, which
    no later lesson needs. `requires` are names of labcore.lab.beginning.NEEDS.
    """

    number: int
    slug: str
    titles: dict[Language, str]
    steps: tuple[str, ...]
    challenges: tuple[str, ...] = ()
    requires: tuple[str, ...] = ("root", "namespaces")

    @property
    def title(self) -> str:
        """Its title, in the reader's language."""
        return self.titles[language()]

    @property
    def file(self) -> str:
        """The notebook's file name."""
        return f"{self.number:02}_{self.slug}.ipynb"


LESSONS = (
    Lesson(
        1,
        "what_is_docker",
        titles={"en": "What is Docker?", "zh": "Docker 是什么？"},
        steps=("hostname", "namespaces", "rootfs", "run"),
        challenges=("outside_pid", "read_only"),
    ),
)


def lesson(number: int) -> Lesson:
    """Return a lesson by its number. Raises InvalidInput, naming those that there are."""
    for found in LESSONS:
        if found.number == number:
            return found
    numbers = ", ".join(str(each.number) for each in LESSONS)
    raise InvalidInput(say("there is no lesson {number} yet; there is: {numbers}", number=number, numbers=numbers))


def all_steps() -> list[str]:
    """Return the names of all steps and challenges, in the order in which they are written."""
    return [name for each in LESSONS for name in (*each.steps, *each.challenges)]


def lesson_of(step: str) -> Lesson:
    """Return the lesson in which a step is written. Raises InvalidInput for a name that is no step's."""
    for each in LESSONS:
        if step in each.steps + each.challenges:
            return each
    raise InvalidInput(say("{step} is no step: the steps are {steps}", step=step, steps=", ".join(all_steps())))
