"""One of those that are compared: it starts a program, lets it idle, and ends it."""

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


class Running:
    """One that runs: how long its start took, and whose memory it is."""

    def __init__(self, start_ms: float, pids: list[int]) -> None:
        self.start_ms, self.pids = start_ms, pids
        self.steps: tuple[Step, ...] = ()
        self.stop_ms: float | None = None


class Contestant(ABC):
    """Something that runs a program. `repeats`: how often in a round; `slow`: left out when time runs out."""

    repeats = 1
    slow = False
    remark = ""  # of its memory

    def __init__(self, subject: str) -> None:
        self.subject = subject

    @abstractmethod
    @contextmanager
    def running(self) -> Iterator[Running]:
        """Start it, and end it when the block ends; then `stop_ms` is known, where ending it is something that one does."""

    def work(self, running: Running) -> str | None:  # noqa: ARG002
        """Have labcore-probe run where it runs, and return what that prints; None where it is not asked to."""
        return None


@contextmanager
def started(command: list[str], word: bytes = b"ready") -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """Start a command; yield it, and how many milliseconds it took until its output held a word. It is gone afterwards."""
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
    """Read until a word has come. Raises EOFError if the stream ends before."""
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
