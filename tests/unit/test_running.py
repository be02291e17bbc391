"""Workers: each in a box, and what takes a process without threads runs in a copy of one."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import cpu_time, running
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
    done = run_tests(directory, "-n1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed, 1 skipped" in done.stdout
    assert "FAILED test_it.py::test_fails - assert (1 + 1) == 3" in done.stdout
    assert "FAILED test_it.py::test_dies - its process ended with 3" in done.stdout
    assert ": for a reason" in done.stdout


def run_tests(directory: Path, *options: str, project: Path = PROJECT) -> "subprocess.CompletedProcess[str]":
    """Run pytest in a directory, with the project's way to run tests."""
    plugins = ["-p", "xdist.plugin", "-p", "tests.running", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-ra", "-q", *plugins, *options]
    environment = os.environ | {"PYTHONPATH": f"{project}:{PROJECT}", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120)


def test_each_worker_compiles_its_share_of_the_tests_first(directory: Path) -> None:
    """And what cannot be imported is an error of that file alone."""
    (directory / "tests").mkdir()
    for name in ("__init__.py", "box.py", "running.py"):
        shutil.copy(PROJECT / "tests" / name, directory / "tests")
    note = f"import os\nopen('{directory}/' + os.environ['PYTEST_XDIST_WORKER'], 'a').write(__name__[-1])\n"
    for name in "abcd":
        (directory / f"tests/test_{name}.py").write_text(f"{note}def test_it(): assert {name != 'd'}\n")
    (directory / "tests/test_e.py").write_text("1 / 0\n")
    done = run_tests(directory, "-n2", "tests", project=directory)
    assert "ERROR tests/test_e.py - ZeroDivisionError" in done.stdout, done.stdout + done.stderr
    assert (directory / "gw0").read_text() == "acbd"
    assert (directory / "gw1").read_text() == "bdac"
    assert {path.name.split(".")[0] for path in (directory / "tests/__pycache__").glob("*pytest*")} == {
        f"test_{name}" for name in "abcde"
    }


def test_the_files_that_took_most_cpu_time_are_listed(directory: Path) -> None:
    """Also what a process has taken that nobody waited for."""
    if cpu_time.cpu_seconds() is None:
        pytest.skip("needs a cgroup of the box's own")
    burn = "import time; open('begun', 'w')\nwhile time.process_time() < 0.6: pass\nopen('done', 'w')"
    (directory / "test_idle.py").write_text("def test_it(): pass\n")
    (directory / "test_busy.py").write_text(
        "import os, subprocess, sys, time\ndef test_it():\n"
        f"    process = subprocess.Popen([sys.executable, '-c', {burn!r}], start_new_session=True)\n"
        "    while not os.path.exists('done'): time.sleep(0.05)\n"
    )
    done = run_tests(directory, "-n1", "-p", "tests.cpu_time")
    listed = done.stdout.partition("most CPU time")[2].splitlines()
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    seconds = {line.split()[-1]: float(line.split()[0]) for line in listed if line.endswith(".py") and "CPU" not in line}
    assert seconds["test_busy.py"] >= 0.6
    assert seconds["test_idle.py"] < 0.6


class Item:
    def __init__(self, nodeid: str) -> None:
        self.nodeid = nodeid


def test_the_longest_come_first_and_what_is_divided_last() -> None:
    names = [running.DIVIDED[0], "tests/unit/test_tar.py", running.LONGEST[4], running.LONGEST[1]]
    items = [Item(f"{name}::test") for name in names] + [Item(running.LONGEST[0])]
    running.pytest_collection_modifyitems(items)  # type: ignore[arg-type]
    in_order = [running.LONGEST[0], running.LONGEST[1], running.LONGEST[4], "tests/unit/test_tar.py", running.DIVIDED[0]]
    assert [item.nodeid.removesuffix("::test") for item in items] == in_order


@pytest.mark.parametrize("name", [*running.LONGEST, *running.DIVIDED])
def test_what_has_a_place_of_its_own_is_there(name: str) -> None:
    file, _, test = name.partition("::")
    assert f"def {test}" in (PROJECT / file).read_text()


@pytest.mark.parametrize("name", running.DIVIDED)
def test_what_is_divided_makes_nothing_for_the_whole_file(name: str) -> None:
    assert not re.search(r"scope=|setup_module", (PROJECT / name).read_text())
