"""Start benchmark: one program with the same namespaces and kind of root, by bare system calls, labcore, and its peers."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from labcore.bench.measure import Measurement, Result, Subject, environment, measure
from labcore.bench.own_labcore import own_labcore
from labcore.bench.peers import BUBBLEWRAP, COMMANDS_EVERY, DOCKER, PeerFailed, peers, timed
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.native import program
from labcore.runtime.seccomp.compile import compiled
from labcore.spec import ContainerSpec, OverlayRoot

BALLAST_MB = 500
FLOOR = "floor (C, system calls only)"
IN_PROCESS = "labcore, in process"
FROM_LARGE = "labcore, in process, from a large parent"
MONITOR = "labcore, through the monitor"
COMMAND = {network: f"labcore run --rm --network {network}" for network in DOCKER}
PAIRS = ((IN_PROCESS, BUBBLEWRAP), *((COMMAND[network], DOCKER[network]) for network in DOCKER))


class Server:
    """A child that runs the measured action once for each line it is sent, and answers with the nanoseconds."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read(self) -> str:
        """Return its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def once(self) -> float:
        """Let it do the thing; return seconds. Raises PeerFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer = self.read()
        if not answer.isdigit():
            raise PeerFailed(f"{self._process.args!r} answered {answer!r}")
        return int(answer) / 1e9

    def close(self) -> None:
        """End it: its input ends."""
        self._process.communicate()


def bench_start(rounds: int) -> Iterator[Result]:
    """Measure, and yield the result after every round; the store lies on a tmpfs of its own."""
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        engine = Engine(work / "state")
        engine.seed("busybox")
        spec = engine.spec("busybox", ["/bin/true"])
        assert isinstance(spec.root, OverlayRoot)
        layer = Path(spec.root.directory, spec.root.layers[0])
        argv = ["/bin/true"]

        def serve(*command: str) -> Server:
            server = Server(list(command))
            undo.callback(server.close)
            return server

        worker = (sys.executable, "-m", "labcore.bench.worker", str(engine.root))
        floor = serve(program("labcore-floor"), spec.root.directory, spec.root.layers[0], filter_file(spec, work), *argv)
        small = serve(*worker, "0", "extension", *argv)
        large = serve(*worker, str(BALLAST_MB), "extension", *argv)
        monitored = serve(*worker, "0", "monitor", *argv)
        remarks = [f"resident: small parent {small.read()} MB, large parent {large.read()} MB"]
        monitored.read()

        others, versions, missing = undo.enter_context(peers(layer, work, argv))
        remarks += missing
        subjects = [
            Subject(FLOOR, floor.once),
            Subject(IN_PROCESS, small.once),
            Subject(FROM_LARGE, large.once),
            Subject(MONITOR, monitored.once),
            *others,
            *(_command(engine.root, network, argv) for network in COMMAND),
        ]
        undo.enter_context(own_labcore(engine.root))
        where = environment(work, versions)
        for measured in measure("start", subjects, rounds, FLOOR):
            said = [measured.quiet(), *_beside_peers(measured), *remarks]
            yield Result("start to exit of `true` in a container", FLOOR, where, measured.rows(), said)


def _command(root: Path, network: str, argv: list[str]) -> Subject:
    command = [sys.executable, "-m", "labcore", "--root", str(root), "run", "--rm", "--network", network, "busybox", *argv]
    with_bytecode = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return Subject(COMMAND[network], lambda: timed(command, with_bytecode), COMMANDS_EVERY)


def _beside_peers(measured: Measurement) -> list[str]:
    ratios = ((ours, measured.ratio(ours, theirs), theirs) for ours, theirs in PAIRS)
    return [f"{ours}: {ratio:.2f} x {theirs}" for ours, ratio, theirs in ratios if ratio]


def filter_file(spec: ContainerSpec, directory: Path) -> str:
    """Write the spec's compiled filter to a file, for the floor to load, and return its path."""
    assert spec.seccomp is not None
    path = directory / "filter.bpf"
    path.write_bytes(compiled(spec.seccomp).program)
    return str(path)
