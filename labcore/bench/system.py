"""System under test: starts a program, lets it idle, and ends it."""

import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from labcore.bench.comparison import Step
from labcore.bench.peers import PeerFailed

CLEAN = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


LABCORE = [sys.executable, "-m", "labcore"]


class RunningSystem:
    """A running system: its start time, and the processes whose memory counts."""

    def __init__(self, start_ms: float, pids: list[int]) -> None:
        self.start_ms, self.pids = start_ms, pids
        self.steps: tuple[Step, ...] = ()
        self.stop_ms: float | None = None


class System(ABC):
    """A system that runs a program. `repeats`: how often in a round; `slow`: skipped when time runs out."""

    repeats = 1
    slow = False
    remark = ""  # of its memory

    def __init__(self, subject: str) -> None:
        self.subject = subject

    @abstractmethod
    @contextmanager
    def running(self) -> Iterator[RunningSystem]:
        """Start it, and end it when the block ends; then `stop_ms` is known, if the system has a stop operation."""

    def work(self, running: RunningSystem) -> str | None:  # noqa: ARG002
        """Run labcore-probe in it, and return its output; None for systems in which it is not run."""
        return None


@contextmanager
def started(command: list[str], word: bytes = b"ready") -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Start a command; yield it, and the milliseconds until its output had a word. It is killed afterwards."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN, start_new_session=True
    )
    with process:
        try:
            assert process.stdout is not None
            first_word(process.stdout, command[0], word)
            yield process, (time.perf_counter() - start) * 1e3
        except EOFError as error:
            said = process.stderr.read().decode(errors="replace").strip()[-300:] if process.stderr else ""
            raise PeerFailed(f"{error}: {said or 'no reason given'}") from None
        finally:
            end(process)


def first_word(stream: IO[bytes], whose: str, word: bytes = b"ready") -> None:
    """Read until the output has a word. Raises EOFError if the stream ends before."""
    said = b""
    while word not in said:
        piece = os.read(stream.fileno(), 1 << 16)
        if not piece:
            raise EOFError(f"{whose} ended before its program had said a word")
        said += piece


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process unless it has ended, and reap it."""
    if process.poll() is None:
        process.kill()
    process.wait()
