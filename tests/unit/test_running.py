"""Workers: each in a box, and what takes a process without threads runs in a copy of one."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.box import SHARED
from tests.conftest import PROJECT, needs_root

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


@pytest.fixture
def directory() -> Iterator[Path]:
    """One that a worker's box has, too."""
    needs_root()
    with tempfile.TemporaryDirectory(dir=os.environ[SHARED]) as made:
        yield Path(made)


def test_a_test_without_threads_is_reported_as_any_other(directory: Path) -> None:
    (directory / "test_it.py").write_text(TESTS)
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
    done = subprocess.run([*command, "-n1"], cwd=directory, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed, 1 skipped" in done.stdout
    assert "FAILED test_it.py::test_fails - assert (1 + 1) == 3" in done.stdout
    assert "FAILED test_it.py::test_dies - its process ended with 3" in done.stdout
    assert ": for a reason" in done.stdout
