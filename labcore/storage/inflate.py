"""From the bytes of a blob to those of a layer, on a second core: a thread inflates ahead of whoever reads."""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import BinaryIO, Final

from labcore.tar.decompressing import Peeked, compression, decompressed

CHUNK_SIZE: Final = 1 << 20
AHEAD: Final = 4  # pieces in memory, at most

# Layers are unpacked side by side; but those that need much memory to be decompressed one after another.
_GREEDY: Final = threading.Semaphore(1)


class _Turn:
    """Has its turn, if it comes to need one, until it is given back."""

    def __init__(self) -> None:
        self._has = False

    def take(self) -> None:
        if not self._has:
            _GREEDY.acquire()
            self._has = True

    def close(self) -> None:
        if self._has:
            _GREEDY.release()


class Ahead:
    """A thread that takes chunks from a source, and has some of them ready for whoever takes them from it."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._ready: queue.Queue[bytes | BaseException | None] = queue.Queue(AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[bytes]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """Have it end, whatever it is at."""
        self._stop.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):  # it may be waiting for room
                self._ready.get(timeout=0.01)
        self._thread.join()

    def _work(self) -> None:
        try:
            for chunk in self._chunks:
                if self._stop.is_set():
                    return
                self._ready.put(chunk)
            self._ready.put(None)
        except BaseException as error:
            self._ready.put(error)


@contextmanager
def inflated_ahead(
    raw: BinaryIO, what: str, *, plain: str, compressed: str
) -> Iterator[tuple[Iterator[bytes], Callable[[], str | None]]]:
    """Inflate what comes ahead of whoever takes it. Yield the chunks, hashed as they pass, and what gives the digest then.

    Inflating and hashing have a thread each: together they take one core about as long as making files takes another. `plain`
    and `compressed` are the algorithms for what comes so; without one nothing is hashed, and
    the digest is None. `what` names the blob in errors. Taking the chunks raises StoreDamaged if they cannot be inflated.
    """
    peeked = Peeked(raw)
    inflates = bool(compression(peeked.head))
    algorithm = compressed if inflates else plain
    digest = hashlib.new(algorithm) if algorithm else None

    def hashed(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if digest:
                digest.update(chunk)
            yield chunk

    with ExitStack() as undo:
        turn = undo.enter_context(closing(_Turn()))
        reader = decompressed(peeked, what, turn.take)
        chunks = iter(lambda: reader.read(CHUNK_SIZE), b"")
        if inflates:
            chunks = iter(undo.enter_context(closing(Ahead(chunks))))
        ready = undo.enter_context(closing(Ahead(hashed(chunks))))
        yield iter(ready), lambda: f"{algorithm}:{digest.hexdigest()}" if digest else None
