"""Fault scenario: how something is broken, what its user complains of, and what is claimed once it is mended."""

import random
import re
import socket
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from labcore.client import Client, connect
from labcore.errors import LabcoreError, NotFound
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.daemons import RunningDaemon
from labcore.lab.docker_command import DockerCommand
from labcore.lab.messages import say
from labcore.language import Bilingual
from labcore.record import Record

ID: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


class CannotBreak(LabcoreError):
    """What was to be broken could not be made."""


class Site:
    """The place of a fault: a daemon, the docker command that asks it, the random draw, and what restores all.

    `words` are the drawn values that the story tells; `typed` is what the complaining user typed, and was answered.
    """

    def __init__(self, daemon: RunningDaemon, docker: DockerCommand, seed: int) -> None:
        self.daemon = daemon
        self.docker = docker
        self.lots = random.Random(seed)
        self.undo = ExitStack()
        self.words: dict[str, str] = {}
        self.typed: list[str] = []

    def client(self) -> Client:
        """Return a client of the daemon, to be closed."""
        return connect(self.daemon.url)

    def named(self, word: str) -> str:
        """Draw a name, which begins with this word."""
        return f"{word}-{self.lots.randint(10, 99)}"

    def free_port(self) -> int:
        """Draw a port that nobody listens on."""
        while True:
            port = self.lots.randint(20000, 29999)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)):
                    return port

    def types(self, line: str) -> None:
        """Run a docker command as the complaining user did, and keep the answer, but for containers' IDs; others in short."""
        answer = [ID.sub(r"\1", said) for said in self.docker.quietly(line).output.splitlines() if not ID.fullmatch(said)]
        self.typed += [f"$ {self.docker.program} {line}", *answer]

    def prepares(self, line: str) -> str:
        """Run a docker command that has to succeed, and tell nobody; return its output. Raises CannotBreak."""
        done = self.docker.quietly(line)
        if done.status:
            raise CannotBreak(say("`{line}` does not succeed here: {why}", line=line, why=done.output.strip()))
        return done.output.strip()


Break = Callable[[Site], None]
Claims = Callable[[Site], Iterator[Claim]]


class FaultScenario(Record):
    """A fault: `breaks` draws and breaks, `claims` looks from outside, `can_be` tells whether this machine is fit for it.

    The story, with the drawn words in it, tells what the user saw; the cause is told once it is mended. `by_docker`: docker
    commands alone mend it, and no file has to be edited: it may be asked in the examination.
    """

    name: str
    story: Bilingual
    cause: Bilingual
    breaks: Break
    claims: Claims
    can_be: Callable[[Site], bool] = lambda _: True
    by_docker: bool = False


def running(site: Site, name: str) -> Generator[Claim, None, ProcessView | None]:
    """The daemon has a running container of that name, and the kernel its process 1, which is returned."""
    try:
        with site.client() as client:
            state = client.containers.inspect(name).state
    except NotFound:
        yield Claim(say("there is a container {name}", name=name), False)
        return None
    yield equal(say("the state of {name}", name=name), "running", state.status)
    if state.status != "running":
        return None
    view = ProcessView(state.pid)
    yield Claim(say("its process is the first in a PID namespace of its own"), len(view.numbers) > 1 and view.numbers[-1] == 1)
    return view


def first_process(site: Site, name: str) -> ProcessView:
    """Return process 1 of a container that runs."""
    with site.client() as client:
        return ProcessView(client.containers.inspect(name).state.pid)


def file_of(view: ProcessView, path: str) -> str:
    """Return what a file holds in a process's root, as the kernel shows it; empty if it cannot be read."""
    try:
        return Path(f"/proc/{view.pid}/root", path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def logged(site: Site, name: str) -> str:
    """Return what a container has put out."""
    with site.client() as client:
        return b"".join(record.content for record in client.containers.logs(name)).decode(errors="replace")
