"""Comparison of containers and virtual machines on this machine: start, stop, memory, disk, density, work inside."""

import os
import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from labcore.bench.comparison import WORK, Comparison, Options, Progress, Series, Step
from labcore.bench.containers import IDLE, Command
from labcore.bench.machines import DebianVm, SmallVm, machine_types
from labcore.bench.measure import environment
from labcore.bench.memory import allocated, available_kib, kernel_kib, pss_kib
from labcore.bench.system import RunningSystem, System
from labcore.bench.systems import Systems
from labcore.engine import Engine
from labcore.errors import LabcoreError, Unavailable
from labcore.native import DEVNULL
from labcore.runtime import make_plan, spawn
from labcore.spec import OverlayRoot
from labcore.vm import debian, guests
from labcore.vm.kernel import found_kernel

ENOUGH = 150.0  # seconds after which what is slow is not done again: a comparison is to end within four minutes
MANY = 50  # containers that are started for the density
UNITS = {"start": "ms", "cold start": "ms", "stop": "ms", "memory": "MiB", "image": "MB", "instance": "MB", "density": ""}
UNITS |= dict.fromkeys(WORK, "ns")
DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def compare(work: Path, vm_root: Path, options: Options) -> Iterator[Progress | Comparison]:
    """Measure in turn, round by round; yield progress, and in the end the comparison.

    `work` is a working directory, best a tmpfs (`bench.workspace`), `vm_root` the state root in which virtual machines were
    set up. Systems that are missing here are left out with a note. Raises Unavailable for `cold` without the right to it.
    """
    if options.cold and not os.access(DROP_CACHES, os.W_OK):
        raise Unavailable(f"cold: only the machine's own root may write {DROP_CACHES}; leave --cold out")
    with ExitStack() as undo:
        measurement = _Measurement(work, vm_root, options, undo)
        yield from measurement.rounds()
        yield from measurement.cold_rounds()
        yield Progress("how many fit", measurement.done, measurement.total)
        measurement.density()
        measurement.disk()
        yield measurement.result()


class _Measurement:
    """A comparison that is being measured."""

    def __init__(self, work: Path, vm_root: Path, options: Options, undo: ExitStack) -> None:
        self.work, self.vm_root, self.options = work, vm_root, options
        self.samples: dict[tuple[str, str], list[float]] = {}
        self.said: dict[tuple[str, str], str] = {}  # notes at a series
        self.timelines: dict[str, tuple[Step, ...]] = {}
        self.engine = Engine(work / "state")
        self.engine.seed("busybox")
        root = self.engine.spec("busybox", IDLE).root
        assert isinstance(root, OverlayRoot)
        self.rootfs = Path(root.directory, root.layers[0])
        systems = Systems(work, vm_root, self.engine, self.rootfs)
        systems.prepare(undo, quick=options.quick)
        self.systems, self.notes, self.versions = systems.systems, systems.notes, systems.versions
        self.began = time.monotonic()
        self.done, self.total = 0, options.times * len(self.systems) + 1
        self.last: dict[str, float] = {}  # how long a subject took the last time

    # --- rounds

    def rounds(self) -> Iterator[Progress]:
        """Measure all systems in turn, so that a noisy minute of the machine affects all of them."""
        for number in range(self.options.times):
            for system in list(self.systems):
                self.done += 1
                yield Progress(system.subject, self.done, self.total)
                if system.slow and number and not self._time_for(system):
                    continue
                began = time.monotonic()
                self._measure(system)
                self.last[system.subject] = time.monotonic() - began

    def _time_for(self, system: System) -> bool:
        """Is there time left for it? A second time in any case for what takes seconds, and not for what takes a minute."""
        return time.monotonic() - self.began + self.last.get(system.subject, 0) < ENOUGH

    def _measure(self, system: System, topic: str = "start") -> None:
        try:
            for number in range(system.repeats if topic == "start" else 1):
                with system.running() as running:
                    if topic == "start":
                        self._measure_memory(system, running, first=number == 0)
                self._note_times(system.subject, running, topic)
        except (LabcoreError, OSError, TimeoutError) as error:
            self.systems.remove(system)
            self.notes.append(f"{system.subject}: fell out: {str(error).splitlines()[0]}")

    def _measure_memory(self, system: System, running: RunningSystem, *, first: bool) -> None:
        """Measure the memory of a running system; in the first start of a round also work inside."""
        if running.pids and system.subject != "by hand":
            self._add("memory", system.subject, pss_kib(running.pids) / 1024)
        for line in (system.work(running) or "").splitlines() if first else []:
            kind, value = line.split()
            self._add(kind, system.subject, float(value))

    def _note_times(self, subject: str, running: RunningSystem, topic: str) -> None:
        before = self.samples.get((topic, subject), [])
        if running.steps and topic == "start" and all(running.start_ms < other for other in before):
            self.timelines[subject] = running.steps  # of the fastest, which the machine disturbed least
        self._add(topic, subject, running.start_ms)
        if running.stop_ms is not None and topic == "start":
            self._add("stop", subject, running.stop_ms)

    def cold_rounds(self) -> Iterator[Progress]:
        """Start each twice with a cold page cache."""
        for system in list(self.systems) * 2 if self.options.cold else []:
            yield Progress(f"{system.subject}, cold", self.done, self.total)
            os.sync()
            DROP_CACHES.write_text("3", encoding="utf-8")
            if system in self.systems:
                self._measure(system, "cold start")

    def _add(self, topic: str, subject: str, value: float) -> None:
        self.samples.setdefault((topic, subject), []).append(round(value, 4))

    # --- how many fit, and what lies on the disk

    def density(self) -> None:
        """Extrapolate the density: from the memory of many containers at once, and from that of one virtual machine."""
        plan = make_plan(self.engine.spec("busybox", ["/bin/sleep", "1000"]))
        before = kernel_kib()
        with ExitStack() as running:
            pids = [running.enter_context(spawn(plan, stdin=DEVNULL)).pid for _ in range(MANY)]
            each = pss_kib(pids) / MANY
            inside = max(0.0, (kernel_kib() - before) / MANY)
        free = available_kib()
        self._add("density", "labcore", free // (each + inside))
        self.said["memory", "labcore"] = f"alone; each of {MANY} at once: {each:.0f} KiB"
        self.said["density", "labcore"] = f"{MANY} ran at once: {each:.0f} KiB each, and {inside:.0f} KiB of the kernel's own"
        self.said |= {("memory", system.subject): system.remark for system in self.systems if system.remark}
        for subject in (*machine_types(), "docker", "podman", "debian"):
            if weights := self.samples.get(("memory", subject)):
                self._add("density", subject, free // (sorted(weights)[len(weights) // 2] * 1024))
                self.said["density", subject] = "by the memory of one"

    def disk(self) -> None:
        """Measure the disk space that all instances share, and that of one more."""
        mb = 1e6
        self._add("image", "labcore", allocated(self.rootfs) / mb)
        self._add("instance", "labcore", 0.0)
        self.said["instance", "labcore"] = "what it writes lies in memory"
        for engine in self.systems:
            if isinstance(engine, Command) and engine.home:
                alone = allocated(engine.home)
                with engine.running():
                    one_more = allocated(engine.home) - alone
                self._add("image", engine.subject, alone / mb)
                self._add("instance", engine.subject, max(0, one_more) / mb)
                self.said["image", engine.subject] = "with what the engine keeps of its own"
        small = next(iter(machine_types()), "")
        if any(isinstance(each, SmallVm) for each in self.systems):
            shared = [found_kernel(self.vm_root).path, guests.small_initrd(self.vm_root)]
            self._add("image", small, sum(map(allocated, shared)) / mb)
            self._add("instance", small, 0.0)
            self.said["instance", small] = "its root lies in memory"
        if ("start", "debian") in self.samples:
            made = debian.at(self.vm_root)
            self._add("image", "debian", sum(map(allocated, (made.disk, made.kernel, made.initrd))) / mb)
        for system in self.systems:
            if isinstance(system, DebianVm) and system.written:
                self._add("instance", "debian", system.written / mb)
                self.said["instance", "debian"] = "what it has written by the end of its start"

    def result(self) -> Comparison:
        """Return the comparison."""
        unit = {
            "start": "ms",
            "cold start": "ms",
            "stop": "ms",
            "memory": "MiB",
            "image": "MB",
            "instance": "MB",
            "density": "",
        }
        unit |= dict.fromkeys(WORK, "ns")
        series = tuple(
            Series(topic, subject, UNITS[topic], tuple(values), self.said.get((topic, subject), ""))
            for (topic, subject), values in self.samples.items()
        )
        return Comparison(environment(self.work, self.versions), series, self.timelines, (*self.notes, *self._remarks()))

    def _remarks(self) -> Iterable[str]:
        """Say what labcore adds to qemu, by rounds: what disturbs one of them disturbs its neighbours as well."""

        def to_hand(subject: str) -> float | None:
            pairs = zip(self.samples.get(("start", subject), []), self.samples.get(("start", "by hand"), []), strict=False)
            ratios = [ours / theirs for ours, theirs in pairs]
            return statistics.median(ratios) if ratios else None

        if self.options.cold:
            yield "cold: programs, kernels and disks come from the disk anew; the containers' image lies in memory in any case"
        library, command = to_hand(next(iter(machine_types()), "")), to_hand("labcore vm run")
        if library and command:
            yield (
                f"a virtual machine by labcore takes {library:.2f} of the time that qemu by hand takes; by `labcore vm run`, "
                f"up to the output of a command, {command:.2f} (medians of the rounds' ratios)"
            )
