"""Working copies of the lessons: the learner's, and solved ones to be shown to others."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from labcore.atomic import atomic_write
from labcore.errors import Unavailable
from labcore.lab.lessons import LESSONS, Lesson
from labcore.lab.messages import say
from labcore.lab.solutions import source_of

REFERENCE = "reference"  # the folder of one-page references, labcore.lab.references
LANGUAGE_FOLDERS = ("", "zh")
KEPT = ".my_runtime"
SOURCE = Path(__file__).parent.parent.parent / "notebooks"  # where the package is run from its source tree
LESSONS_HERE = SOURCE if SOURCE.is_dir() else Path("notebooks")

DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)  # the cell's own stays: it is in its language

Notebook = dict[str, Any]
Change = Callable[[Notebook], None]


def nearest_work() -> Path:
    """Return the folder of the learner's work: this one or one above it, if that holds a lesson; else `work` in this one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if folder.name != "notebooks" and any((folder / lesson.file).exists() for lesson in LESSONS):
            return folder.parent if folder.name == "zh" else folder
    return Path("work")


def working_copy(lessons: Path, work: Path) -> None:
    """Copy the lessons that are not in `work` yet, in both languages; what is there is the learner's, and stays.

    Raises Unavailable if there are no lessons in `lessons`.
    """
    for each in LESSONS:
        start(each, lessons, work)
    for page in sorted((lessons / REFERENCE).glob("*.md")):  # nobody writes in these: they are as new as labcore
        target = work / REFERENCE / page.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(page, target)
        _give(target.parent, target)


def start(lesson: Lesson, lessons: Path, work: Path) -> bool:
    """Copy one lesson, without its outputs; return whether anything was copied. Raises Unavailable if it is not there."""
    copied = False
    for source, target in _places(lesson, lessons, work):
        if not target.exists():
            copy(source, target, without_outputs)
            copied = True
    return copied


def renew(lesson: Lesson, lessons: Path, work: Path) -> None:
    """Replace the learner's copy by a fresh one; the old one is kept beside the versions of `my_runtime.py`."""
    kept = work / KEPT
    for source, target in _places(lesson, lessons, work):
        if target.exists():
            kept.mkdir(exist_ok=True)
            shutil.copy(target, kept / f"{target.stem}-{_next_number(kept, target.stem):02}.ipynb")
        copy(source, target, without_outputs)


def _next_number(kept: Path, stem: str) -> int:
    numbers = (path.stem.rpartition("-")[2] for path in kept.glob(f"{stem}-*.ipynb"))
    return max((int(number) for number in numbers if number.isdigit()), default=0) + 1


def _places(lesson: Lesson, lessons: Path, work: Path) -> Iterator[tuple[Path, Path]]:
    for folder in LANGUAGE_FOLDERS:
        source = lessons / folder / lesson.file
        if not source.exists():
            raise Unavailable(
                say("no lesson at {path}: run this where labcore's source is, with its notebooks beside it", path=source)
            )
        yield source, work / folder / lesson.file


def copy(source: Path, target: Path, change: Change) -> None:
    """Write a changed copy of a notebook; it belongs to whoever asked, also under sudo."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    change(notebook)
    made = [folder for folder in (target.parent, *target.parent.parents) if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(target, f"{json.dumps(notebook, ensure_ascii=False, indent=1)}\n".encode(), durable=False)
    _give(target, *made)


def _give(*paths: Path) -> None:
    """Give files to whoever asked, under sudo."""
    if "SUDO_UID" in os.environ:
        for path in paths:
            os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]), follow_symlinks=False)


def without_outputs(notebook: Notebook) -> None:
    """Take away all outputs: one is to guess before one looks."""
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def with_solutions(notebook: Notebook) -> None:
    """Fill in every exercise, as a learner would have it at the end."""
    for cell in notebook["cells"]:
        if "exercise" in cell["metadata"].get("tags", []):
            (step,) = re.findall(r"^def (\w+)", "".join(cell["source"]), re.MULTILINE)
            answer = source_of(step, notebook["metadata"]["labcore"]["lesson"]).rstrip()
            cell["source"] = "@lab.step\n" + answer.replace(
                DOCSTRING.findall(answer)[0], DOCSTRING.findall("".join(cell["source"]))[0]
            )


def prepared(lesson: Lesson, lessons: Path, directory: Path) -> None:
    """Copy a lesson into a directory, in both languages, with every exercise filled in and without outputs."""
    for folder in LANGUAGE_FOLDERS:
        copy(lessons / folder / lesson.file, directory / folder / lesson.file, _solved)


def _solved(notebook: Notebook) -> None:
    without_outputs(notebook)
    with_solutions(notebook)
    notebook["cells"] = [cell for cell in notebook["cells"] if not {"hint", "solution"} & {*cell["metadata"].get("tags", ())}]
