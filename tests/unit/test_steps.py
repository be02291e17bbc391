"""Exercises: blanks are bound to the reference, answers to `my_runtime.py`."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.errors import InvalidInput
from labcore.lab.solutions import solution, source_of
from labcore.lab.steps import MODULE, fill_in, is_blank, is_reference, step
from labcore.lab.workspace import NAME
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


def test_solutions_fit_their_blanks() -> None:
    """At most 12 lines in a blank, and the solution has the blank's signature."""
    source = (PROJECT / "notebooks/src/01_what_is_docker.py").read_text()
    for name in ("hostname", "namespaces", "rootfs", "run", "outside_pid", "read_only"):
        text = source_of(name)
        assert text.partition("\n")[0] in source
        assert 1 <= len(text.splitlines()) - 2 <= 12
