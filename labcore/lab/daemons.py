"""Real daemons of lessons: labcore's own, on a state root of the lesson's, which end with the notebook."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from labcore.engine import default_root
from labcore.errors import LabcoreError
from labcore.lab.lessons import LESSONS, current
from labcore.lab.messages import say
from labcore.lab.sandbox import python

_RUNNING: Final[list["RunningDaemon"]] = []  # the one of this notebook


class DaemonFailed(LabcoreError):
    """The daemon does not come up; the message ends with what it said."""

    def _render_traceback_(self) -> list[str]:  # what IPython shows instead of a traceback, which would only show the lab
        return [str(self)]


class RunningDaemon:
    """A daemon of labcore's: its state root, its socket as a path and as DOCKER_HOST, its PID (0 while it does not run)."""

    def __init__(self, root: Path, images: tuple[str, ...], options: tuple[str, ...]) -> None:
        self.root = str(root)
        self.socket = str(root / "docker.sock")
        self.url = f"unix://{self.socket}"
        self.pid = 0
        command = python("labcore.lab.daemon_supervisor", self.root, self.socket, ",".join(images), *options)
        self._supervisor = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def __repr__(self) -> str:
        return f"<daemon {self.pid} at {self.url}>"

    @property
    def log(self) -> str:
        """What it has logged since it was started."""
        return Path(self.root, "daemon.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        """Start it, unless it runs, and return when it listens. Raises DaemonFailed."""
        self._ask("start")

    def stop(self) -> None:
        """End it by SIGTERM; its containers go on. Raises DaemonFailed, as `kill` does."""
        self._ask("stop")

    def kill(self) -> None:
        """End it by SIGKILL; its containers go on."""
        self._ask("kill")

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Have its state root read-only for the block, as the kernel makes a disk after an error; for this daemon alone."""
        self._ask("read-only")
        try:
            yield
        finally:
            self._ask("writable")

    def _ask(self, word: str) -> None:
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        with suppress(BrokenPipeError):
            self._supervisor.stdin.write(f"{word}\n")
            self._supervisor.stdin.flush()
        answer = self._supervisor.stdout.readline().strip()
        if answer.isdigit():
            self.pid = int(answer)
            return
        why = answer.removeprefix("- ") or say("its supervisor has ended")
        if word in ("stop", "kill"):
            raise DaemonFailed(say("the daemon does not end: {why}", why=why))
        self.pid = 0
        raise DaemonFailed(say("the daemon does not come up: {why}", why=why))

    def close(self) -> None:
        """End it, and remove its containers, networks and volumes."""
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        with suppress(BrokenPipeError):
            self._supervisor.stdin.close()
        self._supervisor.wait()
        self._supervisor.stdout.close()
        self.pid = 0
        with suppress(ValueError):
            _RUNNING.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def daemon(*options: str, images: tuple[str, ...] = ()) -> RunningDaemon:
    """Start a daemon with these options of `labcore daemon`, in the place of the one that this notebook had before.

    Its state root is the lesson's own, and holds these seed images and nothing else; it goes when the notebook ends, with all
    containers. Raises DaemonFailed.
    """
    close()
    root = default_root() / "lab" / "daemons" / f"lesson-{current() or LESSONS[-1].number}"
    root.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    started = RunningDaemon(root, images, options)
    _RUNNING.append(started)
    try:
        started.start()
    except DaemonFailed:
        started.close()
        raise
    return started


def close() -> None:
    """End this notebook's daemon, if there is one."""
    for each in list(_RUNNING):
        each.close()
