"""Life cycle benchmarks: an OCI runtime's create, start, delete and exec; memory of a hundred containers' shims."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from labcore.bench.measure import Result, Subject, environment, measure, row_of
from labcore.bench.peers import PeerFailed, bundle_for, podman_words, running_docker, timed, version
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.procfs import parent
from labcore.runtime import make_plan, spawn
from labcore.runtime.oci.lifecycle import Runtime
from labcore.runtime.shim import Shim
from labcore.spec import OverlayRoot

OURS = str(Path(sys.executable).with_name("labcore-runtime"))
RUNTIMES = {"labcore-runtime": OURS, "crun": "crun", "runc": "runc"}
LIBRARY = "labcore, in process"
MANY = 100
BESIDE = 3  # containers of a peer, to weigh what stands beside each


class OciRuntime:
    """An OCI runtime with a bundle of its own. Raises PeerFailed where it fails."""

    def __init__(self, name: str, rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> None:
        self.bundle = bundle_for(name, rootfs, work, argv, undo)
        self.words = [RUNTIMES[name], "--root", str(self.bundle / "state")]
        self.out = self.bundle / "out"
        self.name = f"labcore-bench-{name}-{os.getpid()}"

    def command(self, *words: str) -> float:
        """Run one; its output goes to a file, for a container that is created keeps a pipe open."""
        start = time.perf_counter()
        with self.out.open("wb") as out:
            done = subprocess.run([*self.words, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=ENVIRONMENT)
        elapsed = time.perf_counter() - start
        if done.returncode:
            raise PeerFailed(f"{' '.join([*self.words, *words])}: {self.out.read_text(encoding='utf-8')[-400:]}")
        return elapsed

    def life(self) -> float:
        """Create, start, and when it has ended delete a container; return the seconds that the commands took."""
        took = self.command("create", "--bundle", str(self.bundle), self.name) + self.command("start", self.name)
        while True:
            self.command("state", self.name)
            if json.loads(self.out.read_text(encoding="utf-8"))["status"] == "stopped":
                return took + self.command("delete", self.name)

    def start(self, undo: ExitStack) -> None:
        """Start a container that runs on, until `undo`."""
        self.command("create", "--bundle", str(self.bundle), self.name)
        undo.callback(self.command, "delete", "--force", self.name)
        self.command("start", self.name)

    def exec(self) -> float:
        """Run a program in it; return the seconds."""
        return self.command("exec", self.name, "/bin/true")


class InProcess:
    """The same by the library, as for an engine written in Python."""

    def __init__(self, rootfs: Path, work: Path, argv: list[str], undo: ExitStack) -> None:
        self.bundle = bundle_for("library", rootfs, work, argv, undo)
        self.runtime = Runtime(self.bundle / "state")
        self.name = f"labcore-bench-library-{os.getpid()}"

    def life(self) -> float:
        """Create, start, and when it has ended delete a container; return the seconds but for those that it ran."""
        start = time.perf_counter()
        process = self.runtime.create(self.name, self.bundle, keep=True)
        self.runtime.start(self.name)
        took = time.perf_counter() - start
        process.wait()
        start = time.perf_counter()
        self.runtime.delete(self.name)
        return took + time.perf_counter() - start

    def start(self, undo: ExitStack) -> None:
        """Start a container that runs on, until `undo`."""
        undo.enter_context(self.runtime.create(self.name, self.bundle, keep=True))
        undo.callback(self.runtime.delete, self.name, force=True)
        self.runtime.start(self.name)

    def exec(self) -> float:
        """Run a program in it; return the seconds."""
        config = json.loads((self.bundle / "config.json").read_text(encoding="utf-8"))
        start = time.perf_counter()
        with self.runtime.exec(self.name, {**config["process"], "args": ["/bin/true"]}) as process:
            process.wait()
        return time.perf_counter() - start


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def bench_life(rounds: int) -> Iterator[Result]:
    """Measure create, start and delete through OCI runtimes."""
    yield from _bench_runtimes("create, start, delete through an OCI runtime", rounds, ["/bin/true"])


def bench_exec(rounds: int) -> Iterator[Result]:
    """Measure a further program in a running container, through OCI runtimes."""
    yield from _bench_runtimes("exec in a running container, through an OCI runtime", rounds, ["/bin/sleep", "1000"])


def _bench_runtimes(title: str, rounds: int, argv: list[str]) -> Iterator[Result]:
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        rootfs = _rootfs(work)
        there = {name: path for name, path in RUNTIMES.items() if shutil.which(path)}
        made: dict[str, OciRuntime | InProcess] = {LIBRARY: InProcess(rootfs, work, argv, undo)}
        made |= {name: OciRuntime(name, rootfs, work, argv, undo) for name in there}
        executes = argv != ["/bin/true"]
        if executes:
            for runtime in made.values():
                runtime.start(undo)
        subjects = [Subject(name, runtime.exec if executes else runtime.life) for name, runtime in made.items()]
        versions = {name: version(path) for name, path in there.items() if path != OURS}
        baseline = "crun" if executes and "crun" in there else "runc" if "runc" in there else "labcore-runtime"
        for measured in measure("exec" if executes else "life", subjects, rounds, baseline):
            yield Result(title, baseline, environment(work, versions), measured.rows(), [measured.quiet()])


def _rootfs(work: Path) -> Path:
    engine = Engine(work / "state")
    engine.seed("busybox")
    root = engine.spec("busybox", ["/bin/true"]).root
    assert isinstance(root, OverlayRoot)
    return Path(root.directory, root.layers[0])


def bench_many(rounds: int) -> Iterator[Result]:  # noqa: ARG001  a hundred is what it is about
    """Start a hundred containers, each with a shim; measure the shims' memory, and that of peers' shims."""
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        rootfs = _rootfs(work)
        plan = make_plan(Engine(work / "state").spec("busybox", ["/bin/sleep", "1000"]))
        times, monitors = [], []
        for number in range(MANY):
            place = work / "kept" / str(number)
            place.mkdir(parents=True)
            start = time.perf_counter()
            process = undo.enter_context(spawn(plan, shim=Shim(str(place))))
            times.append((time.perf_counter() - start) * 1e3)
            monitors.append(parent(process.pid))
        rows = [row_of("many", "the first ten", times[:10]), row_of("many", "the last ten of a hundred", times[-10:])]
        remarks = [_weight("labcore-monitor", monitors)]
        remarks += [_weight(name, pids) for name, pids in _beside_peers(rootfs, work, undo).items()]
        title = "a hundred containers that run on: the start of one, kept by its monitor"
        yield Result(title, "the first ten", environment(work, {}), rows, remarks)


def _beside_peers(rootfs: Path, work: Path, undo: ExitStack) -> dict[str, list[int]]:
    """Start a few containers with podman and docker where they are there; return what stands beside each."""
    found: dict[str, list[int]] = {}
    if shutil.which("podman") and shutil.which("conmon"):
        podman = podman_words(rootfs, work, undo)
        for _ in range(BESIDE):
            timed([*podman.start, "-d", *podman.options, "labcore-bench", "/bin/sleep", "1000"])
        found["podman's conmon"] = _running("conmon", str(work))
    if shutil.which("dockerd"):
        docker = running_docker(rootfs, work, undo)
        for _ in range(BESIDE):
            timed([*docker.start, "-d", *docker.options, "labcore-bench", "/bin/sleep", "1000"])
        found["docker's shim"] = _running("containerd-shim", str(work))
    return found


def _running(program: str, ours: str) -> list[int]:
    """Return the processes of a program whose command line or environment names our directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = path.read_bytes()
            if program.encode() in words.split(b"\0", 1)[0] and ours.encode() in words:
                found.append(int(path.parent.name))
    return found


def _weight(name: str, pids: list[int]) -> str:
    sizes = [int(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").split("Pss:")[1].split()[0]) for pid in pids]
    if not sizes:
        return f"{name}: not seen"
    return f"{name}: {sum(sizes) / len(sizes):.0f} KiB beside each container (PSS, mean of {len(sizes)})"
