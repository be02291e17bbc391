"""Docker command in a cell: `docker = lab.docker(daemon)`, and then `docker("run -d busybox true")`."""

import codecs
import os
import select
import shlex
import shutil
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol, TextIO

import labcore
from labcore.errors import LabcoreError
from labcore.lab.docker_client import find_client, own_settings
from labcore.lab.locked_directories import locked_directory, new_name, sweep
from labcore.lab.messages import say
from labcore.lab.sandbox import python
from labcore.paths import default_root
from labcore.record import Record

SECONDS = 60.0


class HasUrl(Protocol):
    """A daemon, by what DOCKER_HOST would be."""

    @property
    def url(self) -> str:
        """Where it listens."""


class DockerTookTooLong(LabcoreError):
    """A docker command was still at work after its time, and was ended."""


class User(Record):
    """An ordinary user of this machine: who asks a daemon that root alone may ask."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


class Ran(Record):
    """The end of a command: its exit status, and all that it has put out."""

    status: int
    output: str

    def _ipython_display_(self) -> None:
        """Show nothing more in a notebook: the output has been printed as it came."""


class DockerCommand:
    """A docker command that asks one daemon. `program` says whose it is: `docker`, or `labcore` in its place."""

    def __init__(self, words: Sequence[str], program: str, version: str) -> None:
        self._words = tuple(words)
        self.program = program
        self.version = version
        self._config, undo = _own_config()
        weakref.finalize(self, undo.close)

    def __repr__(self) -> str:
        return f"<{self.program} {self.version}: {shlex.join(self._words)}>"

    def __call__(self, line: str, *, stdin: str = "", seconds: float = SECONDS) -> Ran:
        """Run a line such as `run -d busybox true`, and print it and what it puts out, as that comes.

        Raises DockerTookTooLong.
        """
        print(f"$ {self.program} {line}", flush=True)
        return self._ran(line, stdin, seconds, sys.stdout)

    def quietly(self, line: str, *, stdin: str = "", seconds: float = SECONDS, user: User | None = None) -> Ran:
        """Run a line as a call does, or as another user, and print nothing. Raises DockerTookTooLong."""
        return self._ran(line, stdin, seconds, None, user)

    def _ran(self, line: str, stdin: str, seconds: float, out: TextIO | None, user: User | None = None) -> Ran:
        with TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            with self._started(line, given, user) as process:
                try:
                    output = _gathered(process, time.monotonic() + seconds, out)
                    return Ran(process.wait(), output)
                except TimeoutError:
                    raise DockerTookTooLong(
                        say("`{line}` was still at work after {n} seconds, and was ended.", line=line, n=f"{seconds:g}")
                    ) from None
                finally:
                    process.kill()

    def _started(self, line: str, stdin: IO[bytes], user: User | None) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.words(line),
            env=self.environment(),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=user.groups if user else None,
        )

    def words(self, line: str) -> list[str]:
        """Return the words of the process that runs a line, for a cell that starts it by itself."""
        return [*self._words, *shlex.split(line)]

    def environment(self) -> Mapping[str, str]:
        """Return that process's environment: none of the user's own settings of docker's are in it."""
        return own_settings(self._config)


def docker(daemon: HasUrl) -> DockerCommand:
    """Return the stock docker command, to ask a lesson's daemon; its version is printed.

    It is this machine's own, or the one that `labcore lesson setup` has brought. Where there is none labcore's command takes
    its place, and what is lost is said.
    """
    client = find_client(default_root())
    if client:
        print(client)
        return DockerCommand([str(client.path), "-H", daemon.url], "docker", client.version)
    print(
        say(
            "There is no stock docker command here. labcore's own takes its place and asks the daemon the same; what is lost "
            "is to see that Docker's command is content with it. To have it, once: sudo labcore lesson setup"
        )
    )
    return DockerCommand(python("labcore", "-H", daemon.url), "labcore", labcore.__version__)


def _gathered(process: "subprocess.Popen[bytes]", deadline: float, out: TextIO | None) -> str:
    """Return a process's output when that has ended, and print it meanwhile, line by line. Raises TimeoutError."""
    assert process.stdout
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pieces, rest = [], ""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([process.stdout], [], [], left)[0]:
            continue
        chunk = os.read(process.stdout.fileno(), 1 << 16)
        rest += decoder.decode(chunk, final=not chunk)
        end = rest.rfind("\n") + 1 if chunk else len(rest)
        pieces.append(rest[:end])
        rest = rest[end:]
        if out:
            out.write(pieces[-1])
            out.flush()
        if not chunk:
            return "".join(pieces)
    raise TimeoutError


def _own_config() -> tuple[Path, ExitStack]:
    """Make an empty directory for docker's configuration; return it, and what removes it. Those of killed labs go."""
    directories = default_root() / "lab" / "docker-config"
    sweep(directories.glob("*"), shutil.rmtree)

    def make() -> Path:
        (made := directories / new_name("")).mkdir(parents=True)
        return made

    undo = ExitStack()
    directory = undo.enter_context(locked_directory(make))
    undo.callback(shutil.rmtree, directory, ignore_errors=True)
    return directory, undo
