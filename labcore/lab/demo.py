"""A lesson to be shown to others: solved, its images made and warm, in large type."""

from pathlib import Path

from labcore.lab.copies import LANGUAGE_FOLDERS, Notebook, copy, with_solutions, without_outputs
from labcore.lab.lessons import Lesson

# JupyterLab's own names for the sizes of its type; a room's last row reads these.
LARGE_TYPE = {"overrides": {"code-font-size": "20px", "content-font-size1": "22px", "ui-font-size1": "16px"}}


def prepared(lesson: Lesson, lessons: Path, directory: Path) -> None:
    """Put a lesson into a directory, in both languages, every exercise filled in and nothing run yet."""
    for folder in LANGUAGE_FOLDERS:
        copy(lessons / folder / lesson.file, directory / folder / lesson.file, _solved)


def _solved(notebook: Notebook) -> None:
    without_outputs(notebook)
    with_solutions(notebook)
    notebook["cells"] = [cell for cell in notebook["cells"] if "solution" not in cell["metadata"].get("tags", [])]
