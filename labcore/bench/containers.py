"""Containers in the comparison, by the library and by commands; and a bare process as the baseline."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from labcore.bench.comparison import Step
from labcore.bench.memory import working_below
from labcore.bench.own_labcore import own_labcore
from labcore.bench.peers import Cli, PeerFailed, bundle_for, timed
from labcore.bench.system import LABCORE, RunningSystem, System, end, first_word, started
from labcore.engine import Engine, exit_code
from labcore.engine.container.state import get
from labcore.images.builtin import find_busybox
from labcore.native import DEVNULL, PIPE, program
from labcore.procfs import descendants, parent
from labcore.runtime import make_plan, spawn
from labcore.spec import MountPoint

IDLE = ["/bin/sh", "-c", "echo ready; exec sleep 1000"]  # its first word ends the start


PROBE = "/dev/labcore-probe"  # in a container: on a tmpfs of its own


class BareProcess(System):
    """The program without a container."""

    repeats = 5

    def __init__(self, work: Path) -> None:
        super().__init__("process")
        self._directory = work

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start a busybox as the containers do."""
        with started([find_busybox(), "sh", *IDLE[1:]]) as (process, took):
            running = RunningSystem(took, [process.pid])
            yield running
            start = time.perf_counter()
            end(process)
            running.stop_ms = (time.perf_counter() - start) * 1e3

    def work(self, running: RunningSystem) -> str | None:  # noqa: ARG002
        """Run the probe on the host."""
        return subprocess.run(
            [program("labcore-probe"), str(self._directory)], capture_output=True, text=True, check=True
        ).stdout


class InProcess(System):
    """A container by the library, from the image's name to its first output."""

    repeats = 5

    def __init__(self, engine: Engine) -> None:
        super().__init__("labcore")
        self.engine = engine

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Make a plan, and carry it out."""
        start = time.perf_counter()
        plan = make_plan(self.engine.spec("busybox", IDLE))
        with spawn(plan, stdin=DEVNULL, stdout=PIPE) as process:
            assert process.stdout is not None
            first_word(process.stdout, "labcore")
            running = RunningSystem((time.perf_counter() - start) * 1e3, [process.pid])
            running.steps = tuple(Step(m.name, m.name, m.start_us / 1e3, m.duration_us / 1e3) for m in process.timeline)
            yield running
            start = time.perf_counter()
            process.kill()
            process.wait()
            running.stop_ms = (time.perf_counter() - start) * 1e3

    def work(self, running: RunningSystem) -> str | None:  # noqa: ARG002
        """Run the probe in a container of its own, with the filter and the rights that containers have."""
        spec = self.engine.spec("busybox", [PROBE, "/tmp"])
        binary = MountPoint(PROBE, "bind", program("labcore-probe"), ("bind", "ro", "nosuid", "nodev"))
        with spawn(make_plan(spec.replace(mounts=(*spec.mounts, binary))), stdin=DEVNULL, stdout=PIPE) as process:
            output, _ = process.communicate(timeout=60)
            if exit_code(process):
                raise PeerFailed("labcore-probe failed in a container")
        return output.decode()


class Command(System):
    """A container by a command that runs as long: `labcore run`, `crun run`, `podman run`, `docker run`."""

    def __init__(self, subject: str, command: list[str], remove: list[str], home: Path | None = None, beside: str = "") -> None:
        """`home` is where an engine keeps everything, `beside` the program that it puts beside each container."""
        super().__init__(subject)
        self._command, self._remove, self.home, self._beside = command, remove, home, beside

    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start it, and look for what is there that was not there before."""
        name = f"labcore-bench-{os.getpid()}-{secrets.token_hex(4)}"
        with started([word.replace("NAME", name) for word in self._command]) as (process, took):
            running = RunningSystem(took, self._owned(process.pid, name))
            try:
                yield running
            finally:
                remove = [word.replace("NAME", name) for word in self._remove]
                start = time.perf_counter()
                if remove:
                    timed(remove)
                    process.wait(30)  # who has asked for it sees its end
                end(process)
                running.stop_ms = (time.perf_counter() - start) * 1e3

    def _owned(self, command: int, name: str) -> list[int]:  # noqa: ARG002
        """Return the processes that one such container takes; of an engine: what it puts beside it, and not who asked."""
        roots = working_below(str(self.home), self._beside) if self.home else [command]
        return [pid for root in roots for pid in (root, *descendants(root))]


class OwnCommand(Command):
    """A container by `labcore run`, which a daemon of the engine's state root starts, with a shim beside it."""

    def __init__(self, engine: Engine) -> None:
        labcore = [*LABCORE, "--root", str(engine.root)]
        run = [*labcore, "run", "--rm", "--name", "NAME", "busybox", *IDLE]
        super().__init__("labcore run", run, [*labcore, "kill", "NAME"])
        self._engine = engine

    def _owned(self, command: int, name: str) -> list[int]:  # noqa: ARG002
        pid = get(self._engine, name).state.pid
        return [parent(pid), pid, *descendants(pid)]


def containers_by_command(work: Path, rootfs: Path, engine: Engine, undo: ExitStack) -> dict[str, Command]:
    """Return labcore's own command, and crun's if it is there."""
    undo.enter_context(own_labcore(engine.root))
    bundle = bundle_for("crun-idle", rootfs, work, IDLE, undo)
    words = ["crun", "--root", str(bundle / "state")]
    crun = Command("crun", [*words, "run", "--bundle", str(bundle), "NAME"], [*words, "kill", "NAME", "KILL"])
    return {"labcore run": OwnCommand(engine), "crun": crun}


def container_by_engine(subject: str, words: Cli, home: Path, beside: str) -> Command:
    """Return podman or docker as a contestant, which keeps everything in `home`, and has the program `beside` each container.

    Its containers have names, and are removed by them.
    """
    engine = words.start[: words.start.index("run")]
    command = [*words.start, "--name", "NAME", *words.options, "labcore-bench", *IDLE]
    at_once = ["-t", "0"] if subject == "podman" else []  # it would give the program ten seconds first; docker kills
    return Command(subject, command, [*engine, "rm", "-f", *at_once, "NAME"], home, beside)
