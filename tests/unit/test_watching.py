"""A run of tests ends, whatever they leave running, and says which test it was."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.threads import Started, running, together

IMPORTS = "import subprocess, threading, time\n"


def command(directory: Path, text: str) -> list[str]:
    (directory / "test_it.py").write_text(IMPORTS + text)
    return [sys.executable, "-m", "pytest", "-q", "-p", "tests.watching", "-p", "no:cacheprovider", "test_it.py"]


def options(directory: Path) -> dict[str, object]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return {"cwd": directory, "env": os.environ | {"PYTHONPATH": str(PROJECT)}, "text": True, **pipes}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("def test_a():\n    threading.Thread(target=threading.Event().wait).start()\n    assert False\n", "Thread-1"),
        ("def test_a():\n    subprocess.Popen(['sleep', '47'])\n", ""),
    ],
    ids=["thread", "process"],
)
def test_what_a_test_leaves_running_is_named_and_the_run_ends(tmp_path: Path, text: str, left: str) -> None:
    done = subprocess.run(command(tmp_path, text), timeout=240, **options(tmp_path))  # type: ignore[call-overload]
    assert done.returncode == 1, done.stdout
    assert "test_it.py::test_a has left running: " in done.stdout
    assert left in done.stdout


def test_at_the_time_limit_one_sees_where_it_stood(tmp_path: Path) -> None:
    text = "def test_b():\n    wait_for_ever = threading.Thread(target=threading.Event().wait)\n"
    text += "    wait_for_ever.start()\n    open('begun', 'w').close()\n    wait_for_ever.join()\n"
    with Started(command(tmp_path, text), **options(tmp_path)) as run:  # type: ignore[arg-type]
        while not (tmp_path / "begun").exists() and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGALRM)
        said = run.communicate(timeout=240)[0]
    assert run.returncode == 124, said
    assert "The time limit of the tests is over, in test_it.py::test_b (call)" in said
    assert said.count("File ") >= 2
    assert 'test_it.py", line 6 in test_b' in said


def test_threads_end_with_their_block() -> None:
    import threading

    stop = threading.Event()
    with pytest.raises(KeyError), running(stop.wait, stop=stop.set):
        raise KeyError
    with pytest.raises(ZeroDivisionError):
        together(lambda: 1 / 0)
    with pytest.raises(AssertionError, match=r"run on after 0\.1 s"):
        together(threading.Event().wait, seconds=0.1)


def test_a_process_does_not_outlive_a_block_that_fails() -> None:
    with pytest.raises(KeyError), Started(["sleep", "60"]) as process:
        raise KeyError
    assert process.returncode == -signal.SIGKILL
