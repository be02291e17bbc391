"""A server: a thread for each request that is being answered, and one that watches over the connections that are waited for.

Handlers block as any program does. A connection that says nothing, drips a head, or does not read its answer costs a descriptor
and no thread, so that a thousand of them keep nobody out; when there are too many, the one that has rested longest has to go.
A body that does not come holds the thread of the handler that reads it: nobody gets more than some of the threads.
Long-running requests (attach, logs, events) have threads of their own, and never more than half of the connections.
"""

import logging
import resource
import selectors
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import BoundedSemaphore, Event, Thread
from typing import Any, Final

from labcore.http.client import Client, DisconnectWatch
from labcore.http.connection import Connection, Service
from labcore.http.message import App, Request
from labcore.http.reader import IO_TIMEOUT_SECONDS, Wait

LOG: Final = logging.getLogger(__name__)
MAX_WORKERS: Final = 512
MAX_WORKERS_PER_CLIENT: Final = 128  # … for one address
MAX_LONG_RUNNING: Final = 1024
MAX_CONNECTIONS: Final = 4096
MAX_BUFFERED_BYTES: Final = 256 << 20  # of answers that nobody reads
DRAIN_POLL_SECONDS: Final = 0.02


class Server:
    """Serves a listening socket until it is closed.

    `app` returns a response; what it raises is logged, and a 500. `is_long_running` says which requests may take, and rest, for
    any time (`Router.is_long_running`), `is_instant` for which the app waits for nothing: these have no thread of their own.
    """

    def __init__(
        self,
        listener: socket.socket,
        app: App,
        *,
        is_long_running: Callable[[Request], bool] = lambda _: False,
        is_instant: Callable[[Request], bool] = lambda _: False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._most = min(MAX_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)  # the other half is for files
        most_long_running = min(MAX_LONG_RUNNING, self._most // 2)
        self._service = Service(app, is_long_running, is_instant, BoundedSemaphore(most_long_running), tls)
        self._workers = ThreadPoolExecutor(MAX_WORKERS, "http")
        self._long_running_workers = ThreadPoolExecutor(most_long_running, "http-long-running")
        self._watch = DisconnectWatch()
        self._open: set[Connection] = set()
        self._party: dict[Connection, str] = {}
        self._busy: Counter[str] = Counter()  # threads, by whom they work for
        self._queued: dict[str, deque[Connection]] = {}  # who has as many as anybody gets
        self._back: deque[tuple[Connection, str | None, Wait | None]] = (
            deque()
        )  # from the threads (whose?), to wait or at the end
        self._resting: dict[Connection, Wait] = {}  # the longest rested first
        self._held = 0  # bytes, for those
        self._looked = 0.0  # at their time limits
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        self._listens = self._closing = False
        self._accepts = True
        self._ended = Event()
        self._ended.set()

    def serve(self) -> None:
        """Accept connections until `close`."""
        self._listener.setblocking(False)
        self._ended.clear()
        with self._listener, self._rung, selectors.DefaultSelector() as selector, ExitStack() as undo:
            undo.callback(self._ended.set)
            self._listen(selector, listens=True)
            selector.register(self._rung, selectors.EVENT_READ)
            selector.register(self._watch, selectors.EVENT_READ)
            while not self._closing:
                for key, _ in selector.select(1.0 if self._resting else None):
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj is self._rung:
                        self._rung.recv(4096)
                    elif key.fileobj is self._watch:
                        self._watch.notify()
                    else:
                        self._wake(selector, key.data)
                self._take_back(selector)
                self._wake_overdue(selector)
                if not self._accepts:
                    self._listen(selector, listens=False)

    def start(self) -> Thread:
        """Serve in a thread of its own, and return that."""
        thread = Thread(target=self.serve, daemon=True)
        thread.start()
        return thread

    def drain(self, seconds: float, is_endless: Callable[[Request], bool] = lambda _: False) -> bool:
        """Accept no more, and wait until all requests are answered but for endless ones; return whether that came in time."""
        self._accepts = False
        self._ring()
        deadline = time.monotonic() + seconds
        while self._queued or any(each and not is_endless(each) for each in self._requests()):
            if time.monotonic() > deadline:
                return False
            time.sleep(DRAIN_POLL_SECONDS)
        return True

    def _requests(self) -> list[Request | None]:
        return [connection.request for connection in list(self._open)]

    def close(self) -> None:
        """Accept no more, and end all connections; return when all is let go of."""
        self._closing = True
        self._ring()
        self._ended.wait()
        for connection in list(self._open):
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        self._watch.notify()
        self._workers.shutdown(cancel_futures=True)
        self._long_running_workers.shutdown(cancel_futures=True)
        for connection in list(self._open):
            connection.close()
        self._watch.close()
        self._bell.close()

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already, or nobody is there to hear it
            self._bell.send(b"!")

    def _listen(self, selector: selectors.BaseSelector, *, listens: bool) -> None:
        if listens and not self._listens:
            selector.register(self._listener, selectors.EVENT_READ)
        elif self._listens and not listens:
            selector.unregister(self._listener)
        self._listens = listens

    def _accept(self, selector: selectors.BaseSelector) -> None:
        if len(self._open) >= self._most and not self._make_room(selector):
            self._listen(selector, listens=False)  # the kernel lets them wait
            return
        with suppress(OSError):
            accepted, address = self._listener.accept()
            connection = Connection(accepted, Client(accepted, address, self._watch), self._service)
            self._open.add(connection)
            self._party[connection] = _party(address)
            self._rest(selector, connection, Wait.to_read(time.monotonic() + IO_TIMEOUT_SECONDS))

    def _make_room(self, selector: selectors.BaseSelector) -> bool:
        """End the connection that has rested longest, or the last of the longest queue; return whether there is one."""
        if longest := next((one for one in self._resting if not one.long_running), None):
            self._drop(selector, longest)
        elif self._queued:
            self._end(max(self._queued.values(), key=len).pop())
            self._queued = {party: queue for party, queue in self._queued.items() if queue}
        else:
            return False
        return True

    def _rest(self, selector: selectors.BaseSelector, connection: Connection, wait: Wait) -> None:
        selector.register(connection.socket, wait.events, connection)
        self._resting[connection] = wait
        self._held += wait.held
        if self._held > MAX_BUFFERED_BYTES:
            self._drop(selector, next(one for one, wait in self._resting.items() if wait.held))

    def _leave_rest(self, selector: selectors.BaseSelector, connection: Connection) -> bool:
        """Return whether it was resting: it may just have been dropped."""
        if (wait := self._resting.pop(connection, None)) is None:
            return False
        selector.unregister(connection.socket)
        self._held -= wait.held
        return True

    def _wake(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        if connection.awaits_head and connection in self._resting:
            self._read_head(selector, connection)
        elif self._leave_rest(selector, connection):
            self._go_on(connection)

    def _read_head(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        """Read what has come of a request, and answer it if that is instant; else it is gone on with elsewhere."""
        wait = self._resumed(connection, nonblocking=True)
        if wait is not None and wait.events == selectors.EVENT_READ:
            del self._resting[connection]
            self._resting[connection] = wait  # as the one that has rested for the shortest time
        elif self._leave_rest(selector, connection):
            self._place(selector, connection, wait)

    def _wake_overdue(self, selector: selectors.BaseSelector) -> None:
        """Have conversations hear that what they wait for does not come; who has said nothing yet is let go."""
        now = time.monotonic()
        if now < self._looked + 1:
            return
        self._looked = now
        for connection in [connection for connection, wait in self._resting.items() if wait.until < now]:
            if connection.has_begun:
                self._wake(selector, connection)
            else:
                self._drop(selector, connection)

    def _go_on(self, connection: Connection) -> None:
        """Give it a thread, or let it wait for one of its party's."""
        if connection.long_running:
            with suppress(RuntimeError):  # closing, which lets go of it too
                self._long_running_workers.submit(self._run, connection, None)
            return
        party = self._party[connection]
        if party and self._busy[party] >= MAX_WORKERS_PER_CLIENT:
            self._queued.setdefault(party, deque()).append(connection)
            return
        self._busy[party] += 1
        with suppress(RuntimeError):  # closing, which lets go of it too
            self._workers.submit(self._run, connection, party)

    def _run(self, connection: Connection, party: str | None) -> None:
        wait = None
        try:
            wait = self._resumed(connection)
        finally:
            self._back.append((connection, party, wait))
            self._ring()

    def _resumed(self, connection: Connection, *, nonblocking: bool = False) -> Wait | None:
        try:
            with suppress(OSError):  # it has gone away, or does not speak TLS
                return connection.resume(nonblocking=nonblocking)
        except Exception:  # of a body that is made while it is sent
            LOG.exception("an answer broke off")
        return None

    def _take_back(self, selector: selectors.BaseSelector) -> None:
        may_have_room = bool(self._back) or len(self._open) < self._most
        while self._back:
            connection, party, wait = self._back.popleft()
            if party is not None:
                self._let_go(party)
            self._place(selector, connection, wait)
        if may_have_room and self._accepts:  # who came to rest can be dropped
            self._listen(selector, listens=True)

    def _place(self, selector: selectors.BaseSelector, connection: Connection, wait: Wait | None) -> None:
        """Have a connection wait for what it wants, or end."""
        if wait is None:
            self._end(connection)
        elif not wait.events:
            self._go_on(connection)
        else:
            self._rest(selector, connection, wait)

    def _let_go(self, party: str) -> None:
        """Have a thread back, which the next one of the party may need."""
        self._busy[party] -= 1
        if not self._busy[party]:
            del self._busy[party]
        if queue := self._queued.get(party):
            self._go_on(queue.popleft())
            if not queue:
                del self._queued[party]

    def _drop(self, selector: selectors.BaseSelector, connection: Connection) -> None:
        if self._leave_rest(selector, connection):
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._party.pop(connection, None)
        connection.close()


def _party(address: Any) -> str:
    """Return whose an address is: of IPv6, everybody has 2⁶⁴; who comes by a file's name is nobody's."""
    if not isinstance(address, tuple):
        return ""
    host = str(address[0]).removeprefix("::ffff:").partition("%")[0]
    return socket.inet_pton(socket.AF_INET6, host)[:8].hex() if ":" in host else host
