"""Daemon benchmark: the stock docker command at labcore's daemon and at dockerd, in turn; and the daemons' memory."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final

from labcore import procfs
from labcore.bench.daemon_actions import IMAGE, RUNNING, Action, Docker, actions
from labcore.bench.measure import Measurement, Result, Subject, environment, measure
from labcore.bench.memory import peak_kib, pss_kib, reset_peak, working_below
from labcore.bench.network import WIRE
from labcore.bench.peers import WITH_NETWORKS, PeerFailed, archive_of, own_daemon, own_dockerd, remove_all, timed, version
from labcore.bench.workspace import workspace
from labcore.engine import Engine
from labcore.errors import InvalidInput
from labcore.spec import OverlayRoot

DOCKER: Final = "docker"
OURS, THEIRS = "labcore daemon", "dockerd"
IDLE_GOAL_MB: Final = 40
EACH_GOAL_MB: Final = 0.5
SIZE_MIB: Final = 1024  # of a log, and of what is copied
CONTAINERS: Final = 200  # in a list
SLEEPING: Final = 4  # containers that are weighed


class Daemons:
    """labcore's daemon, and dockerd where it can be had, each with an image and a container that runs."""

    def __init__(self, work: Path, undo: ExitStack, docker: str = DOCKER) -> None:
        self._work = work
        self.remarks = [f"the docker command alone takes {_alone_ms(docker):.0f} ms (docker --version)"]
        self.words = {OURS: undo.enter_context(own_daemon(*_labcore(work), docker=docker))}
        try:
            self.words[THEIRS] = undo.enter_context(own_dockerd(work, *WITH_NETWORKS, docker=docker))
        except (PeerFailed, OSError) as error:
            self.remarks.append(f"dockerd: {error}")
        self.baseline = THEIRS if THEIRS in self.words else OURS
        archive = _busybox(work)
        for words in self.words.values():
            undo.callback(remove_all, words)  # those of labcore would run on
            timed([*words, "import", archive, IMAGE])

    def each(self, do: Callable[[Docker], Any]) -> None:
        """Do something with every one of them."""
        for docker in self.words.values():
            do(docker)

    def pids(self) -> dict[str, list[int]]:
        """Return their processes: dockerd's with its containerd."""
        theirs = str(self._work / "docker")
        found = [working_below(str(self._work / "labcore"), "python")]
        found.append([*working_below(theirs, "dockerd"), *working_below(theirs, "containerd")])
        return dict(zip(self.words, found, strict=False))

    def subjects(self, action: Action) -> list[Subject]:
        """Return the subjects of a measurement."""
        return [Subject(name, partial(action.once, docker), action.every) for name, docker in self.words.items()]


def bench_daemon(
    rounds: int, size_mib: int = SIZE_MIB, containers: int = CONTAINERS, only: Sequence[str] = (), docker: str = DOCKER
) -> Iterator[Result]:
    """Measure each kind of request, and yield its results after every round.

    Logs and what is copied have that size; a list has so many containers. `only` leaves out what has none of these words in its
    title. Both daemons are asked with the same docker command. Raises PeerFailed without one, InvalidInput if nothing is left.
    """
    if not shutil.which(docker):
        raise PeerFailed("docker: not installed; tools/peers make, and it is found")
    wanted = [each for each in actions(size_mib, containers) if not only or any(words in each.title for words in only)]
    if not wanted:
        raise InvalidInput(f"--only {only[0]}: there are {'; '.join(each.title for each in actions(size_mib, containers))}")
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        daemons = Daemons(work, undo, docker)
        remarks = [*daemons.remarks, *_memory(daemons)]
        daemons.each(lambda docker: timed([*docker, "run", "-d", "--name", RUNNING, IMAGE, "/bin/sleep", "100000"]))
        where = environment(work, {"docker": version(docker)})
        for action in wanted:
            daemons.each(action.prepare)
            for pids in daemons.pids().values():
                reset_peak(pids)
            for measured in measure(action.title, daemons.subjects(action), rounds, daemons.baseline):
                said = [*_verdict(action, measured), *_peaks(action, daemons), *remarks]
                yield Result(action.title, daemons.baseline, where, measured.rows(), said)
            daemons.each(action.undo)
            remarks = []


def _alone_ms(docker: str) -> float:
    """Return how long a docker command takes that asks nobody: what a daemon does comes on top of it."""
    return 1000 * min(timed([docker, "--version"]) for _ in range(5))


def _labcore(work: Path) -> tuple[list[str], str, Path]:
    home = work / "labcore"
    home.mkdir()
    url = f"unix://{home}/labcore.sock"
    command = [sys.executable, "-P", "-m", "labcore", "--root", str(home / "state"), "daemon", "-H", url]
    return command, url, home / "log"


def _busybox(work: Path) -> str:
    engine = Engine(work / "seed")
    engine.seed("busybox")
    root = engine.spec("busybox", ["true"]).root
    assert isinstance(root, OverlayRoot)
    return str(archive_of(Path(root.directory, root.layers[0]), work))


def _verdict(action: Action, measured: Measurement) -> list[str]:
    """Say whether the goal is reached, if there is one and somebody to compare with; and whether the machine was quiet."""
    quiet = [measured.quiet()] if measured.rows()[0].n > 1 else []
    ratio = measured.ratio(OURS, THEIRS)
    if action.goal is None or ratio is None:
        return quiet
    reached = "reached" if ratio <= action.goal else "missed"
    return [f"{OURS}: {ratio:.2f} x {THEIRS}, goal {action.goal:.2f} x: {reached}", *quiet]


def _peaks(action: Action, daemons: Daemons) -> list[str]:
    """Say how much memory the daemons took at most, if that is to be constant however much goes through."""
    if not action.is_bulk:
        return []
    found = ", ".join(f"{name} {peak_kib(pids) / 1024:.0f} MiB" for name, pids in daemons.pids().items())
    return [f"most memory of the daemons meanwhile (VmHWM): {found}"]


def _memory(daemons: Daemons) -> list[str]:
    """Say what the daemons take: idle, and more for each container that sleeps, with whatever stands beside that."""
    idle = {name: pss_kib(pids) for name, pids in daemons.pids().items()}
    each = {name: _weighed(docker, daemons.pids()[name]) for name, docker in daemons.words.items()}
    return [
        f"memory of the idle daemons (PSS): {_in_mib(idle, 0)}; goal {IDLE_GOAL_MB} MB",
        f"for each container (PSS, with its shim): {_in_mib(each, 2)}; goal {EACH_GOAL_MB} MB",
    ]


def _weighed(docker: Docker, pids: list[int]) -> float:
    """Return what a further container takes, of which a daemon has started one before."""
    _sleeping(docker)
    before = pss_kib(pids)
    made = [_sleeping(docker) for _ in range(SLEEPING)]
    more = pss_kib(pids) - before + pss_kib([procfs.parent(pid) for pid in made])
    remove_all(docker)
    return more / SLEEPING


def _sleeping(docker: Docker) -> int:
    """Start a container that sleeps; return its process."""
    run = [*docker, "run", "-d", "--network", "none", IMAGE, "/bin/sleep", "100000"]
    id = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    inspect = [*docker, "inspect", "--format", "{{.State.Pid}}", id]
    return int(subprocess.run(inspect, capture_output=True, text=True, check=True).stdout)


def _in_mib(found: dict[str, float], digits: int) -> str:
    return ", ".join(f"{name} {kib / 1024:.{digits}f} MiB" for name, kib in found.items())
