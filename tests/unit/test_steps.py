"""Exercises: blanks are bound to the reference, answers to `my_runtime.py`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.errors import InvalidInput
from labcore.lab import lessons, program
from labcore.lab.lessons import LESSONS, Lesson
from labcore.lab.solutions import solution, source_of
from labcore.lab.steps import MODULE, fill_in, is_blank, is_reference, load, step
from labcore.lab.workspace import NAME, Workspace
from tests.conftest import PROJECT


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LABCORE_WORK", str(tmp_path))
    yield tmp_path
    sys.modules.pop(MODULE, None)


@pytest.mark.parametrize("body", ["    ...", '    """What it does."""\n    ...', "    pass", '    """Only words."""'])
def test_blanks(body: str) -> None:
    assert is_blank(f"def hostname(spec):\n{body}\n")


@pytest.mark.parametrize(
    "body", ["    return []", "    ...\n    return []", "    x = ...", '    """Words."""\n    raise Exception']
)
def test_answers(body: str) -> None:
    assert not is_blank(f"def hostname(spec):\n{body}\n")


def test_a_blank_is_bound_to_the_reference_and_says_so(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @step
    def hostname(spec):
        """Do it."""
        ...

    assert is_reference(hostname)
    assert "a blank" in capsys.readouterr().out
    assert not (workspace / NAME).exists()


def test_where_it_cannot_be_saved_an_answer_is_used_all_the_same(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / NAME).mkdir()

    @step
    def hostname(spec):
        return ["mine"]

    assert hostname(None) == ["mine"]
    assert capsys.readouterr().out.count("cannot be read: Is a directory") == 1


def test_an_answer_is_saved_and_lives_among_the_others(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @step
    def hostname(spec):
        return ["first"]

    @step
    def run(argv):
        return hostname(argv)

    earlier = run
    assert "saved in my_runtime.py" in capsys.readouterr().out
    assert earlier(None) == ["first"]

    @step
    def hostname(spec):
        return ["second"]

    assert earlier(None) == ["second"], "what was bound before meets the steps as they are now"
    assert "@step" not in (workspace / NAME).read_text()


def test_only_steps_are_steps() -> None:
    with pytest.raises(InvalidInput, match="nonesuch is no step: the steps are hostname"):

        @step
        def nonesuch() -> None: ...


def test_a_file_that_fails_when_run_does_not_stop_the_lesson(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workspace / NAME).write_text("1 / 0\n")

    @step
    def hostname(spec):
        """A blank."""
        ...

    assert is_reference(hostname)
    assert "cannot be run: division by zero" in capsys.readouterr().out


def test_references_meet_the_learners_steps() -> None:
    namespace: dict[str, Any] = {}
    fill_in(namespace)
    assert namespace["run"].__globals__ is namespace
    assert namespace["run"].__code__ is solution("run").__code__


def test_my_runtime_is_a_program_of_its_own(workspace: Path) -> None:
    """Outside of any notebook: imported, what is written is the learner's and what is not is the reference."""
    (workspace / NAME).write_text("")

    @step
    def hostname(spec):
        return ["mine"]

    script = "import my_runtime; print(my_runtime.hostname(None), my_runtime.run.__module__, my_runtime.rootfs.__doc__)"
    command = [sys.executable, "-c", script]
    environment = {"PYTHONPATH": f"{workspace}:{PROJECT}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("['mine'] ")
    assert "/proc" in done.stdout


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_solutions_fit_their_blanks(lesson: Lesson) -> None:
    """At most 12 lines in a blank, and the solution has the blank's signature."""
    source = (PROJECT / "notebooks/src" / lesson.file).with_suffix(".py").read_text()
    for name in lesson.steps + lesson.challenges:
        text = source_of(name, lesson.number)
        assert text.partition("\n")[0] in source
        assert 1 <= len(text.splitlines()) - 2 <= 12


# --- a step that a later lesson writes anew

OLD = "def rootfs(spec):\n    return ['old']\n"
NEW = "def rootfs(spec):  # lesson 3\n    return ['new']\n"


@pytest.fixture(params=[1, 3])
def begun(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(lessons, "_BEGUN", [request.param])
    return int(request.param)


def test_the_later_lesson_is_marked_in_the_file(workspace: Path, begun: int) -> None:
    @step
    def rootfs(spec):
        return ["mine"]

    assert ("def rootfs(spec):  # lesson 3\n" in (workspace / NAME).read_text()) == (begun == 3)
    assert rootfs(None) == ["mine"]


def test_what_an_earlier_lesson_wrote_does_not_stand_for_a_later_one(
    workspace: Path, begun: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Workspace(workspace).save("rootfs", OLD)

    @step
    def rootfs(spec):
        """A blank."""
        ...

    said = capsys.readouterr().out
    if begun == 1:
        assert rootfs(None) == ["old"]
        assert "what you saved earlier" in said
    else:
        assert is_reference(rootfs)
        assert "not yours of lesson 1" in said
    assert "'old'" in (workspace / NAME).read_text(), "nothing of the learner's is thrown away"


def test_what_is_edited_in_an_earlier_lesson_counts_there_and_later_ones_keep_theirs(
    workspace: Path, begun: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Workspace(workspace).save("rootfs", NEW)

    @step
    def rootfs(spec):
        return ["of today"]

    assert rootfs(None) == ["of today"]
    said = capsys.readouterr().out
    assert ("saved for lesson 1. Later lessons use what you wrote in lesson 3" in said) == (begun == 1)
    assert ("'new'" in (workspace / NAME).read_text()) == (begun == 1)
    assert "of today" in Workspace(workspace).steps(begun)["rootfs"]
    monkeypatch.setattr(lessons, "_BEGUN", [3])
    assert load(Workspace(workspace)).rootfs(None) == (["new"] if begun == 1 else ["of today"])
    monkeypatch.setattr(lessons, "_BEGUN", [1])
    assert load(Workspace(workspace)).rootfs(None) == ["of today"], "after a restart, too"


def test_a_step_that_a_later_lesson_writes_anew_says_so(
    workspace: Path, begun: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @step
    def rootfs(spec):
        return ["mine"]

    following = {1: 3, 3: 4}[begun]
    assert f"From lesson {following} on, which writes it anew" in capsys.readouterr().out


def test_a_lessons_own_version_goes_when_the_lesson_is_begun_anew(workspace: Path) -> None:
    mine = Workspace(workspace)
    mine.save("rootfs", NEW)
    mine.save("rootfs", OLD, 1)
    assert "'old'" in mine.steps(1)["rootfs"]
    assert "'new'" in mine.steps(3)["rootfs"]
    mine.remove(("rootfs",), 3)
    assert "'old'" in mine.steps()["rootfs"], "the earlier lesson's version comes back"
    mine.remove(("rootfs",), 1)
    assert "rootfs" not in mine.steps(1)
    assert list(mine.history.glob("lesson-01.old")), "nothing of the learner's is thrown away"


@pytest.mark.parametrize(
    ("source", "first"),
    [
        ("def rootfs(spec):\n    return []\n", "def rootfs(spec):  # lesson 3\n"),
        ("def rootfs(spec): return []\n", "def rootfs(spec): return []  # lesson 3\n"),
        ("def rootfs(spec):  # lesson 3\n    return []\n", "def rootfs(spec):  # lesson 3\n"),
        ("def rootfs(spec):  # mine\n    return []\n", "def rootfs(spec):  # mine  # lesson 3\n"),
        ('def rootfs(spec, more="""\n"""):\n    return []\n', 'def rootfs(spec, more="""\n'),
    ],
)
def test_a_mark_changes_nothing_else(source: str, first: str) -> None:
    text = program.marked("rootfs", source, 3)
    assert text.startswith(first)
    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(source))
    assert program.marked("rootfs", text, 1).startswith(source.partition("\n")[0].removesuffix("  # lesson 3"))
    if "# lesson" in first:
        assert program.version("rootfs", text) == 3
