"""Build benchmark: one Dockerfile built by labcore's daemon, classic docker, BuildKit and buildah, in turn."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from labcore.bench.daemon import DOCKER, OURS, THEIRS, Daemons
from labcore.bench.daemon_actions import IMAGE
from labcore.bench.measure import Measurement, Result, Subject, environment, measure
from labcore.bench.network import WIRE
from labcore.bench.peers import PeerFailed, timed, version
from labcore.bench.workspace import workspace
from labcore.builder.parser import parse
from labcore.errors import InvalidInput
from labcore.record import Record

DOCKER_BUILD, LABCORE_BUILD = "docker build at labcore", "labcore build"
CLASSIC, BUILDKIT, BUILDAH = "docker, classic", "docker, BuildKit", "buildah"
PEERS: Final = (CLASSIC, BUILDKIT, BUILDAH)
BEST: Final = "the best of the others"
FILES: Final = 20_000
RUNS: Final = 30
TAG: Final = "labcore-bench-built"


class Case(Record):
    """What is built: its Dockerfile and files, whether from the cache, and what it may take, as a multiple of others' times."""

    title: str
    dockerfile: str
    files: int = 0
    cached: bool = False
    goals: Mapping[str, float] = {}


PAGE: Final = f"FROM {IMAGE}\nRUN echo '<h1>Hello, Docker!</h1>' > /index.html\n"
MANY: Final = f"FROM {IMAGE}\n" + "".join(f"RUN echo {number} > /{number}\n" for number in range(RUNS))
COPIED: Final = f"FROM {IMAGE}\nCOPY . /files/\n"
SIDE_BY_SIDE: Final = (
    f"FROM {IMAGE} AS a\nRUN sleep 1; echo a > /a\nFROM {IMAGE} AS b\nRUN sleep 1; echo b > /b\n"
    f"FROM {IMAGE}\nCOPY --from=a /a /\nCOPY --from=b /b /\n"
)
CASES: Final = (
    Case("nginx page, no cache", PAGE, goals={BEST: 0.5}),
    Case("nginx page, cached", PAGE, cached=True, goals={CLASSIC: 1.0, BUILDKIT: 0.25}),
    Case(f"{RUNS} RUNs, no cache", MANY, goals={BUILDKIT: 0.3}),
    Case(f"context of {FILES} files, no cache", COPIED, files=FILES, goals={BEST: 0.5}),
    Case(f"context of {FILES} files, unchanged", COPIED, files=FILES, cached=True, goals={BEST: 0.3}),
    Case("two stages of a second each, no cache", SIDE_BY_SIDE, goals={CLASSIC: 0.7}),
)


def bench_build(rounds: int, only: Sequence[str] = (), docker: str = DOCKER) -> Iterator[Result]:
    """Measure each case, and yield its result after every round; `only` leaves out what has none of these words in its title.

    Both daemons are asked with the same docker command. Raises PeerFailed without one, InvalidInput if nothing is left.
    """
    if not shutil.which(docker):
        raise PeerFailed("docker: not installed; tools/peers make, and it is found")
    wanted = [case for case in CASES if not only or any(words in case.title for words in only)]
    if not wanted:
        raise InvalidInput(f"--only {only[0]}: there are {'; '.join(case.title for case in CASES)}")
    with ExitStack() as undo:
        work = undo.enter_context(workspace())
        subprocess.run(["sh", "-ec", WIRE], check=True)
        daemons = Daemons(work, undo, docker)
        remarks = [*daemons.remarks]
        builders = _builders(daemons, work, remarks)
        where = environment(work, {"docker": version(docker), **_version("buildah")})
        remarks.append(f"parser: {parser_speed():.1f} MB/s, goal 5")
        for case in wanted:
            subjects = [
                Subject(name, partial(timed, [*words, *([] if case.cached else ["--no-cache"]), _context(case, work)], env))
                for name, (words, env) in builders.items()
            ]
            for measured in measure(case.title, subjects, rounds, DOCKER_BUILD):
                yield Result(case.title, DOCKER_BUILD, where, measured.rows(), [*_verdicts(case, measured), *remarks])
            remarks = []


def _version(command: str) -> dict[str, str]:
    return {command: version(command)} if shutil.which(command) else {}


def _builders(daemons: Daemons, work: Path, remarks: list[str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Return the words that build a context and their environment, for each builder that is here."""
    here, build = dict(os.environ), ["build", "-q", "-t", TAG]
    ours = daemons.words[OURS]
    found = {
        DOCKER_BUILD: ([*ours, *build], here | {"DOCKER_BUILDKIT": "0"}),
        LABCORE_BUILD: ([sys.executable, "-P", "-m", "labcore", "-H", ours[ours.index("-H") + 1], *build], here),
    }
    if THEIRS in daemons.words:
        theirs = daemons.words[THEIRS]
        found[CLASSIC] = ([*theirs, *build], here | {"DOCKER_BUILDKIT": "0"})
        found[BUILDKIT] = ([*theirs, *build], here | {"DOCKER_BUILDKIT": "1"})
    if shutil.which("buildah"):
        store = ["buildah", "--root", str(work / "buildah"), "--runroot", str(work / "buildah-run")]
        try:
            timed([*store, "from", "--name", "base", "scratch"])
            timed([*store, "add", "base", str(work / "rootfs.tar"), "/"])
            timed([*store, "commit", "--rm", "base", IMAGE])
            # As podman, it asks for more open files and processes than it has.
            limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
            found[BUILDAH] = ([*store, *build, "--layers", "--pull=never", *limits], here)
        except PeerFailed as error:
            remarks.append(f"buildah: {error}")
    return found


def _context(case: Case, work: Path) -> str:
    """Return the directory of a case, made when it is first asked for."""
    place = work / f"context-{case.files}-{abs(hash(case.dockerfile))}"
    if not place.exists():
        place.mkdir()
        (place / "Dockerfile").write_text(case.dockerfile, encoding="utf-8")
        for number in range(case.files):
            file = place / f"{number // 200:03}" / f"{number}.txt"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"file {number}\n", encoding="utf-8")
    return str(place)


def _verdicts(case: Case, measured: Measurement) -> Iterator[str]:
    """Say for both of our ways whether each goal is reached."""
    others = [name for name in PEERS if measured.ratio(DOCKER_BUILD, name) is not None]
    for ours in (DOCKER_BUILD, LABCORE_BUILD):
        for other, goal in case.goals.items():
            ratios = [measured.ratio(ours, each) or 0 for each in (others if other == BEST else [other]) if each in others]
            if ratios:
                reached = "reached" if max(ratios) <= goal else "missed"
                yield f"{ours}: {max(ratios):.2f} x {other}, goal {goal:.2f} x: {reached}"


def parser_speed() -> float:
    """Return how many megabytes of a Dockerfile are read in a second."""
    from time import perf_counter

    text = (
        "FROM busybox\n"
        + 'RUN apt-get update && \\\n    apt-get install -y curl\nENV A=b C="d e"\nCOPY --chown=1:2 a b /c/\n' * 10_000
    )
    begin = perf_counter()
    parse(text)
    return len(text) / 1e6 / (perf_counter() - begin)
