"""Comparison results as values: series of samples, written as JSON and read again; options and progress of a run."""

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from labcore.bench.measure import row_of, versions_of
from labcore.errors import InvalidInput
from labcore.record import Record

FORMAT: Final = 2
ROUNDS: Final = 5
QUICK_ROUNDS: Final = 2
TOPICS: Final = {  # topic -> what a table of it is called, and the subject that its ratios are to
    "start": ("start: until the first process's first word has come", "labcore"),
    "cold start": ("the same, after all files were forgotten (drop_caches)", "labcore"),
    "stop": ("stop and delete", "labcore"),
    "memory": ("memory of one that idles, with all that stands beside it (PSS)", "labcore"),
    "image": ("disk: what all instances share", "labcore"),
    "instance": ("disk: what one more instance takes", ""),
    "density": ("how many fit into this machine's free memory: extrapolated, not started", "labcore"),
    "cpu": ("work inside: arithmetic", "process"),
    "getpid": ("work inside: a system call (getpid)", "process"),
    "stat": ("work inside: a look at a file (stat)", "process"),
    "create": ("work inside: a file made and removed, in memory", "process"),
    "pipe": ("work inside: a byte to another process and back", "process"),
    "fork": ("work inside: a process made and ended", "process"),
}
WORK: Final = ("cpu", "getpid", "stat", "create", "pipe", "fork")
SUBJECTS: Final = {  # subject -> how it is called in a table, in the order of the tables
    "process": "a process, no container",
    "labcore": "container: labcore, in process",
    "mine": "container: my_runtime.py",
    "labcore run": "container: labcore run",
    "crun": "container: crun run",
    "podman": "container: podman run",
    "docker": "container: docker run",
    "microvm": "VM: microvm, small guest",
    "q35": "VM: PC, small guest",
    "virt": "VM: virt, small guest",
    "by hand": "VM: the same, qemu by hand",
    "labcore vm run": "VM: labcore vm run",
    "debian": "VM: PC, Debian with systemd",
}


class Progress(Record):
    """Progress: the current action, number `done` of `total`."""

    what: str
    done: int
    total: int


class Options(Record):
    """Options of a comparison. `rounds` 0: the default.

    `quick`: fewer rounds, no other engines, no Debian. `cold`: also with a cold page cache (root only).
    """

    rounds: int = 0
    quick: bool = False
    cold: bool = False

    @property
    def times(self) -> int:
        """The number of rounds."""
        return self.rounds or (QUICK_ROUNDS if self.quick else ROUNDS)


class Series(Record):
    """All samples of one subject on one topic; `note` is a remark about them."""

    topic: str
    subject: str
    unit: str
    samples: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)


class Step(Record):
    """A step of a start: its name, begin and duration in milliseconds; `kind` for its colour."""

    name: str
    kind: str
    start_ms: float
    duration_ms: float


class Comparison(Record):
    """A comparison: its environment and series, the steps of one start of each subject, and notes on what is missing."""

    environment: dict[str, Any]
    series: tuple[Series, ...]
    timelines: dict[str, tuple[Step, ...]]
    notes: tuple[str, ...] = ()

    def of(self, topic: str) -> list[Series]:
        """Return the series of a topic, in the order of SUBJECTS."""
        known = list(SUBJECTS)
        return sorted((s for s in self.series if s.topic == topic), key=lambda series: known.index(series.subject))

    def get(self, topic: str, subject: str) -> Series | None:
        """Return one series, None where it was not measured."""
        return next((s for s in self.series if (s.topic, s.subject) == (topic, subject)), None)

    def write(self, path: Path) -> None:
        """Write it as JSON: `environment` and `rows` as every benchmark has them, and beside them the samples themselves."""
        timed = [series for series in self.series if series.unit == "ms"]
        content = {
            "environment": self.environment,
            "rows": [row_of(s.topic, s.subject, list(s.samples)).as_dict() for s in timed],
            "format": FORMAT,
            "series": [series.as_dict() for series in self.series],
            "timelines": {name: [step.as_dict() for step in steps] for name, steps in self.timelines.items()},
            "notes": list(self.notes),
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_comparison(path: Path) -> Comparison:
    """Return what `write` has written. Raises InvalidInput for anything else."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise InvalidInput(f"{path}: written by another version of labcore; measure again with `labcore bench compare`")
        series = tuple(_series(entry) for entry in content["series"])
        timelines = {name: tuple(Step(**step) for step in steps) for name, steps in content["timelines"].items()}
        return Comparison(content["environment"], series, timelines, tuple(content["notes"]))
    except FileNotFoundError:
        raise InvalidInput(f"{path}: there is no such file: `labcore bench compare --json {path}` makes it") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{path} is no comparison that `labcore bench compare --json` has written: {error!r}") from error


def _series(entry: dict[str, Any]) -> Series:
    samples = tuple(float(value) for value in entry["samples"])
    if not samples or entry["topic"] not in TOPICS or entry["subject"] not in SUBJECTS:
        raise ValueError(f"no series: {entry['topic']!r} of {entry['subject']!r}")
    return Series(entry["topic"], entry["subject"], entry["unit"], samples, entry["note"])


def report(comparison: Comparison) -> Iterable[str]:
    """Yield the lines of a report: where, a table for each topic, and what was left out."""
    where = comparison.environment
    yield f"{where['machine']}; {where['kernel']}; store on {where['file_system']}"
    yield versions_of(where)
    for topic, (title, baseline) in TOPICS.items():
        if series := comparison.of(topic):
            yield ""
            yield title
            yield from _table(series, comparison.get(topic, baseline))
    yield ""
    yield from comparison.notes


def _table(series: list[Series], baseline: Series | None) -> Iterable[str]:
    width = max(len(SUBJECTS[each.subject]) for each in series)
    unit = series[0].unit
    yield f"  {'':{width}} {'n':>4} {'median ' + unit:>14} {'p05':>11} {'p95':>11} {'ratio':>9}"
    for each in series:
        row = row_of(each.topic, each.subject, list(each.samples))
        ratio = _ratio(each.median / baseline.median) if baseline and baseline.median else ""
        columns = ((each.median, 14), (row.p05_ms, 11), (row.p95_ms, 11))
        figures = " ".join(f"{value:>{size},.{_places(value)}f}" for value, size in columns)
        yield f"  {SUBJECTS[each.subject]:{width}} {row.n:4} {figures} {ratio:>9} {each.note}".rstrip()


def _places(value: float) -> int:
    return 0 if value >= 1000 else 1 if value >= 10 else 2


def _ratio(value: float) -> str:
    return f"{value:,.0f}x" if value >= 100 else f"{value:.3g}x"
