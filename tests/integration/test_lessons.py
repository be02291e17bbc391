"""The notebooks as tests: as they are committed, and filled in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab.copies import copy, with_solutions
from labcore.lab.lessons import LESSONS
from labcore.lab.session import what_is_missing
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT

LANGUAGES = {"en": "", "zh": "zh"}
SANITIZE = """
[numbers]
regex: \\d+
replace: N
"""


def environment(engine: Engine) -> dict[str, str]:
    return os.environ | {"LABCORE_ROOT": str(engine.root), "PYTHONDONTWRITEBYTECODE": "1"}


def requirements(path: Path) -> list[str]:
    """Return what this machine lacks of that which a lesson names in its metadata."""
    needed = json.loads(path.read_text())["metadata"]["labcore"]["requires"]
    return what_is_missing(tuple(needed))


@pytest.mark.parametrize("form", ["blank", "filled"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", [lesson.file for lesson in LESSONS])
def test_runs_under_nbval(file: str, language: str, form: str, engine: Engine, tmp_path: Path) -> None:
    """As committed; and filled in, where a check that does not pass is an error. Each in a workspace of its own."""
    lesson = PROJECT / "notebooks" / LANGUAGES[language] / file
    if missing := requirements(lesson):
        pytest.skip(f"{file}: {missing[0]}")
    copy(lesson, tmp_path / file, with_solutions if form == "filled" else lambda notebook: None)
    (tmp_path / "sanitize").write_text(SANITIZE)
    strict = {"LABCORE_STRICT": "1"} if form == "filled" else {}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["--nbval-sanitize-with", str(tmp_path / "sanitize"), str(tmp_path / file)]
    variables = environment(engine) | {"LABCORE_WORK": str(tmp_path), "LABCORE_LANG": language} | strict
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-3000:]
    if form == "filled":
        wanted = next(lesson for lesson in LESSONS if lesson.file == file)
        assert Workspace(tmp_path).passed() == {*wanted.steps, *wanted.challenges}
