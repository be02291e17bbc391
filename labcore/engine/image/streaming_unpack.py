"""Streaming unpack: a layer is extracted while it is downloaded, by two threads side by side."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, Self, cast

from labcore.errors import StoreDamaged
from labcore.tar import Chunk

AHEAD: Final = 4  # chunks that may wait to be unpacked: few, so that they stay in the processor's cache


class StreamingUnpack:
    """The chunks of a blob on their way into the store, and on a second way to `unpack`, in a thread of its own.

    `unpack(open_archive)` is called once a blob comes from its very beginning; `done` says afterwards whether it has been. A
    blob whose beginning is there already, or all of it, is not unpacked on the way. With `guess` it may be no layer at all:
    what the unpacking ends with is no error.
    """

    def __init__(self, unpack: Callable[[Callable[[], BinaryIO]], object], *, guess: bool = False) -> None:
        self._guess = guess
        self.done = False
        self._unpack = unpack
        self._chunks: queue.Queue[Chunk | None] = queue.Queue(AHEAD)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._whole = False

    def passing(self, chunks_from: Callable[[int], Iterable[Chunk]]) -> Callable[[int], Iterator[Chunk]]:
        """Return the function that a store is to take its chunks from, in place of that one."""

        def chunks(offset: int) -> Iterator[Chunk]:
            if offset or self._thread:
                yield from chunks_from(offset)
                return
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
            for chunk in chunks_from(0):
                self._put(chunk)
                yield chunk
            self._whole = True
            self._put(b"")

        return chunks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        if self._thread is None:
            return
        self._put(None)
        self._thread.join()
        if kind is None and self._error and not self._guess:
            raise self._error

    def _put(self, chunk: Chunk | None) -> None:
        """Hand a chunk over; None: no more will come. Raises what the unpacking ended with."""
        while self._thread and self._thread.is_alive():
            try:
                self._chunks.put(chunk, timeout=0.05)
            except queue.Full:
                continue
            return
        if self._error and chunk and not self._guess:
            raise self._error

    def _work(self) -> None:
        try:
            self._unpack(lambda: cast(BinaryIO, _Reader(self._chunks)))
            self.done = self._whole
        except BaseException as error:
            self._error = error


class _Reader:
    """What has come, as a file."""

    def __init__(self, chunks: "queue.Queue[Chunk | None]") -> None:
        self._chunks = chunks
        self._ended = False

    def read(self, size: int) -> Chunk:  # noqa: ARG002 - a chunk at a time, as it came
        if self._ended:
            return b""
        chunk = self._chunks.get()
        self._ended = chunk == b""
        if chunk is None:
            raise StoreDamaged("a layer broke off while it came")
        return chunk

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        """Nothing is held."""
