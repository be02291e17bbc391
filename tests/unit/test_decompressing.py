"""What is compressed comes whole, or it is said that it does not: cut off anywhere, followed by anything."""

import bz2
import gzip
import io
import lzma
import struct
import threading
from collections.abc import Callable
from random import Random

import pytest
import zstandard

from labcore.errors import StoreDamaged
from labcore.storage.unpack import decompressed_ahead
from labcore.tar import compression, decompressed

CONTENT = Random(5).randbytes(3000) + b"again and again " * 40_000
SKIPPED = struct.pack("<II", 0x184D2A5B, 11) + b"\x28\xb5\x2f\xfd, it is"


def windowed(log: int, content: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(window_log=log, write_checksum=True)
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return writer.compress(content) + writer.flush()


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zstd, with a checksum": lambda content: windowed(20, content),
    "zstd, a tiny frame": lambda content: zstandard.compress(content[:1]) + zstandard.compress(content[1:]),
    "zstd, nothing": lambda content: zstandard.compress(b"") + zstandard.compress(content) + zstandard.compress(b""),
    "zstd, with frames for others": lambda content: SKIPPED + zstandard.compress(content) + SKIPPED,
    "zstd, a frame for others first": lambda content: SKIPPED * 3 + zstandard.compress(content[:9]) + windowed(10, content[9:]),
}


class Dripping(io.RawIOBase):
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        self._content, self._most = io.BytesIO(content), most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, self._most) if size >= 0 else self._most)


def whole(stream: io.RawIOBase | io.BytesIO) -> bytes:
    reader = decompressed(stream, "the stream")  # type: ignore[arg-type]
    content = b"".join(iter(lambda: reader.read(1 << 16), b""))
    assert reader.read(1) == b""  # the end stays the end
    return content


@pytest.mark.parametrize("how", COMPRESSORS)
def test_all_of_it_and_nothing_less(how: str) -> None:
    raw = COMPRESSORS[how](CONTENT)
    assert compression(raw) == how.partition(",")[0]
    for most in (1 << 18, 1000, 7, 1):
        assert whole(Dripping(raw, most)) == CONTENT
    lengths = {0, len(SKIPPED), 2 * len(SKIPPED), 3 * len(SKIPPED)}  # so short it is whole, or no stream at all
    for length in sorted({*range(6, len(raw), 41), *range(len(raw) - 12, len(raw))} - lengths):
        complete = how.startswith("zstd,") and whole_frames(raw[:length])
        if not complete:
            with pytest.raises(StoreDamaged, match=r"the stream is damaged, or not complete"):
                whole(io.BytesIO(raw[:length]))


def whole_frames(raw: bytes) -> bool:
    """Are these a few whole frames? A decoder of single ones tells."""
    while raw:
        if raw[1:4] == b"\x2a\x4d\x18":
            (size,) = struct.unpack("<I", raw[4:8]) if len(raw) >= 8 else (1 << 30,)
            if len(raw) < 8 + size:
                return False
            raw = raw[8 + size :]
            continue
        decoder = zstandard.ZstdDecompressor().decompressobj()
        decoder.decompress(raw)
        if not decoder.eof:
            return False
        raw = decoder.unused_data
    return True


@pytest.mark.parametrize("how", COMPRESSORS)
def test_what_follows_is_no_part_of_it(how: str) -> None:
    raw = COMPRESSORS[how](CONTENT)
    for behind in (b"garbage, and a lot of it", b"\x28\xb5\x2f", b"\x1f\x8b"):
        with pytest.raises(StoreDamaged):
            whole(io.BytesIO(raw + behind))
    if not how.startswith("zstd"):
        with pytest.raises(StoreDamaged, match=f"{how}: what follows its end is no {how}"):
            whole(Dripping(raw + bytes(9) + b"garbage, and a lot of it", 5))


def test_a_window_larger_than_zstds_own_tool_gives_is_refused() -> None:
    with pytest.raises(StoreDamaged, match="too much memory"):
        whole(io.BytesIO(windowed(28, CONTENT)))


def test_layers_that_need_much_memory_take_turns() -> None:
    """Three at once, each with a window of 128 MB: there is one such window at a time, and modest ones go on beside it."""
    content = bytes(20 << 20)
    greedy, modest = windowed(27, content), windowed(20, content)
    with decompressed_ahead(io.BytesIO(greedy), "one", plain="", compressed="") as (chunks, _):
        next(chunks)
        got: list[str] = []

        def inflate(raw: bytes, name: str) -> None:
            with decompressed_ahead(io.BytesIO(raw), name, plain="", compressed="") as (others, _):
                assert sum(map(len, others)) == len(content)
            got.append(name)

        others = [threading.Thread(target=inflate, args=(raw, name)) for raw, name in ((greedy, "greedy"), (modest, "modest"))]
        for thread in others:
            thread.start()
        others[1].join(60)
        assert got == ["modest"]
    others[0].join(60)
    assert got == ["modest", "greedy"]
