"""Containers of the miniature daemon: a process each, `my_runtime.py run IMAGE …`, with what it puts out, and its end."""

import os
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from threading import Condition, Thread
from typing import IO, Final

from labcore import procfs
from labcore.errors import LabcoreError
from labcore.lab.messages import say
from labcore.native import DEVNULL, PIPE, Process
from labcore.runtime import Plan, spawn

CHUNK_BYTES: Final = 1 << 16
FIRST_PROCESS_SECONDS: Final = 60.0  # until the runtime has started it
POLL_SECONDS: Final = 0.01


class NoSuchContainer(LabcoreError):
    """No container has that id or name; it is answered with 404."""


class NoSuchExec(NoSuchContainer):
    """No program in a container has that id; it is answered with 404."""


class Program:
    """A program of the daemon's: its id, its argument list, and what it has put out so far."""

    def __init__(self, argv: Sequence[str] | None, sources: int) -> None:
        self.id = secrets.token_hex(32)
        self.argv = tuple(argv or ())
        self._chunks: list[tuple[int, bytes]] = []
        self._open = sources  # of its streams, and whatever else has to end before its output has
        self._changed = Condition()

    def _gather(self, number: int, stream: IO[bytes] | None) -> None:
        """Take what comes from a stream, in a thread that ends with it."""
        assert stream is not None
        Thread(target=self._take, args=(number, stream.fileno()), daemon=True).start()

    def _take(self, number: int, fd: int) -> None:
        while chunk := os.read(fd, CHUNK_BYTES):
            with self._changed:
                self._chunks.append((number, chunk))
                self._changed.notify_all()
        self._source_ended()

    def _source_ended(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def output(self) -> Iterator[tuple[int, bytes]]:
        """Yield all that it puts out, as it comes: 1 for standard output or 2 for standard error, and the bytes."""
        sent = 0
        while chunks := self._chunks_from(sent):
            sent += len(chunks)
            yield from chunks

    def _chunks_from(self, index: int) -> list[tuple[int, bytes]]:
        """Wait for more than so many chunks, and return them; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._chunks) > index or not self._open)
            return self._chunks[index:]


class Container(Program):
    """A container: what it was created from, its process once it is started, and what that has put out so far."""

    def __init__(self, image: str, argv: Sequence[str] | None, name: str = "") -> None:
        super().__init__(argv, sources=2)
        self.image = image
        self.name = name
        self.created = time.time()
        self._process: subprocess.Popen[bytes] | None = None
        self._before: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<container {self.id[:12]} of {self.image}>"

    def before_start(self, action: Callable[..., object], *arguments: object) -> None:
        """Have something called when it is started, before its process is there; if that fails, it is not started."""
        self._before.append(partial(action, *arguments))

    def start(self, command: Sequence[str]) -> None:
        """Start its process, once. Raises InvalidInput if it has been started, OSError, and what is raised before its start."""
        with self._changed:
            if self._process is not None:
                raise LabcoreError(say("the container {id} has been started already", id=self.id[:12]))
            for action in self._before:
                action()
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
            self._changed.notify_all()
        self._gather(1, self._process.stdout)
        self._gather(2, self._process.stderr)

    @property
    def state(self) -> str:
        """One of docker's words: `created`, `running`, `exited`."""
        if self._process is None:
            return "created"
        return "running" if self._process.poll() is None else "exited"

    @property
    def returncode(self) -> int | None:
        """The exit code; None before its end."""
        return None if self._process is None or self._process.poll() is None else _exit_code(self._process.returncode)

    def wait(self) -> int:
        """Wait until it has been started, and has ended; return the exit code: 128 + N for one that signal N has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._process is not None)
        assert self._process is not None
        return _exit_code(self._process.wait())

    @property
    def pid(self) -> int | None:
        """The number of its first process, as this daemon sees it; None before its start and after its end."""
        deadline = time.monotonic() + FIRST_PROCESS_SECONDS
        while self.state == "running" and time.monotonic() < deadline:
            if found := self._first_process():
                return found
            time.sleep(POLL_SECONDS)  # the runtime is a Python that starts
        return None

    def _first_process(self) -> int | None:
        """Return the process below the runtime's that is the first of another PID namespace, and runs its program.

        Those with which a runtime tries what this machine can do (`preflight`) are first ones, too, and run none.
        """
        assert self._process is not None
        with suppress(OSError):
            ours = procfs.namespace(self._process.pid, "pid")
            for pid in procfs.descendants(self._process.pid):
                if procfs.namespace(pid, "pid") != ours and procfs.ns_pids(pid)[-1] == 1 and _runs_a_program(pid):
                    return pid
        return None

    def kill(self, number: int) -> None:
        """Send a signal to its first process; one that has none is left alone."""
        if pid := self.pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _runs_a_program(pid: int) -> bool:
    """Return whether a process has called execve: until then it is a copy of its parent."""
    return procfs.command_line(pid) not in {b"", procfs.command_line(procfs.parent(pid))}


def _exit_code(returncode: int) -> int:
    return returncode if returncode >= 0 else 128 - returncode


class Exec(Program):
    """A further program in a container: `docker exec`. Its exit code is there when its output has ended."""

    def __init__(self, container: Container, argv: Sequence[str]) -> None:
        super().__init__(argv, sources=3)
        self.container = container
        self.returncode: int | None = None

    def __repr__(self) -> str:
        return f"<exec {self.id[:12]} in {self.container.id[:12]}>"

    def start(self, plan: Plan) -> None:
        """Start its process by a plan. Raises StepFailed."""
        self._process = spawn(plan, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)  # kept: its pipes close with it
        self._gather(1, self._process.stdout)
        self._gather(2, self._process.stderr)
        Thread(target=self._reap, args=(self._process,), daemon=True).start()

    def _reap(self, process: Process) -> None:
        self.returncode = _exit_code(process.wait())
        self._source_ended()


class Execs(dict[str, Exec]):
    """Programs in containers, by their ids."""

    def __missing__(self, key: str) -> Exec:
        raise NoSuchExec(f"No such exec instance: {key}")


class Containers(dict[str, Container]):
    """Containers by their ids. They are found by a name, and by the beginning of an id, too, if no other begins so."""

    def __missing__(self, key: str) -> Container:
        found = [each for each in self.values() if each.name == key]
        found = found or [each for id, each in self.items() if key and id.startswith(key)]
        if len(found) > 1:
            text = say(
                "{n} containers are called {name}: say more of the id; `lab.serve()` forgets them all", n=len(found), name=key
            )
            raise NoSuchContainer(text)
        if not found:
            raise NoSuchContainer(f"No such container: {key}")
        return found[0]
