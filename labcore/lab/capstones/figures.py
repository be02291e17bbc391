"""Figures of a certificate: how long containers take to start, on the learner's stages, on labcore's own, and on Docker."""

import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path
from statistics import median
from typing import Final

from labcore.lab.docker_command import SECONDS, DockerCommand, DockerTookTooLong, HasUrl, docker
from labcore.lab.tracing import DrawnTrace
from labcore.record import Record

TIMES: Final = 3
DOCKERD: Final = "unix:///var/run/docker.sock"
WITH_TRUE: Final = ("busybox", "alpine", "debian", "nginx")


class Figures(Record):
    """`starts` are times of `docker run --rm IMAGE true` in milliseconds, by whose stages.

    The rest is what the trace says of one start, as it ran: how many `ops` of its plan were done, the system `calls` that they
    made, and the time from the clone to the program, `machine`, in milliseconds.
    """

    starts: tuple[tuple[str, float], ...] = ()
    ops: int = 0
    calls: int = 0
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
    if theirs := docker_ms():
        starts.append(("docker", theirs))
    machine = (ops[-1].end - ops[0].start) / 1e6 if ops else 0.0
    return Figures(tuple(starts), len(ops), sum(op.calls for op in ops), machine)


def docker_ms(url: str = DOCKERD, *, seconds: float = SECONDS) -> float:
    """Return how long Docker's own daemon takes; 0 if no such daemon answers here, has no image for it, or is that slow."""
    if not Path(url.removeprefix("unix://")).is_socket():
        return 0.0
    command = quiet_docker(Dockerd(url))
    with suppress(DockerTookTooLong):
        if image := _image_of(command, seconds):
            return start_ms(command, image, seconds)
    return 0.0


def start_ms(command: DockerCommand, image: str, seconds: float = SECONDS) -> float:
    """Return how long the command takes for a container that does nothing, the median of some; 0 if it fails."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        if command.quietly(f"run --rm {image} true", seconds=seconds).status:
            return 0.0
        found.append((time.perf_counter() - began) * 1e3)
    return median(found)


def _image_of(command: DockerCommand, seconds: float) -> str:
    """Return an image of Docker's own daemon that has `true`; empty if it is none of Docker's, or has none."""
    server = command.quietly("version --format '{{json .Server}}'", seconds=seconds)
    if server.status or "labcore" in server.output.lower():
        return ""
    names = command.quietly("images --format {{.Repository}}:{{.Tag}}", seconds=seconds).output.split()
    return next((name for name in names if name.partition(":")[0] in WITH_TRUE), "")
