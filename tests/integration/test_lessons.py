"""The notebooks as tests: as they are committed, and filled in.

As committed each runs in both languages, in one of them in a browser (test_browser.py). Filled in it runs once, as an ordinary
user (test_rootless.py), but for what needs root: the code is the same in both languages, and what differs are texts.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab.copies import Change, copy, with_solutions
from labcore.lab.lessons import LESSONS
from labcore.lab.session import what_is_missing
from labcore.lab.stores import copy_image
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT

LANGUAGES = {"en": "", "zh": "zh"}
LIMITLESS = [lesson for lesson in LESSONS if "limits" not in lesson.requires]  # limits are the machine's root's to set
# Chosen so that nbval, which alone compares outputs, has each lesson in both languages.
IN_BROWSER = {lesson.file: "zh" if lesson in LIMITLESS else "en" for lesson in LESSONS}
WITH_GBK = "04_installing_and_using.ipynb"
WITH_NGINX = "10_"
WITH_IMAGES = "03_image_container_repository.ipynb"  # what root's layers are is not what an ordinary user's are
FILLED_AS_ROOT = [lesson.file for lesson in LESSONS if lesson not in LIMITLESS or lesson.file == WITH_IMAGES]
RUNS = [
    *((file, "en" if language == "zh" else "zh", "blank") for file, language in IN_BROWSER.items()),
    *((file, "zh", "filled") for file in FILLED_AS_ROOT),
]
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


def run_under_nbval(
    lesson: Path, change: Change, engine: Engine, work: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a changed copy of a lesson in a workspace, its marked outputs compared."""
    copy(lesson, work / lesson.name, change)
    (work / "sanitize").write_text(SANITIZE)
    # Of all plugins nbval alone: the others take as long to import as a kernel.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "nbval.plugin", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["--nbval-sanitize-with", str(work / "sanitize"), str(work / lesson.name)]
    alone = {"LABCORE_WORK": str(work), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    surroundings = environment(engine) | alone | variables
    return subprocess.run(
        command, cwd=work, env=surroundings, capture_output=True, encoding="utf-8", errors="replace", timeout=900
    )


def with_nginx(file: str, engine: Engine, request: pytest.FixtureRequest) -> None:
    """Have the image in an engine that lesson 10 begins with, if it is to run: it fetches packages else."""
    if file.startswith(WITH_NGINX) and "nginx:latest" not in engine.images.names():
        copy_image(request.getfixturevalue("stocked").images, engine.images, "nginx")


@pytest.mark.parametrize(("file", "language", "form"), RUNS)
def test_runs_under_nbval(
    file: str, language: str, form: str, engine: Engine, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """As committed; and filled in, where a check that does not pass is an error. Each in a workspace of its own."""
    with_nginx(file, engine, request)
    lesson = PROJECT / "notebooks" / LANGUAGES[language] / file
    if missing := requirements(lesson):
        pytest.skip(f"{file}: {missing[0]}")
    variables = {"LABCORE_LANG": language} | ({"LABCORE_STRICT": "1"} if form == "filled" else {})
    done = run_under_nbval(lesson, with_solutions if form == "filled" else lambda notebook: None, engine, tmp_path, variables)
    assert done.returncode == 0, done.stdout[-3000:]
    if form == "filled":
        wanted = next(lesson for lesson in LESSONS if lesson.file == file)
        assert Workspace(tmp_path).passed() == {*wanted.steps, *wanted.challenges}


@pytest.fixture
def gbk(tmp_path: Path) -> dict[str, str]:
    """Make the locale zh_CN.GBK, which readers of the Chinese edition have; its encoding is not UTF-8."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/zh_CN").exists():
        pytest.skip("needs localedef and its sources (locales)")
    subprocess.run(["localedef", "-i", "zh_CN", "-f", "GBK", tmp_path / "zh_CN.GBK"], check=True, capture_output=True)
    return {"LOCPATH": str(tmp_path), "LC_ALL": "zh_CN.GBK"}


def test_runs_where_the_encoding_is_not_utf_8(engine: Engine, gbk: dict[str, str], tmp_path: Path) -> None:
    """Lesson 4, filled in: it writes `my_runtime.py`, runs it as a program, and asks the doctor."""
    wanted = next(lesson for lesson in LESSONS if lesson.file == WITH_GBK)
    lesson = PROJECT / "notebooks/zh" / wanted.file
    if missing := requirements(lesson):
        pytest.skip(f"{wanted.file}: {missing[0]}")
    done = run_under_nbval(lesson, with_solutions, engine, tmp_path, {"LABCORE_LANG": "zh", "LABCORE_STRICT": "1"} | gbk)
    assert done.returncode == 0, done.stdout[-3000:]
    assert Workspace(tmp_path).passed() == {*wanted.steps, *wanted.challenges}
