"""Figures of a certificate: how long containers take to start, on the learner's stages, on labcore's own, and on Docker."""

import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from typing import Final

from labcore.lab.docker_command import DockerCommand, HasUrl, docker
from labcore.lab.tracing import DrawnTrace
from labcore.record import Record

TIMES: Final = 3
DOCKERD: Final = "unix:///var/run/docker.sock"
WITH_TRUE: Final = ("busybox", "alpine", "debian", "nginx")


class Figures(Record):
    """`starts` are times of `docker run --rm IMAGE true` in milliseconds, by whose stages; `ops` how many its plan has.

    `machine` is what the trace says of one start, from the clone to the program, in milliseconds.
    """

    starts: tuple[tuple[str, float], ...] = ()
    ops: int = 0
    machine: float = 0.0


class Dockerd(Record):
    """Docker's own daemon, where one runs."""

    url: str = DOCKERD


def quiet_docker(daemon: HasUrl) -> DockerCommand:
    """Return the docker command for a daemon, and print nothing of it."""
    with redirect_stdout(io.StringIO()):
        return docker(daemon)


def measured(command: DockerCommand, image: str, traced: DrawnTrace | None, forget: Callable[[], None]) -> Figures:
    """Measure; `forget` takes the learner's functions away, so that labcore's own are at work."""
    if traced is None:
        return Figures()
    ops = [span for span in traced.spans if span.kind == "op"]
    starts = [("mine", start_ms(command, image))]
    forget()
    starts.append(("labcore", start_ms(command, image)))
    if (name := _image_of_docker()) and (theirs := start_ms(quiet_docker(Dockerd()), name)):
        starts.append(("docker", theirs))
    machine = (ops[-1].end - ops[0].start) / 1e6 if ops else 0.0
    return Figures(tuple(starts), len(ops), machine)


def start_ms(command: DockerCommand, image: str) -> float:
    """Return how long the command takes for a container that does nothing, the median of some; 0 if it fails."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        if command.quietly(f"run --rm {image} true").status:
            return 0.0
        found.append((time.perf_counter() - began) * 1e3)
    return median(found)


def _image_of_docker() -> str:
    """Return an image of Docker's own daemon that has `true`; empty if no such daemon runs here, or it has none."""
    if not Path(DOCKERD.removeprefix("unix://")).is_socket():
        return ""
    command = quiet_docker(Dockerd())
    server = command.quietly("version --format '{{json .Server}}'")
    if server.status or "labcore" in server.output.lower():
        return ""
    names = command.quietly("images --format {{.Repository}}:{{.Tag}}").output.split()
    return next((name for name in names if name.partition(":")[0] in WITH_TRUE), "")
