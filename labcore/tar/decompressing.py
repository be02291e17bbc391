"""Decompression of gzip, zstd, bzip2 and xz streams, recognised by their first bytes."""

from __future__ import annotations

import io

from isal import igzip_lib

from labcore.errors import StoreDamaged
from labcore.tar.frames import Frames, is_zstd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO, Final

# The first bytes -> how it is compressed; for zstd see frames.py.
MAGIC: Final = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}
LONGEST: Final = max(len(head) for head in MAGIC)
MEMORY: Final = 1 << 27  # bytes that zstd and xz may ask a reader to keep: as much as their own tools give unasked
CHUNK_SIZE: Final = 1 << 18


def compression(head: bytes) -> str:
    """Return the compression by a stream's first bytes; an empty text if it is not compressed."""
    if is_zstd(head):
        return "zstd"
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "")


def decompressed(source: BinaryIO | Peeked, what: str, greedy: Callable[[], object] = lambda: None) -> BinaryIO:
    """Return a reader of a stream's content, decompressed if it is compressed. The stream need not be seekable.

    Only one layer of compression is removed: a bomb in a bomb stays one. Reading raises StoreDamaged; `what` names the stream.
    `greedy` is called before much memory is taken, up to MEMORY.
    """
    peeked = source if isinstance(source, Peeked) else Peeked(source)
    kind = compression(peeked.head)
    if not kind:
        return peeked  # type: ignore[return-value]
    if kind == "xz":
        greedy()
    reader = _Zstd(Frames(peeked, greedy)) if kind == "zstd" else _Streams(kind, peeked)
    return _Decompressed(reader, kind, what)  # type: ignore[return-value]


class _Reader(io.RawIOBase):
    """A raw reader on top of an object with `read`."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self.read(len(buffer)) or b""
        buffer[: len(chunk)] = chunk
        return len(chunk)


class Peeked(_Reader):
    """A stream whose first bytes can be peeked at, `head`; reading still begins with them."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.head = b""
        while len(self.head) < LONGEST and (more := source.read(LONGEST - len(self.head))):
            self.head += more
        self._left = self.head

    def read(self, size: int = CHUNK_SIZE) -> bytes:
        """Return some of what comes next."""
        if not self._left:
            return self._source.read(size)
        head, self._left = self._left[:size], self._left[size:]
        return head if len(head) == size else head + self._source.read(size - len(head))


class _Streams:
    """Compressed streams one after another, as gzip, bzip2 and xz allow; zeros may pad the end."""

    def __init__(self, kind: str, source: Peeked) -> None:
        self._kind, self._make = kind, _MAKERS[kind]
        self._magic = next(magic for magic, name in MAGIC.items() if name == kind)
        self._source = source
        self._input = b""
        self._stream: Any = self._make()

    def read(self, size: int) -> bytes:
        while True:
            if self._stream.eof and not self._next():
                return b""
            if self._stream.needs_input and not self._input:
                self._input = self._source.read(CHUNK_SIZE)
                if not self._input:
                    raise EOFError("it ends in the middle")
            given, self._input = self._input, b""
            if chunk := self._stream.decompress(given, size):
                return bytes(chunk)

    def _next(self) -> bool:
        left = self._stream.unused_data.lstrip(b"\0")
        while not left and (more := self._source.read(CHUNK_SIZE)):
            left = more.lstrip(b"\0")
        if not left:
            return False
        if left[:1] != self._magic[:1]:
            raise EOFError(f"what follows its end is no {self._kind}")
        self._stream, self._input = self._make(), left
        return True


class _Zstd:
    def __init__(self, source: Frames) -> None:
        import zstandard  # which costs 3 ms, and few layers are compressed so

        decompressor = zstandard.ZstdDecompressor(max_window_size=MEMORY)
        self._stream = decompressor.stream_reader(source, read_size=CHUNK_SIZE, read_across_frames=True)  # type: ignore[arg-type]

    def read(self, size: int) -> bytes:
        return self._stream.read(size)


class _Decompressed(_Reader):
    """A decompressor whose errors name the stream."""

    def __init__(self, reader: _Streams | _Zstd, kind: str, what: str) -> None:
        self._reader = reader
        self._kind = kind
        self._what = what

    def read(self, size: int = CHUNK_SIZE) -> bytes:
        try:
            return self._reader.read(size)
        except Exception as error:
            if isinstance(error, OSError) and error.errno:  # the stream itself cannot be read
                raise
            raise StoreDamaged(f"{self._what} is damaged, or not complete: {self._kind}: {error}") from error


def _gzip() -> Any:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _bzip2() -> Any:
    import bz2  # which a Python may have been built without; and lzma

    return bz2.BZ2Decompressor()


def _xz() -> Any:
    import lzma

    return lzma.LZMADecompressor(memlimit=MEMORY)


_MAKERS: Final = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz}
