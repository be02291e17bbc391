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


def command(directory: Path, *texts: str) -> list[str]:
    for number, text in enumerate(texts, 1):
        (directory / f"test_it{number}.py").write_text(IMPORTS + text)
    return [sys.executable, "-m", "pytest", "-q", "-p", "tests.watching", "-p", "no:cacheprovider"]


def options(directory: Path) -> dict[str, object]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    environment = os.environ | {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return {"cwd": directory, "env": environment, "text": True, **pipes}


def at_its_time_limit(directory: Path, command: list[str], begun: int) -> str:
    """Run a command, tell it that its time is up when so many tests have failed and begun, and return what it says."""
    with Started(command, **options(directory)) as run:  # type: ignore[arg-type]
        said = ""
        while said.count("F") < begun and (piece := run.stdout.read(1)):
            said += piece
        while len(list(directory.glob("begun*"))) < begun and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGALRM)
        said += run.communicate(timeout=240)[0]
    assert run.returncode == 124, said
    return said


STUCK = """
def test_a():
    assert 1 + 1 == 3


def test_b():
    wait_for_ever = threading.Thread(target=threading.Event().wait)
    wait_for_ever.start()
    open('begunNUMBER', 'w').close()
    wait_for_ever.join()
"""


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
    assert "test_it1.py::test_a has left running: " in done.stdout
    assert left in done.stdout


def test_at_the_time_limit_one_sees_where_it_stood_and_what_has_failed(tmp_path: Path) -> None:
    said = at_its_time_limit(tmp_path, command(tmp_path, STUCK), begun=1)
    assert "The time limit of the tests is over, in test_it1.py::test_b (call)" in said
    assert said.count("File ") >= 2
    assert 'test_it1.py", line 11 in test_b' in said
    assert "FAILED test_it1.py::test_a" in said


def test_at_the_time_limit_one_sees_where_each_worker_stood(tmp_path: Path) -> None:
    parallel = ["-p", "xdist.plugin", "-n2", "--dist=loadfile"]
    texts = [STUCK.replace("NUMBER", str(number)) for number in (1, 2)]
    said = at_its_time_limit(tmp_path, [*command(tmp_path, *texts), *parallel], begun=2)
    for name in ("test_it1.py", "test_it2.py"):
        assert f"The time limit of the tests is over, in {name}::test_b (call)" in said
        assert f'{name}", line 11 in test_b' in said
        assert f"FAILED {name}::test_a" in said


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
