"""`my_runtime.py`: it grows in order, keeps every version, and survives what a learner does to it."""

import ast
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from labcore.lab.lessons import all_steps
from labcore.lab.solutions import source_of
from labcore.lab.workspace import HEADER, NAME, CannotRead, CannotSave, Workspace, default_workspace
from labcore.locks import Lock
from tests.conftest import PROJECT
from tests.threads import together


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_steps_stand_in_the_order_of_the_lessons(workspace: Workspace) -> None:
    for name in ("run", "hostname", "rootfs", "namespaces"):
        workspace.save(name, source_of(name))
    assert list(workspace.steps()) == ["hostname", "namespaces", "rootfs", "run"]
    assert workspace.text().startswith(HEADER)
    ast.parse(workspace.text())
    assert "\n\n\n\n" not in workspace.text()


def test_a_step_is_replaced_in_its_place_and_the_old_one_kept(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    workspace.save("run", "def run(argv):\n    return 2\n")
    with workspace.file.open("a") as file:
        file.write("\n\n# my own notes\nEXTRA = 3\n")
    workspace.save("hostname", "# why\n@staticmethod\ndef hostname(spec):\n    return [4]\n".partition("\n")[2])
    assert workspace.steps()["hostname"] == "@staticmethod\ndef hostname(spec):\n    return [4]\n"
    assert "# my own notes\nEXTRA = 3\n" in workspace.text()
    assert "return [1]" in workspace.versions()[-1].read_text()


def test_only_what_python_counts_as_lines_are_lines(workspace: Workspace) -> None:
    source = "def hostname(spec):\n    # one\u2028two\x0c\n    return ['a\x0cb']\n"
    workspace.save("hostname", source)
    workspace.save("run", "def run(argv):\n    return 2\n")
    workspace.save("hostname", source)
    assert workspace.steps()["hostname"] == source


def test_bytes_that_are_no_text_are_kept_as_they_are(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    strange = b"# \xc4\xe3\xba\xc3\n" + workspace.file.read_bytes()  # a comment in GBK
    workspace.file.write_bytes(strange)
    assert workspace.passed() == set()
    assert "could not be read" in workspace.save("run", "def run(argv):\n    return 2\n").remark
    assert workspace.versions()[-1].read_bytes() == strange


def test_saving_the_same_again_keeps_no_version(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    before = len(workspace.versions())
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    assert len(workspace.versions()) == before


def test_a_file_that_python_cannot_read_is_kept_and_built_around(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    broken = workspace.text() + "\ndef oops(:\n"
    workspace.file.write_text(broken)
    saved = workspace.save("run", "def run(argv):\n    return 2\n")
    assert "could not be read (line 21)" in saved.remark
    assert set(workspace.steps()) == {"run"}, "there was no readable version before the broken one, which is kept"
    kept = workspace.versions()[-1]
    assert kept.read_text() == broken
    assert f"{workspace.history.name}/{kept.name}" in saved.remark


def test_a_broken_file_is_built_on_the_last_readable_version(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    workspace.save("rootfs", "def rootfs(spec):\n    return []\n")
    workspace.file.write_text("def oops(:\n")
    workspace.save("run", "def run(argv):\n    return 2\n")
    assert {"hostname", "run"} <= set(workspace.steps())


def test_a_file_that_was_deleted_comes_back(workspace: Workspace) -> None:
    workspace.save("hostname", "def hostname(spec):\n    return [1]\n")
    workspace.save("rootfs", "def rootfs(spec):\n    return []\n")
    workspace.file.unlink()
    saved = workspace.save("run", "def run(argv):\n    return 2\n")
    assert "was gone" in saved.remark
    assert {"hostname", "run"} <= set(workspace.steps())


def test_steps_are_taken_out_again(workspace: Workspace) -> None:
    for name in all_steps():
        workspace.save(name, source_of(name))
    workspace.remove(("hostname", "read_only"))
    assert set(workspace.steps()) == set(all_steps()) - {"hostname", "read_only"}
    ast.parse(workspace.text())


def test_what_has_passed_is_forgotten_when_the_text_changes(workspace: Workspace) -> None:
    source = "def hostname(spec):\n    return [1]\n"
    workspace.save("hostname", source)
    workspace.note_passed("hostname", source, 1)
    assert workspace.passed() == {"hostname"}
    workspace.save("hostname", "def hostname(spec):\n    # a comment changes nothing\n    return [1]\n")
    assert workspace.passed() == {"hostname"}
    workspace.save("hostname", "def hostname(spec):\n    return [2]\n")
    assert workspace.passed() == set()


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotSave, match=f"{NAME} could not be written: Not a directory"):
        Workspace(tmp_path / "file").save("hostname", source_of("hostname"))


def test_a_notebook_that_does_not_let_go_of_the_folder_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.lab.workspace.LOCK_TIMEOUT_SECONDS", 0.1)
    work = Workspace(tmp_path)
    work.save("hostname", source_of("hostname"))
    with Lock(work.history / "lock").acquire(), pytest.raises(CannotSave, match=rf"{NAME} is in use.*: restart that notebook"):
        work.save("hostname", "def hostname(spec):\n    return []\n")
    assert work.steps()["hostname"] == source_of("hostname")


def test_a_directory_in_the_files_place_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    workspace = Workspace(tmp_path)
    for use in (workspace.steps, lambda: workspace.save("hostname", source_of("hostname")), workspace.make_program):
        with pytest.raises(CannotRead, match=f"{NAME} cannot be read: Is a directory. Move it away"):
            use()


SAVE_OFTEN = """
import sys
from pathlib import Path
from labcore.locks import Lock
from labcore.lab.workspace import Workspace
for number in range(30):
    Workspace(Path(sys.argv[1])).save(sys.argv[2], f"def {sys.argv[2]}(spec):\\n    return [{number}]\\n")
"""


def test_two_notebooks_at_once_lose_nothing(tmp_path: Path) -> None:
    words = [[sys.executable, "-c", SAVE_OFTEN, str(tmp_path), name] for name in ("hostname", "rootfs")]
    together(*(partial(subprocess.run, each, check=True, cwd=PROJECT) for each in words))
    steps = Workspace(tmp_path).steps()
    assert {name: text.split("[")[1] for name, text in steps.items()} == {"hostname": "29]\n", "rootfs": "29]\n"}


def test_the_folder_is_the_notebooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LABCORE_WORK", raising=False)
    (tmp_path / "zh").mkdir()
    monkeypatch.chdir(tmp_path / "zh")
    assert default_workspace().directory == tmp_path
    monkeypatch.chdir(tmp_path)
    assert default_workspace().directory == tmp_path
    monkeypatch.setenv("LABCORE_WORK", "/elsewhere")
    assert default_workspace().directory == Path("/elsewhere")


def test_what_has_passed_counts_for_its_lesson_and_for_those_before(workspace: Workspace) -> None:
    source = "def rootfs(spec):  # lesson 3\n    return [3]\n"
    workspace.save("rootfs", source)
    workspace.note_passed("rootfs", source, 1)
    assert workspace.passed(1) == {"rootfs"}
    assert workspace.passed(3) == set()
    workspace.note_passed("rootfs", source, 3)
    assert workspace.passed(3) == {"rootfs"}


def test_removing_a_later_lessons_steps_brings_the_earlier_ones_back(workspace: Workspace) -> None:
    old, new = "def rootfs(spec):\n    return [1]\n", "def rootfs(spec):  # lesson 3\n    return [3]\n"
    workspace.save("rootfs", old)
    workspace.save("rootfs", new)
    workspace.save("pull", "def pull(registry, repository, tag, store):\n    return {}\n")
    workspace.remove(("rootfs", "pull"), 3)
    assert workspace.steps() == {"rootfs": old}
    workspace.remove(("rootfs",), 1)
    assert workspace.steps() == {}
