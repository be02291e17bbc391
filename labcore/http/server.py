"""A server: a thread for each connection that says something, and one that watches over those that are silent.

Threads wait where the kernel waits, so that a handler may read a file, or a body, as any program does. A connection that rests
costs a descriptor and no thread, so that a thousand of them keep nobody out; when there are too many, the one that has rested
longest has to go.
"""

import logging
import resource
import selectors
import socket
import ssl
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import Final

from labcore.http.conversation import Conversation, Failure, Handler
from labcore.http.wire import PATIENCE

LOG: Final = logging.getLogger(__name__)
MOST_AT_ONCE: Final = 512
MOST_CONNECTIONS: Final = 4096


class Server:
    """Serves a listening socket until it is closed. `handler` returns a response, or raises what `failure` makes one of."""

    def __init__(
        self, listener: socket.socket, handler: Handler, failure: Failure, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._listener = listener
        self._handler = handler
        self._failure = failure
        self._tls = tls
        self._most = min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)  # the other half is for files
        self._workers = ThreadPoolExecutor(MOST_AT_ONCE, "http")
        self._open: set[Conversation] = set()
        self._back: deque[Conversation] = deque()  # from their threads, to rest
        self._resting: dict[Conversation, float] = {}  # until when, the longest rested first
        self._bell, self._rung = socket.socketpair()
        self._bell.setblocking(False)
        self._closing = False
        self._ended = Event()
        self._ended.set()

    def serve(self) -> None:
        """Accept connections until `close`."""
        self._listener.setblocking(False)
        self._ended.clear()
        with self._listener, self._rung, selectors.DefaultSelector() as selector, ExitStack() as undo:
            undo.callback(self._ended.set)
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._rung, selectors.EVENT_READ)
            while not self._closing:
                for key, _ in selector.select(1.0 if self._resting else None):
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj is self._rung:
                        self._rung.recv(4096)
                    else:
                        self._wake(selector, key.data)
                self._let_rest(selector)

    def start(self) -> Thread:
        """Serve in a thread of its own, and return that."""
        thread = Thread(target=self.serve, daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Accept no more, and end all connections; return when all is let go of."""
        self._closing = True
        self._ring()
        self._ended.wait()
        for conversation in list(self._open):
            with suppress(OSError):
                conversation.connection.shutdown(socket.SHUT_RDWR)
        self._workers.shutdown(cancel_futures=True)
        for conversation in list(self._open):
            conversation.close()
        self._bell.close()

    def _ring(self) -> None:
        with suppress(OSError):  # it rings already, or nobody is there to hear it
            self._bell.send(b"!")

    def _accept(self, selector: selectors.BaseSelector) -> None:
        if len(self._open) >= self._most:
            if not self._resting:
                selector.unregister(self._listener)  # the kernel lets them wait
                return
            self._drop(selector, next(iter(self._resting)))
        with suppress(OSError):
            connection, _ = self._listener.accept()
            conversation = Conversation(connection, self._tls, self._handler, self._failure)
            self._open.add(conversation)
            self._rest(selector, conversation)

    def _rest(self, selector: selectors.BaseSelector, conversation: Conversation) -> None:
        selector.register(conversation.connection, selectors.EVENT_READ, conversation)
        self._resting[conversation] = time.monotonic() + PATIENCE

    def _wake(self, selector: selectors.BaseSelector, conversation: Conversation) -> None:
        if self._resting.pop(conversation, None) is not None:  # it may just have been dropped
            selector.unregister(conversation.connection)
            with suppress(RuntimeError):  # closing, which lets go of it too
                self._workers.submit(self._hold, conversation)

    def _let_rest(self, selector: selectors.BaseSelector) -> None:
        while self._back:
            self._rest(selector, self._back.popleft())
        now = time.monotonic()
        while self._resting and next(iter(self._resting.values())) < now:
            self._drop(selector, next(iter(self._resting)))
        if len(self._open) < self._most and self._listener not in (key.fileobj for key in selector.get_map().values()):
            selector.register(self._listener, selectors.EVENT_READ)

    def _drop(self, selector: selectors.BaseSelector, conversation: Conversation) -> None:
        del self._resting[conversation]
        selector.unregister(conversation.connection)
        self._open.discard(conversation)
        conversation.close()

    def _hold(self, conversation: Conversation) -> None:
        rests = False
        try:
            with suppress(OSError):  # it has gone away, or does not speak TLS
                rests = conversation.hold()
        except Exception:  # of a body that is made while it is sent
            LOG.exception("an answer broke off")
        finally:
            if rests:
                self._back.append(conversation)
            else:
                self._open.discard(conversation)
                conversation.close()
            self._ring()


def listen(address: str, port: int) -> socket.socket:
    """Return a socket that listens on a TCP port (0: any that is free). Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=1024, reuse_port=False)
