"""One-page references: made from the code, committed as it makes them, and shown by `?`."""

import inspect
from pathlib import Path

import pytest

from labcore import lab
from labcore.errors import InvalidInput
from labcore.lab.copies import working_copy
from labcore.lab.lessons import LESSONS
from labcore.lab.references import MODULES, REFERENCE, reference, write_references
from labcore.record import Record
from labcore.runtime import ops
from tests.conftest import PROJECT

NOTEBOOKS = PROJECT / "notebooks"


@pytest.mark.parametrize("what", MODULES)
def test_what_is_committed_is_what_the_code_makes(what: str, tmp_path: Path) -> None:
    write_references(tmp_path)
    page = f"{REFERENCE}/{what}.md"
    assert (tmp_path / page).read_text() == (NOTEBOOKS / page).read_text(), "run tools/notebooks.py and commit what it makes"


def test_each_op_stands_in_it_with_its_arguments() -> None:
    text = "\n".join(reference("ops").lines())
    assert (
        "| `ops.Mount(source, target, fstype=None, flags=0, data=None)` | Attach a file system or change a mount: mount(2). |"
        in text
    )
    for name, value in vars(ops).items():
        if inspect.isclass(value) and issubclass(value, ops.Op):
            assert f"`ops.{name}(" in text


@pytest.mark.parametrize("what", MODULES)
def test_each_row_is_short_and_whole(what: str) -> None:
    rows = [line for line in reference(what).lines() if line.startswith("| `")]
    assert len(rows) > 20
    assert all(line.count(" | ") == 1 and "`" in line and "None |" not in line for line in rows)
    assert max(map(len, rows)) < 1200


def test_in_a_notebook_it_is_shown_as_markdown() -> None:
    assert lab.reference("spec")._repr_markdown_().startswith("# `spec`\n")
    with pytest.raises(InvalidInput, match="no reference of nonesuch; there are: ops, spec, lab"):
        lab.reference("nonesuch")


def test_a_records_arguments_are_shown_by_its_signature() -> None:
    class Pair(Record):
        """Two of them."""

        left: int
        right: str = "r"

    assert str(inspect.signature(Pair)) == "(left, right='r')"


@pytest.mark.parametrize("folder", ["", "zh"])
def test_each_lesson_links_to_them_in_the_working_copy_too(folder: str, tmp_path: Path) -> None:
    working_copy(NOTEBOOKS, tmp_path)
    for lesson in LESSONS:
        text = (tmp_path / folder / lesson.file).read_text()
        for what in MODULES:
            link = f"{'../' if folder else ''}{REFERENCE}/{what}.md"
            assert f"[{what}]({link})" in text
            assert (tmp_path / folder / link).is_file()
