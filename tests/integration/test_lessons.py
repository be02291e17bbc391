"""The notebook as a test, and as a reader meets it: in JupyterLab, in a browser."""

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

from labcore.engine import Engine
from tests.conftest import PROJECT, needs, needs_root

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
ARTEFACTS = PROJECT / "artefacts"


def environment(engine: Engine) -> dict[str, str]:
    return os.environ | {"LABCORE_ROOT": str(engine.root), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_under_nbval(notebook: Path, engine: Engine, tmp_path: Path) -> None:
    needs_root()
    copy = tmp_path / notebook.name
    copy.write_bytes(notebook.read_bytes())
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", str(copy)]
    done = subprocess.run(command, cwd=tmp_path, env=environment(engine), capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_as_it_should_be(notebook: Path) -> None:
    cells = json.loads(notebook.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    in_a_row = 0
    for cell in cells:
        in_a_row = in_a_row + 1 if cell["cell_type"] == "code" else 0
        assert in_a_row <= 3
        assert len("".join(cell["source"]).splitlines()) <= 20 or cell["cell_type"] != "code"
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"
            assert len("".join(output.get("text", [])).splitlines()) <= 40
    assert notebook.stat().st_size < 1 << 20
    assert not re.search(r"labcore\.[\w.]*\b_\w", notebook.read_text())


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
    with subprocess.Popen(command, env=environment(engine), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("http://"):
                break
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


def test_the_lesson_in_a_browser(lab: tuple[str, list[str]]) -> None:
    """Run all cells in JupyterLab in Chromium: no error, no stderr, the waterfall drawn. In a process of its own."""
    needs("chromium")
    url, _ = lab
    ARTEFACTS.mkdir(exist_ok=True)
    script = str(Path(__file__).with_name("browse_lesson.py"))
    done = subprocess.run([sys.executable, script, url, str(ARTEFACTS)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (ARTEFACTS / "lesson-01-top.png").stat().st_size > 20_000
