"""A gRPC server that refuses every call with a sentence: what clients of BuildKit find at POST /grpc, upgraded to h2c.

Without it `docker buildx` takes the daemon for one that can only run BuildKit in a container, and fetches that. It is as much
of HTTP/2 (RFC 9113) as an answer without a body takes, and of HPACK (RFC 7541) literal fields alone; what calls say is skipped.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

from labcore.http import RawStream

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD: Final = struct.Struct(">BHBBI")  # the length's three bytes, type, flags, stream
HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 1, 3, 4, 6, 7  # types of frames
ACK, END_STREAM, END_HEADERS = 0x1, 0x1, 0x4  # flags
MAX_FRAME_BYTES: Final = 1 << 14  # nobody may send more, unless told otherwise
STATUS_200: Final = b"\x88"
FAILED_PRECONDITION: Final = "9"
STREAM_MASK: Final = (1 << 31) - 1


def refuse_calls(stream: RawStream, sentence: str) -> None:
    """Answer each call with the sentence, until the client goes, or says what is no HTTP/2. Raises OSError."""
    incoming = _Incoming(stream.read)
    if incoming.exactly(len(PREFACE)) != PREFACE:
        return
    stream.write(_frame(SETTINGS, 0, 0, b""))
    answer = _answer(sentence)
    for kind, flags, number, payload in incoming.frames():
        if kind == GOAWAY:
            return
        if kind in (SETTINGS, PING) and not flags & ACK:
            stream.write(_frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind == HEADERS and number:
            stream.write(_frame(HEADERS, END_HEADERS | END_STREAM, number, answer))
            stream.write(_frame(RST_STREAM, 0, number, bytes(4)))  # what else the call would say is not needed


class _Incoming:
    """What the client sends, in frames."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._ahead = b""

    def exactly(self, size: int) -> bytes:
        """Return that many bytes, or fewer at the end."""
        while len(self._ahead) < size and (piece := self._read()):
            self._ahead += piece
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return taken

    def frames(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield type, flags, stream and payload of each frame, up to the end, or one that is too long."""
        while len(head := self.exactly(HEAD.size)) == HEAD.size:
            high, low, kind, flags, number = HEAD.unpack(head)
            size = high << 16 | low
            if size > MAX_FRAME_BYTES or len(payload := self.exactly(size)) < size:
                return
            yield kind, flags, number & STREAM_MASK, payload


def _frame(kind: int, flags: int, number: int, payload: bytes) -> bytes:
    return HEAD.pack(len(payload) >> 16, len(payload) & 0xFFFF, kind, flags, number) + payload


def _answer(sentence: str) -> bytes:
    """Return the headers of an answer that has trailers alone (gRPC over HTTP/2)."""
    fields = {"content-type": "application/grpc", "grpc-status": FAILED_PRECONDITION, "grpc-message": quote(sentence, safe=" ")}
    return STATUS_200 + b"".join(b"\0" + _literal(name.encode()) + _literal(value.encode()) for name, value in fields.items())


def _literal(text: bytes) -> bytes:
    """Return a string of HPACK: its length, in seven bits and as many times seven as it takes, and its bytes."""
    size = len(text)
    if size < 0x7F:
        return bytes([size]) + text
    size, found = size - 0x7F, b"\x7f"
    while size >= 0x80:
        found += bytes([size & 0x7F | 0x80])
        size >>= 7
    return found + bytes([size]) + text
