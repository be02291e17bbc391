"""The notebook as a test, and as a reader meets it: in JupyterLab, in a browser."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.lab.copies import Change, copy, with_solutions
from labcore.lab.lessons import LESSONS
from labcore.lab.session import what_is_missing
from labcore.lab.workspace import Workspace
from tests.conftest import PROJECT, alone, needs, needs_root
from tests.threads import Started

LANGUAGES = {"en": "", "zh": "zh"}
LESSON_FILES = [lesson.file for lesson in LESSONS]
ARTEFACTS = PROJECT / "artefacts"
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
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax"]
    command += ["--nbval-sanitize-with", str(work / "sanitize"), str(work / lesson.name)]
    surroundings = environment(engine) | {"LABCORE_WORK": str(work)} | variables
    return subprocess.run(
        command, cwd=work, env=surroundings, capture_output=True, encoding="utf-8", errors="replace", timeout=200
    )


@pytest.mark.parametrize("form", ["blank", "filled"])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", LESSON_FILES)
def test_runs_under_nbval(file: str, language: str, form: str, engine: Engine, tmp_path: Path) -> None:
    """As committed; and filled in, where a check that does not pass is an error. Each in a workspace of its own."""
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
    wanted = next(lesson for lesson in LESSONS if lesson.number == 4)
    lesson = PROJECT / "notebooks/zh" / wanted.file
    if missing := requirements(lesson):
        pytest.skip(f"{wanted.file}: {missing[0]}")
    done = run_under_nbval(lesson, with_solutions, engine, tmp_path, {"LABCORE_LANG": "zh", "LABCORE_STRICT": "1"} | gbk)
    assert done.returncode == 0, done.stdout[-3000:]
    assert Workspace(tmp_path).passed() == {*wanted.steps, *wanted.challenges}


# --- JupyterLab itself


@pytest.fixture
def lab(engine: Engine, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """Start `labcore lab` and yield the URL and all that it printed; afterwards nothing of it may run."""
    needs_root()
    command = [
        sys.executable,
        "-m",
        "labcore",
        "lab",
        "--lessons",
        str(PROJECT / "notebooks"),
        "--work",
        str(tmp_path / "work"),
    ]
    options = {"env": environment(engine), "stdout": subprocess.PIPE, "text": True}
    with alone("jupyter") as port, Started(command, **options) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("http://"):
                break
        port.close()  # it was looked for, and is taken
        started = _descendants(process.pid)
        try:
            yield lines[-1], lines
        finally:
            started |= _descendants(process.pid)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    deadline = time.monotonic() + 10
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]


def _descendants(pid: int) -> set[int]:
    try:
        children = {
            int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        }
    except OSError:
        return set()
    return children.union(*map(_descendants, children))


def test_lab_says_what_it_does(lab: tuple[str, list[str]]) -> None:
    url, lines = lab
    assert re.fullmatch(r"container started in \d+\.\d ms; pid 1 inside, \d+ outside", lines[0])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/lab/tree/01_what_is_docker\.ipynb\?token=[0-9a-f]{32}", url)
    assert len(lines) <= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lessons_in_a_browser(lab: tuple[str, list[str]], language: str) -> None:
    """Run all cells in JupyterLab in Chromium: no error, no stderr, nothing too large, the widget answers."""
    needs("chromium")
    url, _ = lab
    ARTEFACTS.mkdir(exist_ok=True)
    script = str(Path(__file__).with_name("browse_lesson.py"))
    for lesson in LESSONS:
        address = url.replace(LESSON_FILES[0], str(Path(LANGUAGES[language], lesson.file)))
        name = f"lesson-{lesson.number:02}-{language}"
        command = [sys.executable, script, address, str(ARTEFACTS), name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (ARTEFACTS / f"{name}-00.png").stat().st_size > 20_000
