"""Workspace: `my_runtime.py`, the learner's runtime, which grows by a function with each step; all versions are kept.

WORK/my_runtime.py              a program of its own: it can be imported, read and run without a notebook
     .my_runtime/lesson-01.py   steps as they were written in that lesson after a later lesson had written them anew
     .my_runtime/0001.py …      every version that was replaced
     .my_runtime/lock           two notebooks may be open at once
     .my_runtime/progress.json  what has passed, was asked for or guessed: labcore.lab.progress
"""

import ast
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore.atomic import PendingFile, atomic_write
from labcore.errors import InUse, LabcoreError
from labcore.lab.lessons import MY_RUNTIME, all_steps, lessons_of
from labcore.lab.messages import say
from labcore.lab.program import functions, version, with_ending, with_function, without_functions
from labcore.lab.progress import Progress, entry
from labcore.locks import Lock
from labcore.record import Record

NAME: Final = MY_RUNTIME
LOCK_TIMEOUT_SECONDS: Final = 10.0

HEADER: Final = '''"""My container runtime, written step by step in labcore's lessons.

Import it, read it, run it: it needs no notebook. A step that is not written below is labcore's own (fill_in).
"""

from labcore.lab.steps import fill_in
from labcore.lab.vocabulary import *

fill_in(globals())
'''

ENDING: Final = """if __name__ == "__main__":
    from labcore.lab.steps import run_as_program

    run_as_program(globals())
"""


class CannotSave(LabcoreError):
    """`my_runtime.py` could not be written; what was there before is there still."""


class CannotRead(CannotSave):
    """`my_runtime.py` is there and cannot be read, nor written: a directory, or closed."""


class Saved(Record):
    """The result of saving a step: a sentence if there is something to know, else empty."""

    remark: str = ""


def default_workspace() -> "Workspace":
    """Return the folder of the learner's work: LABCORE_WORK, or the notebook's (a Chinese lesson lies one further down)."""
    if given := os.environ.get("LABCORE_WORK"):
        return Workspace(Path(given))
    here = Path.cwd()
    return Workspace(here.parent if here.name == "zh" else here)


class Workspace:
    """The folder in which `my_runtime.py` lies."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / NAME
        self.history = directory / ".my_runtime"
        self.progress = Progress(self.history, self.locked, self.give_to_owner)

    # --- reading

    def text(self, at: int | None = None) -> str:
        """Return what stands in `my_runtime.py`, empty if there is none; with `at` as it counts in that lesson.

        Raises CannotRead.
        """
        try:
            text = _text_of(self.file)
            return text if at is None else self._as_in(at, text)
        except SyntaxError:
            return text
        except FileNotFoundError:
            return ""
        except OSError as error:
            text = say(
                "{file} cannot be read: {why}. Move it away, and run the cell again.", file=self.file, why=error.strerror
            )
            raise CannotRead(text) from None

    def steps(self, at: int | None = None) -> dict[str, str]:
        """Return the steps that stand in it (as they count in lesson `at`), each with its text. Raises SyntaxError."""
        return {name: text for name, (_, _, text) in functions(self.text(at)).items() if name in all_steps()}

    def _as_in(self, lesson: int, text: str) -> str:
        """Return the program with the steps that were written in an earlier lesson in the place of later ones."""
        kept = [path for path in self._all_kept() if path <= self._kept(lesson)]
        found = {name: source for path in kept for name, (_, _, source) in functions(_text_of(path)).items()}
        for name, source in found.items():
            there = functions(text).get(name)
            if there and version(name, there[2]) > lesson:
                text = with_function(text, name, source, all_steps())
        return text

    def _all_kept(self) -> list[Path]:
        return sorted(self.history.glob("lesson-*.py"))

    def _kept(self, lesson: int) -> Path:
        return self.history / f"lesson-{lesson:02}.py"

    # --- writing

    def save(self, name: str, source: str, lesson: int | None = None) -> Saved:
        """Put a step's text into `my_runtime.py`: in the place of its earlier version, or at its place in the lessons' order.

        What a lesson later than `lesson` has written stays; the text is kept for that lesson then. Raises CannotSave when the
        disk says no; then the file is as it was.
        """

        def change(text: str) -> str:
            there = functions(text).get(name)
            if there and lesson and version(name, there[2]) > lesson:
                self._keep(lesson, lambda kept: with_function(kept, name, source, all_steps()))
                return text
            if lesson:
                self._keep(lesson, lambda kept: without_functions(kept, [name]))
            return with_ending(with_function(text or HEADER, name, source, all_steps()), ENDING)

        return self._edit(change)

    def _keep(self, lesson: int, change: Callable[[str], str]) -> None:
        """Change what is kept of a lesson beside `my_runtime.py`; one that Python cannot read is begun anew."""
        path = self._kept(lesson)
        before = _text_of(path) if path.exists() and _is_python(path) else ""
        if (after := change(before)) != before:
            atomic_write(path, after.encode(errors="surrogateescape"), durable=False)
            self.give_to_owner(path)

    def make_program(self) -> None:
        """Make sure that `my_runtime.py` exists and can be run as a program. Raises CannotSave."""
        self._edit(lambda text: with_ending(text or HEADER, ENDING))

    def remove(self, names: tuple[str, ...], lesson: int = 1) -> Saved:
        """Remove a lesson's steps, so that they are blanks again; an earlier lesson's versions come back."""
        with suppress(FileNotFoundError):
            self._kept(lesson).rename(self._kept(lesson).with_suffix(".old"))
        before = {name: earlier for name in names if (earlier := self._earlier(name, lesson))}

        def change(text: str) -> str:
            text = without_functions(text, [name for name in names if name not in before])
            for name, source in before.items():
                text = with_function(text, name, source, all_steps())
            return text

        return self._edit(change)

    def _earlier(self, name: str, lesson: int) -> str:
        """Return the last text of a step that was written before a lesson, empty if there is none."""
        kept = [path for path in self._all_kept() if path < self._kept(lesson)]
        for path in (*reversed(kept), *reversed(self.versions()), self.file):
            with suppress(OSError, SyntaxError, ValueError):
                text = functions(_text_of(path)).get(name, (0, 0, ""))[2]
                if text and version(name, text) < lesson:
                    return text
        return ""

    def _edit(self, change: Callable[[str], str]) -> Saved:
        try:
            with self.locked():
                base, remark = self._base()
                after = change(base)
                if after != self.text():
                    self._replace(after)
        except (OSError, InUse) as error:
            raise CannotSave(
                say(
                    "{file} could not be written: {why}. Nothing of it is lost; make room and run the cell again.",
                    file=self.file,
                    why=getattr(error, "strerror", error),
                )
            ) from error
        return Saved(remark)

    def _base(self) -> tuple[str, str]:
        """Return the text to build on: the file's, or the last version that Python can read."""
        text = self.text()
        versions = self.versions()
        readable = next((_text_of(old) for old in reversed(versions) if _is_python(old)), "")
        if not text and versions:
            return readable, say("{name} was gone: its last version has been taken back.", name=NAME)
        try:
            ast.parse(text)
        except (SyntaxError, ValueError) as error:
            return readable, say(
                "{name} could not be read (line {line}). It is kept as {kept}; your step stands in the last version that can.",
                name=NAME,
                line=getattr(error, "lineno", None) or "?",
                kept=f"{self.history.name}/{self._next_version().name}",
            )
        return text, ""

    def versions(self) -> list[Path]:
        """Return the versions that were replaced, the oldest first."""
        return sorted(self.history.glob("[0-9]*.py"))

    def locked(self) -> Lock:
        """Lock the folder. Raises InUse if another notebook holds it for too long."""
        self.history.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.history / "lock", os.O_CREAT | os.O_RDWR)
        return lock.acquire(timeout_seconds=LOCK_TIMEOUT_SECONDS, what=NAME, cure="restart that notebook")

    def _replace(self, text: str) -> None:
        """Write a new version beside the old one, keep the old one under its number, and let the new one take its place."""
        old = self._next_version()
        try:
            with PendingFile(self.directory) as pending:
                pending.file.write((text or HEADER).encode(errors="surrogateescape"))
                if self.file.exists():
                    shutil.copyfile(self.file, old)  # not a link: a folder shared with a virtual machine's host has none
                pending.commit(NAME)
        except OSError:
            with suppress(OSError):
                old.unlink()
            raise
        self.give_to_owner(self.file, self.history, *self.history.iterdir())

    def _next_version(self) -> Path:
        versions = self.versions()
        return self.history / f"{int(versions[-1].stem) + 1 if versions else 1:04}.py"

    # --- what has passed

    def passed(self, lesson: int = 1) -> set[str]:
        """Return the steps whose present text has passed its check in a lesson, or in a later one, which asks for more."""
        marks = self.progress.of("passed")
        with suppress(SyntaxError, ValueError):
            return {
                name
                for name, text in self.steps(lesson).items()
                for each in lessons_of(name)
                if each.number >= lesson and marks.get(entry(name, each.number)) == _digest(text)
            }
        return set()

    def note_passed(self, name: str, source: str, lesson: int) -> None:
        """Remember that this text of a step has passed the check of a lesson."""
        self.progress.note("passed", entry(name, lesson), _digest(source))

    def give_to_owner(self, *paths: Path) -> None:
        """Give files to the folder's owner: the lab runs as root, and the learner may be another user."""
        status = self.directory.stat()
        if os.geteuid() == 0 and status.st_uid:
            for path in paths:
                os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _digest(source: str) -> str:
    return hashlib.sha256(ast.dump(ast.parse(source)).encode()).hexdigest()


def _text_of(path: Path) -> str:
    """Read a file; bytes that are no UTF-8 are written back unchanged (surrogateescape)."""
    return path.read_text(encoding="utf-8", errors="surrogateescape")


def _is_python(path: Path) -> bool:
    try:
        ast.parse(_text_of(path))
    except (SyntaxError, ValueError):
        return False
    return True
