"""Interleaved measurement, and the JSON format of every `labcore bench`."""

import os
import platform
import statistics
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from labcore.record import Record
from labcore.runtime.probe import file_system


class Row(Record):
    """One subject of one benchmark: how often it was measured, and its median, 5th and 95th percentile in milliseconds.

    `ratio` is the median of its ratios to the baseline, round by round; None where they were not measured in turn.
    """

    bench: str
    subject: str
    n: int
    median_ms: float
    p05_ms: float
    p95_ms: float
    ratio: float | None = None


class Result(Record):
    """A benchmark's outcome: what was measured, against which of its subjects, where, and remarks."""

    title: str
    baseline: str
    environment: dict[str, Any]
    rows: list[Row]
    remarks: list[str]


class Subject(Record):
    """Something to be measured: `once` does it one time and returns the seconds it took; every `every`-th round only."""

    name: str
    once: Callable[[], float]
    every: int = 1


class Measurement:
    """The samples of a benchmark: of each subject, by round, in milliseconds."""

    def __init__(self, bench: str, baseline: str) -> None:
        self.bench, self.baseline = bench, baseline
        self.samples: dict[str, dict[int, float]] = {}

    def rows(self) -> list[Row]:
        """Return a row for each subject."""
        made = ((name, row_of(self.bench, name, list(samples.values()))) for name, samples in self.samples.items())
        return [row.replace(ratio=self.ratio(name, self.baseline)) for name, row in made]

    def ratio(self, subject: str, other: str) -> float | None:
        """Return the median of two subjects' ratios, round by round: what disturbs a round disturbs both."""
        ours, theirs = self.samples.get(subject, {}), self.samples.get(other, {})
        ratios = [ours[number] / theirs[number] for number in ours if number in theirs]
        return round(statistics.median(ratios), 3) if ratios else None

    def quiet(self) -> str:
        """Say whether the machine was quiet: by how far apart the baseline's samples lie."""
        row = row_of(self.bench, self.baseline, list(self.samples[self.baseline].values()))
        spread = row.p95_ms / row.p05_ms
        said = "the machine was quiet" if spread <= QUIET else "the machine was not quiet: trust the ratios, not the times"
        return f"{said} (95th percentile of {self.baseline}: {spread:.2f} x its 5th)"


QUIET: Final = 1.5  # a spread that nobody else's work explains


def measure(bench: str, subjects: list[Subject], rounds: int, baseline: str) -> Iterator[Measurement]:
    """Measure all subjects in turn, `rounds` times over, after one round that does not count; yield what there is so far.

    Interleaved, so that a noisy minute of the machine meets all of them.
    """
    measured = Measurement(bench, baseline)
    for subject in subjects:
        subject.once()
    for number in range(rounds):
        for subject in subjects:
            if number % subject.every == 0:
                measured.samples.setdefault(subject.name, {})[number] = subject.once() * 1e3
        yield measured


def row_of(bench: str, subject: str, values: list[float]) -> Row:
    """Return the row of a subject whose times were these, in milliseconds."""
    cuts = statistics.quantiles(values, n=20, method="inclusive") if len(values) > 1 else [values[0]] * 19
    return Row(bench, subject, len(values), *(round(ms, 3) for ms in (statistics.median(values), cuts[0], cuts[18])))


def environment(store: Path, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return what a reader must know to compare figures: machine, kernel, versions and whose, the store's file system."""
    system = os.uname()
    return {
        "machine": f"{system.machine}, {os.cpu_count()} CPUs, {_memory_gib():.0f} GiB, {_processor()}",
        "kernel": f"{system.sysname} {system.release}",
        "peers": _distribution(),
        "versions": {"python": platform.python_version(), **versions},
        "file_system": file_system(store),
    }


def versions_of(environment: Mapping[str, Any]) -> str:
    """Return an environment's versions as a line of a report."""
    python, *peers = (f"{name} {number}" for name, number in environment["versions"].items())
    return f"{python}; of {environment['peers']}: {', '.join(peers)}"


def as_json(environment: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
    """Return the object that `--json` writes."""
    return {"environment": dict(environment), "rows": [row.as_dict() for row in rows]}


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")


def _distribution() -> str:
    """Return whose programs are run: os-release(5), of this mount namespace."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return next((line.partition("=")[2].strip('"') for line in lines if line.startswith("PRETTY_NAME=")), "unknown")


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
