"""zstd frames: window sizes and completeness, read from the frame headers of a stream.

The decoder reports neither: for it a truncated stream is a short one. (RFC 8878, section 3.1.)
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

MAGIC: Final = b"\x28\xb5\x2f\xfd"
HEADER_MAX: Final = 18
MODEST: Final = 1 << 23  # bytes of a window: what every decoder should provide, and zstd takes up to level 19
RLE: Final = 1  # a kind of block: one byte, which stands for many


class Source(Protocol):
    """What compressed bytes are read from."""

    def read(self, size: int = ..., /) -> bytes:
        """Return some bytes, none at the end."""


def is_zstd(head: bytes) -> bool:
    """Are these the first bytes of a zstd stream? Its first frame may be a skippable one."""
    return head.startswith(MAGIC) or is_skippable(head)


def is_skippable(head: bytes) -> bool:
    """Are these the first bytes of a skippable frame?"""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5


class Frames:
    """A source of zstd frames. `greedy` is called before one comes whose window is more than MODEST.

    Reading raises EOFError for an end inside of a frame, ZstdError for what is no frame.
    """

    def __init__(self, source: Source, greedy: Callable[[], object]) -> None:
        import zstandard  # which costs 3 ms, and few layers are compressed so

        self._zstd = zstandard
        self._source = source
        self._greedy = greedy
        self._ahead = 0  # bytes until the next header
        self._begun = b""  # of a header of which only a part has come
        self._inside = False  # is the next header a block's?
        self._checksum = 0  # bytes behind the last block

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, none at the end."""
        chunk = bytes(self._source.read(size))
        if not chunk and (self._ahead or self._begun or self._inside):
            raise EOFError("it ends in the middle")
        data, position = self._begun + chunk, self._ahead
        while position < len(data):
            length = self._block(data, position) if self._inside else self._frame(data, position)
            if not length:
                break
            position += length
        self._ahead, self._begun = max(0, position - len(data)), data[position:]
        return chunk

    def _frame(self, data: bytes, at: int) -> int:
        """Return the length of a frame's header, or of a whole frame for others; 0 if more must come first."""
        head = data[at : at + HEADER_MAX]
        if is_skippable(head):
            return 8 + int.from_bytes(head[4:8], "little") if len(head) >= 8 else 0
        try:
            said = self._zstd.get_frame_parameters(head)
        except self._zstd.ZstdError:
            if len(head) < HEADER_MAX:
                return 0
            raise
        if said.window_size > MODEST:
            self._greedy()
        self._inside, self._checksum = True, 4 * said.has_checksum
        return self._zstd.frame_header_size(head)

    def _block(self, data: bytes, at: int) -> int:
        """Return the length of a block, with the frame's checksum if it is the last; 0 if more must come first."""
        if len(data) < at + 3:
            return 0
        header = int.from_bytes(data[at : at + 3], "little")
        size = 1 if header >> 1 & 3 == RLE else header >> 3
        self._inside = not header & 1
        return 3 + size + (0 if self._inside else self._checksum)
