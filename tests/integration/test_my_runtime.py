"""`python my_runtime.py run IMAGE PROGRAM…`, whichever lessons have been done; and what lesson 4 shows."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore import lab
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.lab import new_store, riddle
from labcore.lab.lessons import LESSONS, lesson
from labcore.lab.program import marked
from labcore.lab.solutions import source_of
from labcore.lab.workspace import Workspace
from labcore.native import CloneFlag, MountFlag
from labcore.runtime import Plan, ops
from tests.conftest import needs_root

pytestmark = pytest.mark.usefixtures("nothing_left")
NUMBERS = [each.number for each in LESSONS]
ORDERS = [[], *([number] for number in NUMBERS), NUMBERS, [*reversed(NUMBERS)], [4, 1], [1, 4]]


@pytest.fixture(autouse=True)
def _root() -> None:
    needs_root()


@pytest.fixture
def state(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Have busybox in the lesson's store."""
    monkeypatch.setenv("LABCORE_ROOT", str(engine.root))
    new_store("busybox")
    return os.environ | {"LABCORE_ROOT": str(engine.root)}


def solved(directory: Path, numbers: list[int]) -> Workspace:
    """Do these lessons, one after the other, as far as an earlier text does not do it already."""
    workspace = Workspace(directory)
    done: dict[str, int] = {}
    for number in numbers:
        for step in lesson(number).steps:
            if number > done.get(step, 0):
                workspace.save(step, marked(step, source_of(step, number), number))
                done[step] = number
    workspace.make_program()
    return workspace


def run(workspace: Workspace, environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(workspace.file), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("numbers", ORDERS, ids=str)
def test_it_is_a_command_whatever_was_done(numbers: list[int], state: dict[str, str], tmp_path: Path) -> None:
    script = "hostname; test -c /dev/null && echo lost > /dev/null; exit 7"
    done = run(solved(tmp_path, numbers), state, "run", "busybox", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (7, "box\n"), done.stderr


def test_what_it_does_stays_last_and_is_there_once(state: dict[str, str], tmp_path: Path) -> None:
    workspace = solved(tmp_path, NUMBERS)
    workspace.save("machine_of", source_of("machine_of"))
    text = workspace.text()
    assert text.count("__main__") == 1
    assert text.endswith("    run_as_program(globals())\n")
    workspace.file.write_text(text.replace("run_as_program(globals())", "print('mine')"))
    workspace.save("machine_of", source_of("machine_of"))
    assert run(workspace, state).stdout == "mine\n", "an ending of the learner's own is left as it is"


def test_what_cannot_be_is_one_line(state: dict[str, str], tmp_path: Path) -> None:
    workspace = solved(tmp_path, [])
    for words, said in (((), "usage: "), (("run", "nonesuch", "true"), "nonesuch"), (("run", "busybox", "nowhere"), "nowhere")):
        done = run(workspace, state, *words)
        assert done.returncode not in (0, None)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_a_riddle_folds_its_answer_away() -> None:
    private = ops.Mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
    shown = riddle(Plan([ops.Clone(CloneFlag.NEWNS), private, ops.Mount("tmpfs", "/menu", "tmpfs")]))
    assert errno.errorcode[errno.ENOENT] in shown.said
    assert shown.failed == 2
    head, _, answer = shown._repr_html_().partition("<details>")
    assert shown.cause not in head
    assert shown.cause in answer
    assert "✗  2  mount" in repr(shown)
    with pytest.raises(InvalidInput, match="does not fail"):
        riddle(Plan([ops.Clone()]))


def test_the_doctors_table() -> None:
    found = lab.doctor()
    assert {"kernel", "overlayfs", "cgroups"} <= {each.name for each in found.findings}
    assert "<td" in found._repr_html_()
    assert len(repr(found).splitlines()) == len(found.findings)


def test_a_program_for_another_machine(state: dict[str, str]) -> None:
    foreign = lab.foreign_program()
    with lab.expect(errno.ENOEXEC):
        lab.show(Plan([ops.Clone(), ops.Execve((foreign,), (), (foreign,))]))
