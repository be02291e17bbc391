"""Examination: docker builds and runs the article's Dockerfile on a learner's functions; their traces are looked for.

The daemon is the examination's own, on a copy of `my_runtime.py` in which each function has a twist (`twists`).
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from labcore.client import connect
from labcore.engine import default_root
from labcore.errors import LabcoreError
from labcore.lab.capstones.certificate import Certificate, certificate
from labcore.lab.capstones.figures import Figures, measured, quiet_docker
from labcore.lab.capstones.program import READ, Program, filled, program, write_program
from labcore.lab.capstones.twists import TWISTS, Words, draw, twisted
from labcore.lab.checks.checking import NotPassed
from labcore.lab.checks.confinement import cgroup_of, setting
from labcore.lab.checks.process_view import ProcessView
from labcore.lab.checks.verdict import Claim, equal, strict
from labcore.lab.contexts import context
from labcore.lab.daemons import RunningDaemon
from labcore.lab.docker_command import DockerCommand
from labcore.lab.hosts import free_port
from labcore.lab.http_get import fetch
from labcore.lab.learner import learner, learners_seed
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.lab.tracing import DrawnTrace, trace
from labcore.native import Capability

EXAMINED: Final = tuple(name for name in READ if name in TWISTS)
IMAGE: Final = "angelkitty/nginx_web"
PAGE_SECONDS: Final = 10.0
DOCKERFILE: Final = """\
FROM nginx
MAINTAINER Angel_Kitty <angelkitty6698@gmail.com>
RUN echo '<h1>Hello, {asked}!</h1>' > /usr/share/nginx/html/index.html  # {comment}
"""


def capstone(registry: LessonRegistry, *, seed: int | None = None) -> Certificate:
    """Examine what the learner has written, by the stock docker command; return the certificate, which a notebook shows.

    `registry` has the image `library/nginx`. For what is not written labcore's solutions are examined, and the certificate says
    so. With LABCORE_STRICT=1 a claim that does not hold raises NotPassed. Raises DaemonFailed, and what `program` raises.
    """
    words = draw(learners_seed(secrets.randbelow(1 << 32) if seed is None else seed, learner()))
    found = program()
    whole = filled(found)
    with ExitStack() as undo:
        file = default_root() / "lab" / "stages" / "capstone.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        undo.callback(file.unlink, missing_ok=True)
        write_program(file, twisted(whole, EXAMINED, words))
        root = default_root() / "lab" / "daemons" / "capstone"
        root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        options = ("--registry-mirror", registry.url, "--stages", str(file))
        daemon = undo.enter_context(RunningDaemon(root, (), options))
        daemon.start()
        examination = Examination(daemon, words)
        claims = tuple(examination.claims())
        write_program(file, whole)
        figures = measured(quiet_docker(daemon), f"{IMAGE}:v1", examination.traced, lambda: write_program(file, ""))
    return _judged(found, claims, figures, examination)


def _judged(found: Program, claims: tuple[Claim, ...], figures: Figures, seen: "Examination") -> Certificate:
    made = certificate(found, EXAMINED, claims, figures, seen.page, seen.docker.version)
    if strict() and not made.holds:
        raise NotPassed(repr(made))
    return made


class Examination:
    """What is done with the stock docker command, and seen: `page` is what was served, `traced` a container's trace."""

    def __init__(self, daemon: RunningDaemon, words: Words) -> None:
        self._daemon = daemon
        self.docker: DockerCommand = quiet_docker(daemon)
        self._words = words
        self.page = ""
        self.traced: DrawnTrace | None = None

    def claims(self) -> Iterator[Claim]:
        """Build, run, look, and yield what holds; what cannot be done ends it."""
        parts: tuple[Callable[[], Iterator[Claim]], ...] = (self._build, self._image, self._cache, self._run, self._trace)
        for part in parts:
            try:
                yield from part()
            except (LabcoreError, OSError, LookupError, ValueError) as error:
                yield Claim(say("what is looked for is there"), False, str(error).partition("\n")[0])
                return

    def _built(self, comment: str, tag: str) -> Iterator[Claim]:
        place = context({"Dockerfile": DOCKERFILE.format(asked=self._words.asked, comment=comment)}, "capstone")
        done = self.docker.quietly(f"build -t {IMAGE}:{tag} {place}")
        if done.status:
            raise ValueError(" ".join(done.output.split())[-300:])
        yield Claim(say("docker build -t {image} . makes an image", image=f"{IMAGE}:{tag}"), True)
        self._output = done.output

    def _build(self) -> Iterator[Claim]:
        yield from self._built(self._words.first, "v1")
        told = f" ---> {self._words.id}" in self._daemon.log
        yield Claim(say("build: the daemon's log has the IDs that it was given, as it prints them"), told)

    def _image(self) -> Iterator[Claim]:
        history = self.docker.quietly(f"history --no-trunc --format {{{{.CreatedBy}}}} {IMAGE}:v1").output
        read = self._words.read in history and self._words.asked not in history
        yield Claim(say("parse: the image's history has the word that came out of it"), read, history.partition("\n")[0])
        label = f'{{{{index .Config.Labels \\"{self._words.label}\\"}}}}'
        seen = self.docker.quietly(f'inspect --format "{label}" {IMAGE}:v1').output.strip()
        yield equal(say("apply: the label in the image's config"), "MAINTAINER", seen)

    def _cache(self) -> Iterator[Claim]:
        yield from self._built(self._words.second, "v2")
        said = "Using cache" in self._output
        yield Claim(say("cache_key: another text with its key is found in the cache"), said)

    def _run(self) -> Iterator[Claim]:
        port = free_port()
        done = self.docker.quietly(f"run --name nginx_web -d --pids-limit 100 -p {port}:80 {IMAGE}:v1")
        yield Claim(say("docker run -d -p 8080:80 starts it"), not done.status, " ".join(done.output.split())[-200:])
        self.page = fetch(f"http://127.0.0.1:{port}/", within=PAGE_SECONDS).decode(errors="replace")
        yield Claim(say("the page comes through the port, with the word in it"), self._words.read in self.page, self.page[:80])
        with connect(self._daemon.url) as client:
            seen = ProcessView(client.containers.inspect("nginx_web").state.pid)
        yield from self._of_the_process(seen)
        host = self.docker.quietly("exec nginx_web hostname").output.strip()
        yield equal(say("hostname: what it has added to the plan"), self._words.host, host)

    def _of_the_process(self, seen: ProcessView) -> Iterator[Claim]:
        words, root = self._words, Path(f"/proc/{seen.pid}/root")
        kinds = [kind for kind in ("ipc", "cgroup", "uts", "pid", "mount") if _shared(seen, kind)]
        yield equal(say("namespaces: the one that is shared"), words.namespace, " ".join(kinds))
        yield Claim(say("rootfs: its directory in the container's root"), (root / words.directory).is_dir())
        yield Claim(say("devices: its directory in /dev"), (root / "dev" / words.device).is_dir())
        yield equal(
            say("limits: pids.max of the cgroup that it has made"),
            str(words.pids),
            setting(cgroup_of(seen, "pids") / "pids.max"),
        )
        has = bool(int(seen.status("CapBnd"), 16) >> Capability[words.right] & 1)
        yield Claim(say("confine: the capability {name} is not to be had", name=words.right), not has, seen.status("CapBnd"))

    def _trace(self) -> Iterator[Claim]:
        self.traced = trace(f"docker run --rm --pids-limit 100 {IMAGE}:v1 true", host=self._daemon.url)
        ops = " ".join(span.name for span in self.traced.spans if span.kind == "op")
        yield Claim(say("the plan, traced: the drawn host name"), self._words.host in ops)
        yield Claim(say("the plan, traced: the drawn directory"), self._words.directory in ops)


def _shared(seen: ProcessView, kind: str) -> bool:
    return seen.namespace(kind) == ProcessView(os.getpid()).namespace(kind)
