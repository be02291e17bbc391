"""Exec sessions: processes that clients have run in containers, from `docker exec`'s create to what inspect says of their end.

A session's output goes to whoever is attached; when nobody is (any more), it is thrown away, and the process runs on. It ends
with its container. Nothing of them is kept on disk.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
from contextlib import ExitStack, suppress
from threading import Condition, Event, Lock, Thread
from typing import Final

from labcore.engine.completed import exit_code
from labcore.engine.container_events import log_container_event
from labcore.engine.container_state import get
from labcore.engine.exec import ExecOptions, check_runs, execute
from labcore.engine.exec_failure import exec_failure
from labcore.engine.ids import new_id
from labcore.errors import InUse, NotFound, StepFailed
from labcore.native import DEVNULL, Process
from labcore.native.monitor import MonitorLost
from labcore.runtime.terminal import resize, take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from labcore.engine.engine import Engine
    from labcore.engine.records import Container

    Sink = Callable[[str, bytes], None]  # of a stream's name, and a piece of output

CHUNK_SIZE: Final = 1 << 16
KILLED: Final = 137
KEPT_SESSIONS: Final = 1024  # that have ended: their exit codes can be asked for until then


class ExecSession:
    """A further process of a container: what was wanted, what became of it. `exit_code` is None until it has ended."""

    def __init__(self, container: Container, options: ExecOptions) -> None:
        self.id = new_id()
        self.container = container
        self.options = options
        self.pid = 0
        self.exit_code: int | None = None
        self.is_running = False
        self.stdin = -1  # the writing end of its input, or its terminal's other end
        self.ended = Event()
        self.begun = Lock()  # whoever has it starts the session, and it is never let go of

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal its size."""
        if self.options.tty and self.stdin >= 0:
            resize(self.stdin, rows, columns)

    def write(self, data: bytes) -> None:
        """Give it some input. Raises OSError when it takes no more."""
        left = memoryview(data)
        while left:
            left = left[os.write(self.stdin, left) :]

    def close_input(self) -> None:
        """End its input; a terminal has no end."""
        if not self.options.tty and self.stdin >= 0:
            fd, self.stdin = self.stdin, -1
            os.close(fd)


class ExecSessions:
    """The sessions of an engine, by their IDs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[str, ExecSession] = {}
        self._changed = Condition()

    def create(self, text: str, options: ExecOptions) -> ExecSession:
        """Note what is wanted. Raises NotFound, NotRunning, InUse of a paused container."""
        container = get(self._engine, text)
        check_runs(container)
        session = ExecSession(container, options)
        with self._changed:
            self._forget_old()
            self._sessions[session.id] = session
        self._log(session, "exec_create")
        return session

    def find(self, id: str) -> ExecSession:
        """Return a session. Raises NotFound."""
        if session := self._sessions.get(id):
            return session
        raise NotFound(f"No such exec instance: {id}")

    def ids(self, container_id: str) -> list[str]:
        """Return the IDs of a container's sessions that have not ended: what its inspect lists."""
        with self._changed:
            sessions = list(self._sessions.values())
        return [each.id for each in sessions if each.container.id == container_id and each.exit_code is None]

    def claim(self, id: str) -> ExecSession:
        """Return a session that is to be started now, and never again. Raises NotFound, NotRunning, InUse."""
        session = self.find(id)
        session.container = get(self._engine, session.container.id)
        check_runs(session.container)
        if not session.begun.acquire(blocking=False):
            what = "is already running" if session.exit_code is None else "has already run"
            raise InUse(f"exec {id} {what}")
        return session

    def start(self, session: ExecSession, sink: Sink | None = None, *, with_input: bool = False) -> None:
        """Start a claimed session's process; its output goes to the `sink` as it comes, or nowhere.

        Raises StepFailed, in docker's words, InvalidInput, NotRunning.
        """
        with ExitStack() as undo, ExitStack() as opened:
            try:
                process, sources = self._spawn(session, opened, undo, attached=bool(sink), with_input=with_input)
            except Exception as error:
                session.exit_code = exec_failure(error).exit_code
                session.ended.set()
                raise exec_failure(error).why from error
            opened.pop_all()
        session.pid, session.is_running = process.pid, True
        self._log(session, "exec_start")
        Thread(target=self._see_to, args=(session, process, sources, sink), name=f"exec-{session.id[:12]}", daemon=True).start()

    def _spawn(
        self, session: ExecSession, opened: ExitStack, undo: ExitStack, *, attached: bool, with_input: bool
    ) -> tuple[Process, dict[int, str]]:
        """Start it; return the process and the descriptors of its output. `opened` stay open, what `undo` has is the child's."""

        def pipe() -> tuple[int, int]:
            ends = os.pipe()
            for end in ends:
                fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 1 << 16)
            return ends

        container, options = session.container.id, session.options
        if options.tty:

            def taken(process: Process) -> None:
                session.stdin = take(process)
                if options.console_size:
                    session.resize(*options.console_size)

            process = execute(
                self._engine, container, options, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, take_terminal=taken
            )
            return process, {session.stdin: "stdout"}
        stdin = stdout = stderr = DEVNULL
        sources: dict[int, str] = {}
        if with_input:
            stdin, session.stdin = pipe()
            undo.callback(os.close, stdin)
            opened.callback(session.close_input)
        if attached:
            (out, stdout), (err, stderr) = pipe(), pipe()
            for end in (stdout, stderr):
                undo.callback(os.close, end)
            for end in (out, err):
                opened.callback(os.close, end)
            sources = {out: "stdout", err: "stderr"}
        return execute(self._engine, container, options, stdin=stdin, stdout=stdout, stderr=stderr), sources

    def _see_to(self, session: ExecSession, process: Process, sources: dict[int, str], sink: Sink | None) -> None:
        """Pass its output on until it has ended, and note that."""
        try:
            _carry(process, sources, sink or (lambda _stream, _data: None))
        finally:
            try:
                session.exit_code = exit_code(process)
            except MonitorLost:
                session.exit_code = KILLED
            session.is_running, session.pid = False, 0
            for fd in sources.keys() | ({session.stdin} if session.stdin >= 0 else set()):
                os.close(fd)
            session.stdin = -1
            self._log(session, "exec_die", exitCode=str(session.exit_code))
            session.ended.set()

    def _log(self, session: ExecSession, action: str, **attributes: str) -> None:
        whole = action if action == "exec_die" else f"{action}: {' '.join(session.options.command)}"
        log_container_event(self._engine, session.container, whole, execID=session.id, **attributes)

    def detached(self, session: ExecSession) -> None:
        """Note that a client has left by its detach keys."""
        log_container_event(self._engine, session.container, "exec_detach", execID=session.id)

    def _forget_old(self) -> None:
        ended = [id for id, each in self._sessions.items() if each.exit_code is not None]
        for id in ended[: max(0, len(ended) - KEPT_SESSIONS)]:
            del self._sessions[id]


def _carry(process: Process, sources: dict[int, str], sink: Sink) -> None:
    """Pass on output until the process has ended, and what it has written by then: somebody else may have its streams on."""
    poller = select.poll()
    open_sources = dict(sources)
    for fd in open_sources:
        os.set_blocking(fd, False)
        poller.register(fd, select.POLLIN)
    poller.register(process.fileno(), select.POLLIN)
    ended = False
    while not ended:
        ready = {fd for fd, _ in poller.poll()}
        ended = process.fileno() in ready
        for fd in list(open_sources) if ended else ready & open_sources.keys():
            if not _pass_on(fd, open_sources[fd], sink, whole=ended):
                poller.unregister(fd)
                del open_sources[fd]


def _pass_on(fd: int, stream: str, sink: Sink, *, whole: bool) -> bool:
    """Pass on what there is to be read, once or as long as there is something; return False at its end."""
    with suppress(BlockingIOError):
        while True:
            try:
                data = os.read(fd, CHUNK_SIZE)
            except OSError as error:
                if error.errno != errno.EIO:  # a terminal that nobody has open any more
                    raise
                return False
            if not data:
                return False
            sink(stream, data)
            if not whole:
                return True
    return True
