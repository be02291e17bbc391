"""Exec sessions: processes that clients have run in containers, from `docker exec`'s create to what inspect says of their end.

A session's output goes to whoever is attached; when nobody is (any more), it is thrown away, and the process runs on. It ends
with its container. Nothing of them is kept on disk.
"""

from __future__ import annotations

import errno
import os
import select
from contextlib import ExitStack, suppress
from threading import Lock, Thread
from typing import Any, Final

from labcore.engine.container.completed import exit_code
from labcore.engine.container.events import log_container_event
from labcore.engine.container.exec import ExecOptions, check_runs, execute
from labcore.engine.container.exec_failure import exec_failure
from labcore.engine.container.state import get, while_it_runs
from labcore.engine.options.users import account
from labcore.engine.records.ids import new_id
from labcore.errors import InUse, NotFound
from labcore.native import DEVNULL, Process
from labcore.native.monitor import ERRORS, OUTPUT, MonitorLost, give_terminal
from labcore.runtime.terminal import resize, take
from labcore.spec import BindRoot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from labcore.engine.engine import Engine
    from labcore.engine.records.records import Container

    class Sink(Protocol):
        """Who gets the output of a session: an attached client."""

        def write(self, stream: str, data: bytes) -> None:
            """Take a piece of output; raise nothing."""

        def close(self) -> None:
            """Know that the process has ended, and how that went is noted."""


ENDS: Final = {"stdout": OUTPUT, "stderr": ERRORS}  # of pipes, by their numbers in a monitor
CHUNK_SIZE: Final = 1 << 16
KILLED: Final = 137
KEPT_SESSIONS: Final = 1024  # that have ended: their exit codes can be asked for until then


class ExecSession:
    """A further process of a container: what was wanted, what became of it.

    `attached` are its streams that a client may have. `exit_code` is None until it has ended.
    """

    def __init__(self, container: Container, options: ExecOptions, attached: frozenset[str], detach_keys: str) -> None:
        self.id = new_id()
        self.container = container
        self.options = options
        self.attached = attached
        self.detach_keys = detach_keys
        self.pid = 0
        self.exit_code: int | None = None
        self.is_running = False
        self.begun = Lock()  # whoever has it starts the session, and it is never let go of
        self._lock = Lock()
        self._fds: dict[str, int] = {}  # "input", the writing end of its pipe, or "terminal", the other end of that

    def hold(self, kind: str, fd: int) -> None:
        """Have a descriptor until the end, or until it is taken."""
        self._fds[kind] = fd

    def take_input(self) -> int | None:
        """Return a descriptor to write its input to, which is the caller's to close: that is the end of input on a pipe."""
        with self._lock:
            if "terminal" in self._fds:
                return os.dup(self._fds["terminal"])
            return self._fds.pop("input", None)

    def terminal_output(self) -> dict[int, str]:
        """Return a descriptor to read what comes out of its terminal, the caller's to close."""
        with self._lock:
            return {os.dup(self._fds["terminal"]): "stdout"}

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal its size."""
        with self._lock:
            if "terminal" in self._fds:
                resize(self._fds["terminal"], rows, columns)

    def close(self) -> None:
        """Let go of all; who is left at the terminal gets a hangup."""
        with self._lock:
            while self._fds:
                os.close(self._fds.popitem()[1])


class ExecSessions:
    """The sessions of an engine, by their IDs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[str, ExecSession] = {}
        self._lock = Lock()

    def create(
        self, text: str, options: ExecOptions, *, attached: frozenset[str] = frozenset(), detach_keys: str = ""
    ) -> ExecSession:
        """Note what is wanted. Raises NotFound, NotRunning, InUse of a paused container, InvalidInput of a user."""
        container = get(self._engine, text)
        check_runs(container, text)
        if options.user:
            with while_it_runs(container):
                account(options.user, BindRoot(f"/proc/{container.state.pid}/root"))
        session = ExecSession(container, options, attached, detach_keys)
        with self._lock:
            self._forget_old()
            self._sessions[session.id] = session
        self._log(session, "exec_create")
        return session

    def find(self, id: str) -> ExecSession:
        """Return a session. Raises NotFound, also when its container has been removed."""
        if session := self._sessions.get(id):
            with suppress(NotFound):
                self._engine.records.find(session.container.id)
                return session
        raise NotFound(f"No such exec instance: {id}")

    def running(self, id: str) -> ExecSession:
        """Return a session whose process runs. Raises NotFound, NotRunning."""
        if not (session := self.find(id)).is_running:
            check_runs(get(self._engine, session.container.id))
            raise NotFound(f"process does not exist {id}: not found")
        return session

    def ids(self, container_id: str) -> list[str]:
        """Return the IDs of a container's sessions that have not ended: what its inspect lists."""
        with self._lock:
            sessions = list(self._sessions.values())
        return [each.id for each in sessions if each.container.id == container_id and each.exit_code is None]

    def claim(self, id: str) -> ExecSession:
        """Return a session that is to be started now, and never again. Raises NotFound, NotRunning, InUse."""
        session = self.find(id)
        session.container = get(self._engine, session.container.id)
        check_runs(session.container)
        if not session.begun.acquire(blocking=False):
            what = "is already running" if session.exit_code is None else "has already run"
            raise InUse(f"exec command {id} {what}")
        return session

    def start(self, session: ExecSession, sink: Sink | None = None) -> None:
        """Start a claimed session's process; what it is attached to goes to the `sink` as it comes, or nowhere.

        Raises StepFailed, in docker's words, InvalidInput, NotRunning.
        """
        self._log(session, "exec_start")
        with ExitStack() as undo, ExitStack() as opened:
            try:
                process, sources = self._spawn(session, opened, undo, attached=bool(sink))
            except Exception as error:
                failure = exec_failure(error, session.options.command[0], session.options.workdir)
                session.exit_code = failure.exit_code
                raise failure.why from error
            opened.pop_all()
        session.pid, session.is_running = process.pid, True
        Thread(target=self._see_to, args=(session, process, sources, sink), name=f"exec-{session.id[:12]}", daemon=True).start()

    def _spawn(
        self, session: ExecSession, opened: ExitStack, undo: ExitStack, *, attached: bool
    ) -> tuple[Process, dict[int, str]]:
        """Start it; return the process, and the descriptors of its output. `opened` stay open, `undo` has the child's."""
        container, options = session.container.id, session.options
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), DEVNULL)
        sources: dict[int, str] = {}
        if options.tty:

            def taken(process: Process) -> None:
                session.hold("terminal", terminal := take(process))
                give_terminal(process, terminal)  # so that it does not hang up if this process is killed
                opened.callback(session.close)

            return execute(
                self._engine, container, options, **streams, take_terminal=taken, kept_output={}
            ), session.terminal_output()
        for stream in (each for each in streams if attached and each in session.attached):
            reader, writer = os.pipe()
            streams[stream], own = (reader, writer) if stream == "stdin" else (writer, reader)
            undo.callback(os.close, streams[stream])
            if stream == "stdin":
                session.hold("input", own)
                opened.callback(session.close)
            else:
                sources[own] = stream
                opened.callback(os.close, own)
        kept = {ENDS[stream]: fd for fd, stream in sources.items()}
        return execute(self._engine, container, options, **streams, kept_output=kept), sources

    def _see_to(self, session: ExecSession, process: Process, sources: dict[int, str], sink: Sink | None) -> None:
        """Pass its output on until it has ended, and note that."""
        try:
            _carry(process, sources, sink)
        finally:
            try:
                session.exit_code = exit_code(process)
            except MonitorLost:
                session.exit_code = KILLED
            session.is_running = False
            for fd in sources:
                os.close(fd)
            session.close()
            self._log(session, "exec_die", exitCode=str(session.exit_code))
            if sink:
                sink.close()

    def _log(self, session: ExecSession, action: str, **attributes: str) -> None:
        program, *arguments = session.options.command
        whole = action if action == "exec_die" else f"{action}: {program} {' '.join(arguments)}"  # with docker's blank
        log_container_event(self._engine, session.container, whole, execID=session.id, **attributes)

    def detached(self, session: ExecSession) -> None:
        """Note that a client has left by its detach keys."""
        log_container_event(self._engine, session.container, "exec_detach", execID=session.id)

    def _forget_old(self) -> None:
        ended = [id for id, each in self._sessions.items() if each.exit_code is not None]
        for id in ended[: max(0, len(ended) - KEPT_SESSIONS)]:
            del self._sessions[id]


def _carry(process: Process, sources: dict[int, str], sink: Sink | None) -> None:
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
        for fd in [fd for fd in open_sources if ended or fd in ready]:
            if not _pass_on(fd, open_sources[fd], sink, whole=ended):
                poller.unregister(fd)
                del open_sources[fd]


def _pass_on(fd: int, stream: str, sink: Sink | None, *, whole: bool) -> bool:
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
            if sink:
                sink.write(stream, data)
            if not whole:
                return True
    return True
