"""CPU time of tests and of all that they start, daemons and shims among it: the cgroup of the box counts it, cgroups(7)."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import box

CPUACCT, CPU_STAT = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage"), Path("/sys/fs/cgroup/cpu.stat")
MOST_EXPENSIVE = 10  # files that are listed
_LAST_SECONDS = [0.0]  # the reading before this one


def cpu_seconds() -> float | None:
    """Return the CPU time of this box, workers' boxes below it included, or nothing where no cgroup is the box's own."""
    if box.SHARED in os.environ and not box.SYSTEMD.is_dir():
        if CPUACCT.exists():
            return int(CPUACCT.read_text()) / 1e9
        if CPU_STAT.exists():
            return int(CPU_STAT.read_text().split()[1]) / 1e6
    return None


def _since_the_last() -> float:
    before, _LAST_SECONDS[0] = _LAST_SECONDS[0], cpu_seconds() or 0.0
    return _LAST_SECONDS[0] - before


def pytest_runtest_logstart() -> None:
    """Begin to count for a test."""
    _since_the_last()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Write into each report of a test, its set-up, its call and its teardown, what it has cost."""
    report = yield
    report.cpu_seconds = _since_the_last()  # type: ignore[attr-defined]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the files that took most CPU time, below what all took: collection and the start of the workers are the rest."""
    spent: Counter[str] = Counter()
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if isinstance(report, pytest.TestReport):
            spent[report.nodeid.partition("::")[0]] += getattr(report, "cpu_seconds", 0.0)
    total = cpu_seconds()
    if total is not None and len(spent) > 1:
        terminalreporter.section("most CPU time")
        terminalreporter.line(f"{total:7.1f} s  this run; its tests {sum(spent.values()):.1f} s")
        for name, seconds in spent.most_common(MOST_EXPENSIVE):
            terminalreporter.line(f"{seconds:7.1f} s  {name}")
