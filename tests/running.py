"""How the tests are run: in a box (tests/box.py), each of pytest-xdist's workers in one of its own, the longest first."""

import os
import pickle
import shlex
import sys
from collections import Counter
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from xdist.scheduler import LoadFileScheduling

from tests import box

# The files and tests that take longest, in the order in which they begin; a run's last lines say which these are.
LONGEST = (
    "tests/integration/test_vm.py::test_a_whole_debian_starts_and_switches_itself_off",
    "tests/integration/test_seeds.py",
    "tests/integration/test_bench.py",
    "tests/integration/test_browser.py",
    "tests/integration/test_cp.py",
    "tests/integration/test_vm.py",
    "tests/integration/test_rootless_networks.py",
    "tests/integration/test_writable_layers.py",
    "tests/integration/test_daemon_faults.py",
    "tests/conformance/test_interchange_matrix.py",
    "tests/integration/test_lesson_command.py",
    "tests/integration/test_daemon_process.py",
    "tests/integration/test_odd_input.py",
    "tests/integration/test_daemon_hostile.py",
    "tests/integration/test_kernel.py",
    "tests/integration/test_lint.py",
    "tests/conformance/test_network_options.py",
    "tests/integration/test_oci.py",
    "tests/conformance/test_gateway_modes.py",
    "tests/unit/test_watching.py",
    "tests/conformance/test_daemon_objects.py",
    "tests/conformance/test_network_peers.py",
    "tests/integration/test_kit.py",
    "tests/conformance/test_engines.py",
    "tests/conformance/test_docker_options.py",
    "tests/conformance/test_files_peers.py",
    "tests/integration/attacks/test_joining.py",
    "tests/integration/test_shared_mounts.py",
    "tests/integration/test_package.py",
)
# Of these each test may run in any worker, for they share no fixture that is made for the file. They come last, so that all
# workers end at the same time.
DIVIDED = (
    "tests/integration/test_rootless.py",
    "tests/integration/test_lessons.py",
    "tests/integration/test_whole_course.py",
    "tests/integration/test_checks.py",
)
TESTS = Path(__file__).parent
SLOWEST = 25  # files that are listed


def pytest_addoption() -> None:
    """Begin again in a box. This is the first hook of all: nothing is captured yet."""
    if box.SHARED not in os.environ and not os.geteuid():
        command = box.words(*sys.orig_argv)
        os.execv(command[0], command)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Have each worker begin in a box."""
    for spec in specs:
        spec.python = shlex.join(box.words(sys.executable))


class Scheduling(LoadFileScheduling):
    """A file's tests are one worker's, but for those that are divided."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in DIVIDED or nodeid in LONGEST else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Say which tests are for which worker."""
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Give a worker a short path for its files: its /tmp is its own, and there are sockets to be made below, unix(7)."""
    if box.SHARED in os.environ and hasattr(config, "workerinput") and config.getoption("basetemp").startswith("/tmp/"):
        config.option.basetemp = "/tmp/pytest"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test of what only a process without threads may do in a copy of this one, if this one has some, as workers have."""
    if not item.get_closest_marker("one_thread") or len(os.listdir("/proc/self/task")) == 1:
        return None
    hook, reader, writer = item.config.hook, *os.pipe()
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    if not (copy := os.fork()):
        status = 1
        try:  # whatever happens, a copy does not go on with the tests that come after
            os.close(reader)
            reports = runtestprotocol(item, log=False, nextitem=None)
            serial = [hook.pytest_report_to_serializable(config=item.config, report=report) for report in reports]
            with os.fdopen(writer, "wb") as out:
                pickle.dump(serial, out)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as said:
        serial = said.read()
    _, status = os.waitpid(copy, 0)
    item.session._setupstate.teardown_exact(nextitem)  # of what tests before this one have set up; the copy had its own
    made = pickle.loads(serial) if serial else []
    reports = [hook.pytest_report_from_serializable(config=item.config, data=data) for data in made]
    if status:
        about = f"its process ended with {os.waitstatus_to_exitcode(status)}"
        reports.append(pytest.TestReport(item.nodeid, item.location, {}, "failed", about, "call"))
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have each worker of a whole run compile its share of the tests, before all of them read what all have compiled.

    pytest rewrites assertions, which takes longer than all else that a collection does; bytecode is kept, whatever the
    environment says. What cannot be imported is reported when it is collected.
    """
    sys.dont_write_bytecode = False
    worker = getattr(session.config, "workerinput", None)
    if worker and session.config.args == [TESTS.name]:
        number = int(worker["workerid"].removeprefix("gw"))
        for file in sorted(TESTS.rglob("test_*.py"))[number :: worker["workercount"]]:
            with suppress(Exception, pytest.skip.Exception):
                import_module(".".join(file.relative_to(TESTS.parent).with_suffix("").parts))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, so that no worker has one left when the others have ended, and what is divided last."""
    ranks = {name: rank - len(LONGEST) for rank, name in enumerate(LONGEST)} | {
        name: rank for rank, name in enumerate(DIVIDED, 1)
    }
    items.sort(key=lambda item: ranks.get(item.nodeid, ranks.get(item.nodeid.partition("::")[0], 0)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the files that took longest."""
    seconds: Counter[str] = Counter()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            seconds[report.nodeid.partition("::")[0]] += report.duration  # type: ignore[assignment]
    if len(seconds) > 1:
        terminalreporter.section("slowest files")
        for name, spent in seconds.most_common(SLOWEST):
            terminalreporter.line(f"{spent:7.1f} s  {name}")
