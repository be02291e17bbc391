"""The gRPC server that refuses calls: frames of HTTP/2 by hand, whole and in pieces."""

import socket
import struct
from collections.abc import Iterator
from threading import Thread

import pytest

from labcore.daemon.grpc_refusal import PREFACE, refuse_calls
from labcore.http import RawStream

SENTENCE = "no “builder” here: " + "long " * 60
SETTINGS, PING, HEADERS, GOAWAY, DATA = 4, 6, 1, 7, 0


def frame(kind: int, number: int = 0, payload: bytes = b"", flags: int = 0) -> bytes:
    return struct.pack(">BHBBI", 0, len(payload), kind, flags, number) + payload


@pytest.fixture
def client() -> Iterator[socket.socket]:
    """A client's socket; in the end the server has let go of its own."""
    ours, theirs = socket.socketpair()
    stream = RawStream(theirs, b"")
    thread = Thread(target=lambda: (refuse_calls(stream, SENTENCE), stream.close()))
    thread.start()
    ours.settimeout(10)
    with ours, theirs:
        yield ours
        ours.shutdown(socket.SHUT_WR)
        thread.join(10)
        assert not thread.is_alive()


def exactly(client: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = client.recv(size - len(found))
        assert piece, "it has ended"
        found += piece
    return found


def received(client: socket.socket) -> tuple[int, int, int, bytes]:
    high, low, kind, flags, number = struct.unpack(">BHBBI", exactly(client, 9))
    return kind, flags, number, exactly(client, high << 16 | low)


def test_a_call_is_refused_and_the_next_one_too(client: socket.socket) -> None:
    client.sendall(PREFACE + frame(SETTINGS) + frame(HEADERS, 1, b"\x88", 4) + frame(DATA, 1, b"x" * 100))
    assert received(client) == (SETTINGS, 0, 0, b"")
    assert received(client) == (SETTINGS, 1, 0, b"")
    for number in (1, 3):
        kind, flags, stream, headers = received(client)
        assert (kind, flags, stream) == (HEADERS, 5, number)
        assert headers.startswith(b"\x88\0\x0ccontent-type\x10application/grpc\0\x0bgrpc-status\x019\0\x0cgrpc-message\x7f")
        assert headers.endswith(b"no %E2%80%9Cbuilder%E2%80%9D here%3A " + b"long " * 60)
        assert received(client) == (3, 0, number, bytes(4))
        client.sendall(frame(HEADERS, number + 2, b"\x88", 4))


def test_a_ping_is_answered_and_bytes_may_come_one_by_one(client: socket.socket) -> None:
    for byte in PREFACE + frame(PING, payload=b"12345678") + frame(SETTINGS, flags=1):
        client.sendall(bytes([byte]))
    assert received(client) == (SETTINGS, 0, 0, b"")
    assert received(client) == (PING, 1, 0, b"12345678")


@pytest.mark.parametrize(
    "end",
    [
        frame(GOAWAY, payload=bytes(8)),
        struct.pack(">BHBBI", 1, 0, DATA, 0, 1),  # longer than it may be
        struct.pack(">BHBBI", 0, 100, DATA, 0, 1) + b"short",
        b"\0",
    ],
    ids=["goaway", "too long", "cut off", "half a head"],
)
def test_it_ends_when_the_client_ends(client: socket.socket, end: bytes) -> None:
    client.sendall(PREFACE + end)
    assert received(client) == (SETTINGS, 0, 0, b"")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


def test_what_is_no_http2_is_not_answered(client: socket.socket) -> None:
    client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
