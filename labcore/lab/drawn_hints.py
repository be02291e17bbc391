"""How many hints of a step were drawn out, and for which lesson's version of it."""

from labcore.lab.hints import hints
from labcore.lab.lessons import lesson_of, lessons_of
from labcore.lab.progress import entry
from labcore.lab.workspace import Workspace


def drawn_hints(workspace: Workspace, step: str, lesson: int) -> int:
    """Return how many hints of a step were drawn out."""
    count = workspace.progress.of("hints").get(entry(step, lesson), 0)
    return count if isinstance(count, int) and 0 <= count <= len(hints(step, lesson)) else 0


def draw_hint(workspace: Workspace, step: str, lesson: int) -> int:
    """Draw out the next hint, if there is one; return how many are out now."""
    count = min(drawn_hints(workspace, step, lesson) + 1, len(hints(step, lesson)))
    workspace.progress.note("hints", entry(step, lesson), count)
    return count


def open_lesson(workspace: Workspace, step: str, at: int | None = None) -> int:
    """Return the lesson whose version of a step is meant: that of lesson `at`, else the first that has not passed, or the last.

    Raises InvalidInput for a name that is no step's.
    """
    if at is not None:
        return lesson_of(step, at).number
    numbers = [lesson.number for lesson in lessons_of(step)]
    return next((number for number in numbers if step not in workspace.passed(number)), numbers[-1])
