"""Progress: what a learner did besides writing code, in WORK/.my_runtime/progress.json.

    {"passed": {STEP: digest of its text}, "solved": {STEP: true}, "hints": {STEP: how many},
     "guesses": {GUESS: what was guessed}, "quiz": {QUESTION: which answer},
     "exams": {SEED or "SEED LEARNER": how many were right}}

A step that a later lesson writes anew has an entry for each lesson. A file that cannot be read counts as empty, and a full disk
costs an entry that can be made again: no lesson stops for its progress.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal

from labcore.atomic import atomic_write
from labcore.errors import InUse
from labcore.lab.lessons import lessons_of

Section = Literal["passed", "solved", "hints", "guesses", "quiz", "exams"]
FILE = "progress.json"


class Progress:
    """The progress that is kept in a directory; `locked` locks that, and `give` gives files to whose they are."""

    def __init__(
        self, directory: Path, locked: Callable[[], AbstractContextManager[object]], give: Callable[[Path], None]
    ) -> None:
        self.file = directory / FILE
        self._locked, self._give = locked, give

    def of(self, section: Section) -> dict[str, Any]:
        """Return a section's entries."""
        found = self._all().get(section)
        return found if isinstance(found, dict) else {}

    def note(self, section: Section, name: str, value: Any) -> None:
        """Make an entry, in the place of an earlier one."""
        with suppress(OSError, InUse), self._locked():
            self._write({**self._all(), section: {**self.of(section), name: value}})

    def forget(self, *names: str) -> None:
        """Remove the entries of these names from the sections that are about steps."""
        with suppress(OSError, InUse), self._locked():
            found = self._all()
            for section in ("passed", "solved", "hints"):
                found[section] = {name: value for name, value in self.of(section).items() if name not in names}
            self._write(found)

    def _all(self) -> dict[str, Any]:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, entries: dict[str, Any]) -> None:
        content = f"{json.dumps(entries, indent=1, ensure_ascii=False)}\n"
        atomic_write(self.file, content.encode(), durable=False)
        self._give(self.file.parent)
        self._give(self.file)


def entry(step: str, lesson: int) -> str:
    """Return the name under which a step's entries are kept: it has one for each lesson that writes it anew."""
    return step if lesson == lessons_of(step)[0].number else f"{step} in lesson {lesson}"
