"""From the bytes of a blob to those of a layer, on a second core: a thread inflates and hashes ahead of whoever reads."""

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from labcore.errors import StoreDamaged

PIECE: Final = 1 << 20
AHEAD: Final = 4  # pieces in memory, at most
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"  # after a byte 0x50 to 0x5f
WINDOW_MAX: Final = 1 << 26  # bytes that a zstd archive may want to be remembered


def inflated(raw: BinaryIO) -> Iterator[bytes]:
    """Yield an archive's bytes, which lie gzipped, zstd-compressed or as they are, in pieces of at most 1 MiB.

    Raises StoreDamaged if they cannot be inflated.
    """
    head = raw.read(4)
    raw.seek(0)
    if head.startswith(GZIP):
        yield from _gunzipped(raw)
    elif head == ZSTD or head[1:] == ZSTD_SKIPPABLE:
        yield from _unzstd(raw)
    else:
        yield from iter(lambda: raw.read(PIECE), b"")


def _gunzipped(raw: BinaryIO) -> Iterator[bytes]:
    """Inflate (RFC 1952): one member after the other, as tools that compress in parallel write them."""
    from isal import isal_zlib

    data = raw.read(PIECE)
    while data:
        member = isal_zlib.decompressobj(wbits=31)
        while not member.eof:
            if not data:
                raise StoreDamaged("a layer is damaged: its gzip stream ends too early")
            try:
                yield member.decompress(data, PIECE)
            except isal_zlib.error as error:  # type: ignore[misc]
                raise StoreDamaged(f"a layer is damaged: {error}") from None
            data = member.unconsumed_tail or (b"" if member.eof else raw.read(PIECE))
        data = member.unused_data or raw.read(PIECE)
        if not data.strip(b"\0"):  # padding, as tapes have it
            break


def _unzstd(raw: BinaryIO) -> Iterator[bytes]:
    """Inflate (RFC 8878), all frames."""
    import zstandard

    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX).stream_reader(raw, read_across_frames=True)
    try:
        yield from iter(lambda: reader.read(PIECE), b"")
    except zstandard.ZstdError as error:
        raise StoreDamaged(f"a layer is damaged: {error}") from None


@contextmanager
def hashed_ahead(chunks: Iterator[bytes], algorithm: str) -> Iterator[tuple[Iterator[bytes], Callable[[], str]]]:
    """Have a thread take the chunks and hash them. Yield them in turn, and the function that gives the digest at their end."""
    digest = hashlib.new(algorithm)
    ready: queue.Queue[bytes | BaseException | None] = queue.Queue(AHEAD)
    stop = threading.Event()

    def work() -> None:
        try:
            for chunk in chunks:
                if stop.is_set():
                    return
                digest.update(chunk)
                ready.put(chunk)
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    def take() -> Iterator[bytes]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=work, name="inflate", daemon=True)
    thread.start()
    try:
        yield take(), lambda: f"{algorithm}:{digest.hexdigest()}"
    finally:
        stop.set()
        while thread.is_alive():
            with_room(ready)
            thread.join(0.01)


def with_room(ready: "queue.Queue[bytes | BaseException | None]") -> None:
    """Empty a queue, so that whoever waits to put something there goes on."""
    try:
        while True:
            ready.get_nowait()
    except queue.Empty:
        return
