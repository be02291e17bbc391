"""The ways to run a program that are compared: a process, containers, virtual machines. Each starts, idles, and is ended."""

import os
import platform
import secrets
import stat
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from labcore.bench.comparison import Step
from labcore.bench.peers import Cli, PeerFailed, bundle_for, timed
from labcore.engine import Engine, exit_code
from labcore.images.seeds import find_busybox
from labcore.native import DEVNULL, PIPE, program
from labcore.runtime import make_plan, spawn
from labcore.spec import MountPoint
from labcore.vm import guests
from labcore.vm.guests import DEBIAN_MB, SMALL_MB
from labcore.vm.kernel import found_kernel
from labcore.vm.machine import Machine, by_hand
from labcore.vm.qemu import MACHINES, Hardware, default_machine

IDLE = ["/bin/sh", "-c", "echo ready; exec sleep 1000"]  # its first word ends the start
PROBE = "/dev/labcore-probe"  # in a container: on a tmpfs of its own
CLEAN = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
LABCORE = [sys.executable, "-m", "labcore"]


class Running:
    """One that runs: how long its start took, and whose memory it is."""

    def __init__(self, start_ms: float, pids: list[int]) -> None:
        self.start_ms, self.pids = start_ms, pids
        self.steps: tuple[Step, ...] = ()
        self.stop_ms: float | None = None


class Contestant(ABC):
    """Something that runs a program. `repeats`: how often in a round; `slow`: left out when time runs out."""

    repeats = 1
    slow = False
    remark = ""  # of its memory

    def __init__(self, subject: str) -> None:
        self.subject = subject

    @abstractmethod
    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, and end it when the block ends; then `stop_ms` is known, where ending it is something that one does."""

    def work(self, running: Running) -> str | None:  # noqa: ARG002
        """Have labcore-probe run where it runs, and return what that prints; None where it is not asked to."""
        return None


class BareProcess(Contestant):
    """What is to be run, by itself."""

    repeats = 5

    def __init__(self, work: Path) -> None:
        super().__init__("process")
        self._directory = work

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start a busybox as the containers do."""
        with _started([find_busybox(), "sh", *IDLE[1:]]) as (process, took):
            running = Running(took, [process.pid])
            yield running
            start = time.perf_counter()
            _end(process)
            running.stop_ms = (time.perf_counter() - start) * 1e3

    def work(self, running: Running) -> str | None:  # noqa: ARG002
        """Run the probe on the host."""
        return subprocess.run(
            [program("labcore-probe"), str(self._directory)], capture_output=True, text=True, check=True
        ).stdout


class InProcess(Contestant):
    """A container by the library: from the image's name to its first word."""

    repeats = 5

    def __init__(self, engine: Engine) -> None:
        super().__init__("labcore")
        self.engine = engine

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Make a plan, and carry it out."""
        start = time.perf_counter()
        plan = make_plan(self.engine.spec("busybox", IDLE))
        with spawn(plan, stdin=DEVNULL, stdout=PIPE) as process:
            assert process.stdout is not None
            _first_word(process.stdout, "labcore")
            running = Running((time.perf_counter() - start) * 1e3, [process.pid])
            running.steps = tuple(Step(m.name, m.name, m.start_us / 1e3, m.duration_us / 1e3) for m in process.timeline)
            yield running
            start = time.perf_counter()
            process.kill()
            process.wait()
            running.stop_ms = (time.perf_counter() - start) * 1e3

    def work(self, running: Running) -> str | None:  # noqa: ARG002
        """Run the probe in a container of its own, with the filter and the rights that containers have."""
        spec = self.engine.spec("busybox", [PROBE, "/tmp"])
        binary = MountPoint(PROBE, "bind", program("labcore-probe"), ("bind", "ro", "nosuid", "nodev"))
        with spawn(make_plan(spec.replace(mounts=(*spec.mounts, binary))), stdin=DEVNULL, stdout=PIPE) as process:
            output, _ = process.communicate(timeout=60)
            if exit_code(process):
                raise PeerFailed("labcore-probe failed in a container")
        return output.decode()


class Command(Contestant):
    """A container by a command that stays beside it: `labcore run`, `crun run`, `podman run`, `docker run`."""

    def __init__(self, subject: str, command: list[str], remove: list[str], beside: tuple[str, str] | None = None) -> None:
        super().__init__(subject)
        self._command, self._remove, self._beside = command, remove, beside

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, and look for what is there that was not there before."""
        name = f"labcore-bench-{os.getpid()}-{secrets.token_hex(4)}"
        with _started([word.replace("NAME", name) for word in self._command]) as (process, took):
            running = Running(took, self._owned(process.pid))
            try:
                yield running
            finally:
                remove = [word.replace("NAME", name) for word in self._remove]
                start = time.perf_counter()
                if remove:
                    timed(remove)
                    process.wait(30)  # who has asked for it sees its end
                _end(process)
                running.stop_ms = (time.perf_counter() - start) * 1e3

    def _owned(self, command: int) -> list[int]:
        """Return the processes that one such container takes; of an engine: what it puts beside it, and not who asked."""
        roots = working_below(*self._beside) if self._beside else [command]
        return [pid for root in roots for pid in (root, *children(root))]


class SmallVm(Contestant):
    """The small guest, by the library."""

    slow = True
    remark = f"it was given {SMALL_MB} MB"

    def __init__(self, root: Path, machine_type: str) -> None:
        super().__init__(machine_type)
        self.root = root
        self._guest: Machine | None = None

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, until its first process has spoken."""
        start = time.perf_counter()
        with guests.start(root=self.root, machine_type=self.subject) as guest:
            running = Running((time.perf_counter() - start) * 1e3, [guest.pid])
            self._guest = guest
            running.steps = tuple(Step(p.name, p.name.partition(":")[0], p.start_ms, p.duration_ms) for p in guest.timeline)
            yield running
            running.stop_ms = guest.stop() * 1e3

    def work(self, running: Running) -> str | None:  # noqa: ARG002
        """Run the probe in it; one kind of machine is enough."""
        return self._guest.run("labcore-probe /tmp", 120) if self._guest and self.subject == default_machine() else None


class DebianVm(Contestant):
    """A whole Debian, until its multi-user target is reached."""

    slow = True
    remark = f"it was given {DEBIAN_MB} MB"

    def __init__(self, root: Path) -> None:
        super().__init__("debian")
        self.root = root
        self.written = 0  # bytes that the last one had written to its disk when it was there

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, and have it switch itself off."""
        start = time.perf_counter()
        with guests.start("debian", root=self.root) as guest:
            running = Running((time.perf_counter() - start) * 1e3, [guest.pid])
            running.steps = tuple(Step(p.name, p.name.partition(":")[0], p.start_ms, p.duration_ms) for p in guest.timeline)
            self.written = _nameless_files(guest.pid)
            yield running
            running.stop_ms = guest.stop(60) * 1e3


class ByHand(Contestant):
    """The small guest, by the command line that one would type; to see what the library adds."""

    slow = True

    def __init__(self, root: Path) -> None:
        super().__init__("by hand")
        self.root = root

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, and end it as the terminal would."""
        hardware = Hardware(default_machine(), guests.accelerator(self.root))
        token = secrets.token_hex(8)
        command = by_hand(hardware, found_kernel(self.root).path, guests.small_initrd(self.root), token)
        with _started(list(command), f"labcore:{token}:ready".encode()) as (process, took):
            yield Running(took, [process.pid])
            _end(process)


class VmCommand(Contestant):
    """The small guest, by `labcore vm run`: until a command's output has come out of it."""

    slow = True

    def __init__(self, root: Path) -> None:
        super().__init__("labcore vm run")
        self._command = [*LABCORE, "--root", str(root), "vm", "run", "echo", "ready"]

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Run it; it ends by itself."""
        with _started(self._command) as (process, took):
            yield Running(took, [])
            process.wait(60)


def containers_by_command(work: Path, rootfs: Path, engine: Engine, undo: ExitStack) -> dict[str, Command]:
    """Return labcore's own command, and crun's if it is there."""
    run = Command("labcore run", [*LABCORE, "--root", str(engine.root), "run", "--rm", "busybox", *IDLE], [])
    bundle = bundle_for("crun-idle", rootfs, work, IDLE, undo)
    words = ["crun", "--root", str(bundle / "state")]
    crun = Command("crun", [*words, "run", "--bundle", str(bundle), "NAME"], [*words, "kill", "NAME", "KILL"])
    return {"labcore run": run, "crun": crun}


def container_by_engine(subject: str, words: Cli, beside: tuple[str, str]) -> Command:
    """Return podman or docker as a contestant; `beside` says which of its programs, below which directory, each container has.

    Its containers have names, and are removed by them.
    """
    engine = words.start[: words.start.index("run")]
    command = [*words.start, "--name", "NAME", *words.options, "labcore-bench", *IDLE]
    at_once = ["-t", "0"] if subject == "podman" else []  # it would give the program ten seconds first; docker kills
    return Command(subject, command, [*engine, "rm", "-f", *at_once, "NAME"], beside)


# --- processes


@contextmanager
def _started(command: list[str], word: bytes = b"ready") -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Start a command; yield it, and how many milliseconds it took until its output held a word. It is gone afterwards."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, start_new_session=True
    )
    with process:
        try:
            assert process.stdout is not None
            _first_word(process.stdout, command[0], word)
            yield process, (time.perf_counter() - start) * 1e3
        except EOFError as error:
            said = process.stderr.read().decode(errors="replace").strip()[-300:] if process.stderr else ""
            raise PeerFailed(f"{error}: {said or 'no reason given'}") from None
        finally:
            _end(process)


def _first_word(stream: IO[bytes], whose: str, word: bytes = b"ready") -> None:
    said = b""
    while word not in said:
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            raise EOFError(f"{whose} ended before its program had said a word")
        said += piece


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


def children(pid: int) -> list[int]:
    """Return a process's children and theirs."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for word in path.read_text().split():
                found += [int(word), *children(int(word))]
        except OSError:
            continue
    return found


def working_below(directory: str, name: str) -> list[int]:
    """Return the processes of a program that have a directory of ours among their words."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if name.encode() in words.split(b"\0", 1)[0] and directory.encode() in words:
            found.append(int(path.parent.name))
    return found


def _nameless_files(pid: int) -> int:
    """Return how many bytes the files take that a process has open and that have no name any more, as qemu's snapshots."""
    total = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            status = path.stat()
            total += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) and status.st_nlink == 0 else 0
    return total


def pss_kib(pids: list[int]) -> float:
    """Return the memory of these processes: what they share with others counts in parts (PSS: proc(5), smaps_rollup)."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/smaps_rollup").read_text().split("Pss:")[1].split()[0])
        except (OSError, IndexError):
            continue
    return float(total)


def machine_types() -> tuple[str, ...]:
    """Return the types of machine that the small guest starts on here."""
    return MACHINES.get(platform.machine(), ())
