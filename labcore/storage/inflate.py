"""From the bytes of a blob to those of a layer, on a second core: a thread inflates ahead of whoever reads."""

import hashlib
import io
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain
from typing import IO, Final, cast

from labcore.errors import StoreDamaged

PIECE: Final = 1 << 20
AHEAD: Final = 4  # pieces in memory, at most
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after a byte 0x50 to 0x5f
WINDOW_MAX: Final = 1 << 26  # bytes that a zstd archive may want to be remembered


def inflated(chunks: Iterator[bytes]) -> tuple[Iterator[bytes], bool]:
    """Return an archive's bytes, which come gzipped, zstd-compressed or as they are, and whether they were compressed.

    Taking them raises StoreDamaged if they cannot be inflated. Inflated pieces have 1 MiB at most.
    """
    first = b""
    while len(first) < len(ZSTD) and (chunk := next(chunks, b"")):
        first += chunk
    chunks = chain([first], chunks) if first else chunks
    if first.startswith(GZIP):
        return _gunzipped(chunks), True
    if first.startswith(ZSTD) or first[1:].startswith(ZSTD_SKIPPABLE):
        return _unzstd(chunks), True
    return chunks, False


def _gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate (RFC 1952): one member after the other, as tools that compress in parallel write them."""
    from isal import isal_zlib

    data = next(chunks, b"")
    while data:
        member = isal_zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data:
                raise StoreDamaged("a layer is damaged: its gzip stream ends too early")
            try:
                yield member.decompress(data, PIECE)
            except isal_zlib.error as error:  # type: ignore[misc]
                raise StoreDamaged(f"a layer is damaged: {error}") from None
            data = member.unconsumed_tail or (b"" if member.eof else next(chunks, b""))
        data = member.unused_data or next(chunks, b"")
        if not data.strip(b"\0"):  # padding, as tapes have it
            break


class _Reader(io.RawIOBase):
    """Chunks as a file, for libraries that want one."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._left = self._left or next(self._chunks, b"")
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def _unzstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate (RFC 8878), all frames."""
    import zstandard

    source = cast(IO[bytes], _Reader(chunks))
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(source, read_across_frames=True)
    try:
        yield from iter(lambda: reader.read(PIECE), b"")
    except zstandard.ZstdError as error:
        raise StoreDamaged(f"a layer is damaged: {error}") from None


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
def inflated_ahead(compressed: Iterator[bytes], algorithm: str) -> Iterator[tuple[Iterator[bytes], Callable[[], str]]]:
    """Inflate what comes ahead of whoever takes it. Yield the chunks, hashed as they pass, and what gives the digest then.

    Inflating takes one core about as long as hashing and making files takes another. Where nothing is to be inflated, the core
    that would do it hashes.
    """
    digest = hashlib.new(algorithm)

    def hashed(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            digest.update(chunk)
            yield chunk

    plain, was_compressed = inflated(compressed)
    with closing(Ahead(plain if was_compressed else hashed(plain))) as ready:
        yield hashed(ready) if was_compressed else iter(ready), lambda: f"{algorithm}:{digest.hexdigest()}"
