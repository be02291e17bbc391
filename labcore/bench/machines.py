"""Virtual machines in the comparison: small guests, a whole Debian, qemu by hand, `labcore vm run`."""

import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labcore.bench.comparison import Step
from labcore.bench.memory import nameless_files
from labcore.bench.system import LABCORE, RunningSystem, System, end, started
from labcore.vm import guests
from labcore.vm.guests import DEBIAN_MB, SMALL_MB
from labcore.vm.kernel import found_kernel
from labcore.vm.machine import Machine, by_hand
from labcore.vm.qemu import MACHINES, Hardware, default_machine


class SmallVm(System):
    """The small guest, by the library."""

    slow = True
    remark = f"it was given {SMALL_MB} MB"

    def __init__(self, root: Path, machine_type: str) -> None:
        super().__init__(machine_type)
        self.root = root
        self._guest: Machine | None = None

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start it, until its first process has spoken."""
        start = time.perf_counter()
        with guests.start(root=self.root, machine_type=self.subject) as guest:
            running = RunningSystem((time.perf_counter() - start) * 1e3, [guest.pid])
            self._guest = guest
            running.steps = tuple(Step(p.name, p.name.partition(":")[0], p.start_ms, p.duration_ms) for p in guest.timeline)
            yield running
            running.stop_ms = guest.stop() * 1e3

    def work(self, running: RunningSystem) -> str | None:  # noqa: ARG002
        """Run the probe in it; one kind of machine is enough."""
        return self._guest.run("labcore-probe /tmp", 120) if self._guest and self.subject == default_machine() else None


class DebianVm(System):
    """A whole Debian, until its multi-user target is reached."""

    slow = True
    remark = f"it was given {DEBIAN_MB} MB"

    def __init__(self, root: Path) -> None:
        super().__init__("debian")
        self.root = root
        self.written = 0  # bytes that the last one had written to its disk when it was there

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start it, and have it switch itself off."""
        start = time.perf_counter()
        with guests.start("debian", root=self.root) as guest:
            running = RunningSystem((time.perf_counter() - start) * 1e3, [guest.pid])
            running.steps = tuple(Step(p.name, p.name.partition(":")[0], p.start_ms, p.duration_ms) for p in guest.timeline)
            self.written = nameless_files(guest.pid)
            yield running
            running.stop_ms = guest.stop(60) * 1e3


class QemuByHand(System):
    """The small guest, by the command line that one would type; to see what the library adds."""

    slow = True

    def __init__(self, root: Path) -> None:
        super().__init__("by hand")
        self.root = root

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start it, and end it as the terminal would."""
        hardware = Hardware(default_machine(), guests.accelerator(self.root))
        token = secrets.token_hex(8)
        command = by_hand(hardware, found_kernel(self.root).path, guests.small_initrd(self.root), token)
        with started(list(command), f"labcore:{token}:ready".encode()) as (process, took):
            yield RunningSystem(took, [process.pid])
            end(process)


class VmCommand(System):
    """The small guest, by `labcore vm run`: until a command's output has come out of it."""

    slow = True

    def __init__(self, root: Path) -> None:
        super().__init__("labcore vm run")
        self._command = [*LABCORE, "--root", str(root), "vm", "run", "echo", "ready"]

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Run it; it ends by itself."""
        with started(self._command) as (process, took):
            yield RunningSystem(took, [])
            process.wait(60)


def machine_types() -> tuple[str, ...]:
    """Return the types of machine that the small guest starts on here."""
    return MACHINES.get(platform.machine(), ())
