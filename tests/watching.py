"""A run of the tests comes to its end: what a test leaves running fails that test, and at a time limit one sees where it stood.

`make test` sends SIGALRM when its time is up (timeout(1)), and whoever has workers (pytest-xdist) sends it on to them. No
thread does it from in here: there are tests of what only a process without threads may do.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

EXIT_TIMEOUT_SECONDS = 20.0  # seconds that threads and processes have to end after their test
TIMED_OUT = 124  # timeout(1)'s own exit status
_ENDING: list[int] = []  # the status of the run, once it is known
_STDERR: list[int] = []
_CONFIG: list[pytest.Config] = []
_OF_WIDER_FIXTURES: set[threading.Thread | int] = set()


@pytest.fixture(autouse=True)
def nothing_runs_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test after which a thread, or a process that this one has started, lives on; those of wider fixtures may."""
    before = _running()
    yield
    deadline = time.monotonic() + (0 if _ENDING else EXIT_TIMEOUT_SECONDS)  # at the time limit nothing more is waited for
    while (left := _running() - before - _OF_WIDER_FIXTURES) and time.monotonic() < deadline:
        time.sleep(0.05)
    for child in left:
        if isinstance(child, int):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    assert not left, f"{request.node.nodeid} has left running: {', '.join(map(str, left))}"


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef: "pytest.FixtureDef[object]") -> Iterator[None]:
    """Remember what fixtures of more than one test start: a test may be the first that asks for them, in its middle."""
    before = _running() if fixturedef.scope != "function" else set()
    yield
    if fixturedef.scope != "function":
        _OF_WIDER_FIXTURES.update(_running() - before)


def _running() -> set[threading.Thread | int]:
    return {*_threads(), *_children()}


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread is not threading.main_thread() and not thread.daemon]


def _children() -> list[int]:
    """Return the processes that this one has started, in whichever thread, and that have not ended."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return [pid for pid in found if is_running(pid)]


def is_running(pid: int) -> bool:
    """Return whether a process lives; one that nobody has reaped yet does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def pytest_configure(config: pytest.Config) -> None:
    """Have the time limit heard; what is said then goes where it can be seen, and no output is captured yet.

    And Ctrl-C: a shell has what it starts in the background ignore that, and tests send it to programs that they start.
    """
    _STDERR[:] = _STDERR or [os.dup(2)]
    _CONFIG[:] = [config]
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _time_is_up(number: int, frame: FrameType | None) -> None:
    """Say which test this is, and what each thread is doing, or have the workers say it; then end the run, with its summary."""
    _ENDING[:] = [TIMED_OUT]
    if _CONFIG[0].pluginmanager.has_plugin("dsession"):  # pytest-xdist's, where tests are given to workers
        os.write(_STDERR[0], b"\nThe time limit of the tests is over, and this is where each worker stands:\n")
        for worker in _children():
            os.kill(worker, signal.SIGALRM)
    else:
        where = os.environ.get("PYTEST_CURRENT_TEST", "no test")
        os.write(_STDERR[0], f"\nThe time limit of the tests is over, in {where}\n".encode())
        faulthandler.dump_traceback(_STDERR[0], all_threads=True)
    pytest.exit("the time limit of the tests is over", pytest.ExitCode.INTERRUPTED)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Remember how the run has ended. At the time limit it has its summary, though what is broken off does not end well."""
    try:
        yield
    except Exception:
        if not _ENDING:
            raise
        traceback.print_exc()
    _ENDING[:] = _ENDING or [int(session.exitstatus)]
    session.exitstatus = _ENDING[0]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End even if there are threads that nothing ends: Python would wait for them."""
    if left := _threads():
        print(f"threads run on, and are not waited for: {', '.join(map(str, left))}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_ENDING[0] if _ENDING else 1)
