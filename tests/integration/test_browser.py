"""The lessons as a reader meets them: in JupyterLab, in a browser. One server and one browser show them all.

Each in one language, for half of a run is the browser's; test_lessons.py runs the other as committed, and both filled in.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore import procfs
from labcore.engine import Engine
from labcore.lab.lessons import LESSONS, Lesson
from tests.conftest import PROJECT, alone, needs, needs_root
from tests.integration.test_lessons import IN_BROWSER, LANGUAGES, with_nginx
from tests.threads import Started

ARTEFACTS = PROJECT / "artefacts"


@pytest.fixture(scope="module")
def lab(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Start `labcore lab` and yield all that it printed, the URL last; afterwards nothing of it may run."""
    needs_root()
    work = tmp_path_factory.mktemp("lab") / "work"
    command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "lab"]
    command += ["--lessons", str(PROJECT / "notebooks"), "--work", str(work)]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    with alone("jupyter") as port, Started(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("http://"):
                break
        port.close()  # it was looked for, and is taken
        started = set(procfs.descendants(process.pid))
        try:
            yield lines
        finally:
            started |= set(procfs.descendants(process.pid))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    deadline = time.monotonic() + 60
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]


@pytest.fixture(scope="module")
def browser() -> "Iterator[subprocess.Popen[str]]":
    """Start a browser that is given lessons to visit, a line of JSON each."""
    needs("chromium")
    ARTEFACTS.mkdir(exist_ok=True)
    script = Path(__file__).with_name("browse_lessons.py")
    pipe = subprocess.PIPE
    with Started([sys.executable, str(script), str(ARTEFACTS)], stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


def test_lab_says_what_it_does(lab: list[str]) -> None:
    assert re.fullmatch(r"container started in \d+\.\d ms; pid 1 inside, \d+ outside", lab[0])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/lab/tree/01_what_is_docker\.ipynb\?token=[0-9a-f]{32}", lab[-1])
    assert len(lab) <= 5


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.slug)
def test_a_lesson_runs_in_a_browser(
    lab: list[str], browser: "subprocess.Popen[str]", lesson: Lesson, engine: Engine, request: pytest.FixtureRequest
) -> None:
    """Run all cells in JupyterLab in Chromium: no error, no stderr, nothing too large, the widget answers."""
    with_nginx(lesson.file, engine, request)
    assert browser.stdin is not None
    assert browser.stdout is not None
    language = IN_BROWSER[lesson.file]
    url = lab[-1].replace(LESSONS[0].file, str(Path(LANGUAGES[language], lesson.file)))
    name = f"lesson-{lesson.number:02}-{language}"
    browser.stdin.write(json.dumps({"url": url, "name": name}) + "\n")
    browser.stdin.flush()
    assert json.loads(browser.stdout.readline())["problems"] == []
    assert (ARTEFACTS / f"{name}-00.jpg").stat().st_size > 20_000
