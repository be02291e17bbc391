"""Workers: each in a box, and what takes a process without threads runs in a copy of one."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import PROJECT

TESTS = """
import os, pathlib, pytest
pytestmark = pytest.mark.one_thread
def test_passes(tmp_path):
    assert len(os.listdir("/proc/self/task")) == 1
    assert len(str(tmp_path)) < 60
def test_fails(): assert 1 + 1 == 3
def test_is_skipped(): pytest.skip("for a reason")
def test_dies(): os._exit(3)
"""


def test_a_test_without_threads_is_reported_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-ra",
        "-q",
        "-p",
        "xdist.plugin",
        "-p",
        "tests.running",
        "-p",
        "no:cacheprovider",
    ]
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run([*command, "-n1"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed, 1 skipped" in done.stdout
    assert "FAILED test_it.py::test_fails - assert (1 + 1) == 3" in done.stdout
    assert "FAILED test_it.py::test_dies - its process ended with 3" in done.stdout
    assert ": for a reason" in done.stdout
