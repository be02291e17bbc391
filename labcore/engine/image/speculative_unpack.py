"""Speculative unpack: blobs of an archive that look like layers are extracted before its manifest says which they are."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from typing import Final

from labcore.engine.image.streaming_unpack import StreamingUnpack
from labcore.images import Descriptor
from labcore.storage import LayerStore
from labcore.storage.layers import layer_id
from labcore.tar import Chunk, compression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from labcore.storage.unpack import UnpackedLayer

SMALL: Final = 1 << 16  # bytes, for which another thread is not worth while


class SpeculativeUnpack:
    """What has been unpacked so. What no image turns out to want is gone when `undo` is closed."""

    def __init__(self, layers: LayerStore, undo: ExitStack) -> None:
        self._layers = layers
        self._undo = undo
        self._last: UnpackedLayer | None = None
        self._unpacked: dict[str, UnpackedLayer] = {}

    def passing(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass on a blob's bytes; if it begins as a layer does, have it unpacked meanwhile."""
        first = bytes(next(chunks, b""))
        whole: Iterator[Chunk] = chain([first], chunks)
        if len(first) > SMALL and (first[257:262] == b"ustar" or compression(first) in ("gzip", "zstd")):
            with StreamingUnpack(self._unpack, guess=True) as unpack:
                yield from unpack.passing(lambda _: whole)(0)
        else:
            yield from whole

    def kept(self, blob: Descriptor) -> None:
        """Hear which blob it was that has passed last."""
        if self._last:
            self._unpacked[blob.digest] = self._last
            self._last = None

    def adopt(self, blob: Descriptor, diff_id: str) -> bool:
        """Keep what was unpacked of a blob as that layer; return whether it is that layer."""
        unpacked = self._unpacked.get(blob.digest)
        if unpacked is None or (unpacked.diff_id or blob.digest) != diff_id:
            return False
        del self._unpacked[blob.digest]
        unpacked.commit(layer_id(diff_id))
        return True

    def _unpack(self, open_archive: "Callable[[], BinaryIO]") -> None:
        self._last = self._undo.enter_context(self._layers.unpacked(open_archive))
