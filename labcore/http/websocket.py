"""Websockets, the server's side (RFC 6455): the handshake, and messages both ways on a connection that was upgraded."""

import base64
import hashlib
import struct
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from labcore.http.exceptions import HTTPException
from labcore.http.message import Request
from labcore.http.raw_stream import RawStream

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
KEY_SIZE: Final = 16  # bytes
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10  # section 5.2
FINAL: Final = 0x80
MASKED: Final = 0x80
MAX_PAYLOAD_BYTES: Final = 1 << 20  # of one frame
MAX_CONTROL_BYTES: Final = 125
PROTOCOL_ERROR, TOO_LARGE, NORMAL = 1002, 1009, 1000  # section 7.4.1


def handshake_headers(request: Request) -> dict[str, str]:
    """Return the headers that accept a websocket (section 4.2.2). Raises HTTPException if none is asked for."""
    key = request.headers.get("sec-websocket-key", "").strip()
    try:
        is_key = len(base64.b64decode(key, validate=True)) == KEY_SIZE
    except ValueError:
        is_key = False
    if request.upgrade.lower() != "websocket" or not is_key:
        raise HTTPException("not websocket protocol", HTTPStatus.BAD_REQUEST)
    if request.headers.get("sec-websocket-version") != "13":
        raise HTTPException("not websocket protocol", HTTPStatus.BAD_REQUEST, {"Sec-WebSocket-Version": "13"})
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest()).decode()
    return {"Sec-WebSocket-Accept": accept}


class WebSocket:
    """Messages, in which nobody's boundaries count: `read` returns what the client sends, `write` sends a binary message."""

    def __init__(self, stream: RawStream) -> None:
        self._stream = stream
        self._left = b""
        self._closing = False

    def read(self) -> bytes:
        """Return some bytes; nothing at the end. Raises OSError."""
        while not self._closing:
            try:
                kind, payload = self._frame()
            except ConnectionError:
                return b""
            except ValueError as error:
                self._close(error.args[0])
                return b""
            if kind == PING:
                self._send(PONG, payload)
            elif kind == CLOSE:
                self._close(struct.unpack(">H", payload[:2])[0] if len(payload) > 1 else NORMAL)
            elif kind in (CONTINUATION, TEXT, BINARY) and payload:
                return payload
        return b""

    def write(self, data: bytes) -> None:
        """Send a message. Raises OSError."""
        self._send(BINARY, data)

    def close(self) -> None:
        """Say that nothing more follows."""
        self._close(NORMAL)

    def _close(self, code: int) -> None:
        if not self._closing:
            self._closing = True
            with suppress(OSError):
                self._send(CLOSE, struct.pack(">H", code))

    def _send(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        if size <= MAX_CONTROL_BYTES:
            head = struct.pack(">BB", FINAL | kind, size)
        elif size < 1 << 16:
            head = struct.pack(">BBH", FINAL | kind, 126, size)
        else:
            head = struct.pack(">BBQ", FINAL | kind, 127, size)
        self._stream.write(head + payload)

    def _frame(self) -> tuple[int, bytes]:
        """Read a frame: its kind, and its payload unmasked. Raises ConnectionError at the end, ValueError(status code)."""
        first, second = self._exactly(2)
        kind, size = first & 0x0F, second & 0x7F
        is_control = kind >= CLOSE
        if first & 0x70 or not second & MASKED or kind not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ValueError(PROTOCOL_ERROR)
        if is_control and (size > MAX_CONTROL_BYTES or not first & FINAL):
            raise ValueError(PROTOCOL_ERROR)
        if size == 126:
            (size,) = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._exactly(8))
        if size > MAX_PAYLOAD_BYTES:
            raise ValueError(TOO_LARGE)
        mask, payload = self._exactly(4), self._exactly(size)
        return kind, _unmasked(payload, mask)

    def _exactly(self, size: int) -> bytes:
        parts = bytearray(self._left[:size])
        self._left = self._left[size:]
        while len(parts) < size:
            data = self._stream.read()
            if not data:
                raise ConnectionError("the client has gone")
            wanted = size - len(parts)
            parts += data[:wanted]
            self._left = data[wanted:]
        return bytes(parts)


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """Return the payload, each byte xored with the mask's (section 5.3), as one large number."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
