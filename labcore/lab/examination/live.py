"""Live questions: their values are drawn, and the answer is what this machine does when it is asked."""

import contextlib
import io
import json
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from importlib import import_module
from typing import Any, Final

from labcore.lab.daemons import RunningDaemon, daemon
from labcore.lab.docker_command import DockerCommand, HasUrl, docker
from labcore.lab.helper import run_helper
from labcore.language import Bilingual
from labcore.record import Record

Words = Mapping[str, str]
PARTS: Final = ("kernel", "images", "commands", "builds")
MARKED: Final = "labcore-exam"  # what a container's name begins with


class Site:
    """Where live questions are answered: helper processes, and a daemon that is started when one asks for it."""

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._daemon: RunningDaemon | None = None
        self._docker: DockerCommand | None = None

    @property
    def daemon(self) -> RunningDaemon:
        """A daemon with the image busybox and nothing else, in the place of the notebook's."""
        if self._daemon is None or not self._daemon.pid:  # a fault takes its place
            self._daemon = self._undo.enter_context(daemon(images=("busybox",)))
            self._docker = None
        return self._daemon

    @property
    def docker(self) -> DockerCommand:
        """The docker command that asks it."""
        asked = self.daemon
        self._docker = self._docker or self.command(asked)
        return self._docker

    def command(self, asked: HasUrl) -> DockerCommand:
        """Return the docker command that asks somebody; which version it is, is of no interest here."""
        with contextlib.redirect_stdout(io.StringIO()):
            return docker(asked)

    def helped(self, source: str) -> str:
        """Return what a helper cell prints. Raises HelperFailed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            run_helper(source)
        return printed.getvalue().strip()

    def close(self) -> None:
        """End the daemon."""
        self._undo.close()

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Live(Record):
    """A question of a lesson: `text` is filled in with the words that `draw` draws, `seen` looks what is the case.

    `why` is told to those who were right. `needs` are names of labcore.lab.session.NEEDS.
    """

    lesson: int
    text: Bilingual
    draw: Callable[[random.Random], Words]
    seen: Callable[[Words, Site], str]
    why: Bilingual
    needs: tuple[str, ...] = ()


def live_questions() -> dict[str, Live]:
    """Return all live questions by their names."""
    parts = [import_module(f"labcore.lab.examination.live_{part}").LIVE for part in PARTS]
    return {name: each for part in parts for name, each in part.items()}


def same(given: str, seen: str) -> bool:
    """Return whether an answer is the one that was seen: JSON by its value, all else without regard to case and blanks."""
    return bool(_value(given) == _value(seen))


def _value(text: str) -> Any:
    text = text.strip().strip("`").strip()
    with contextlib.suppress(ValueError):
        value = json.loads(text)
        if isinstance(value, list | dict):
            return value
    return " ".join(text.casefold().removeprefix("sha256:").split())
