"""A chunked body (RFC 9112, 7.1): the same content however its chunks come; those that have come go on in one piece."""

import os
import random
import socket
from typing import cast

import pytest

from labcore.http import HTTPException
from labcore.http.client import Client
from labcore.http.reader import MAX_CHUNKS, Reader
from labcore.http.request_parser import RequestParser

HEAD = b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MOST = 1 << 18


def chunk(content: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(content), extension, content)


def pieces_of(*sent: bytes) -> list[bytes]:
    """Send these one after the other, each when all before it was read; return the pieces in which a body comes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        later = list(sent)
        theirs.sendall(HEAD + later.pop(0))
        with pytest.raises(StopIteration) as received:
            next(RequestParser.receive(Reader(ours), cast("Client", None)))
        body, pieces = received.value.value.request.body, []
        while True:
            if later:
                theirs.sendall(later.pop(0))
            if not (piece := body.read(MOST)):
                return pieces
            pieces.append(piece)


def test_chunks_that_have_come_go_on_in_one_piece() -> None:
    contents = [os.urandom(size) for size in (1, 4000, 17, 20_000)]
    whole = b"".join(map(chunk, contents))
    assert pieces_of(whole + b"0\r\n\r\n") == [b"".join(contents)]
    assert pieces_of(whole + b"5\r\nbe", b"gun\r\n0\r\n\r\n") == [b"".join(contents), b"be", b"gun"]


def test_no_more_than_some_of_them() -> None:
    assert [len(piece) for piece in pieces_of(chunk(b"x") * (MAX_CHUNKS + 1) + b"0\r\n\r\n")] == [MAX_CHUNKS, 1]


@pytest.mark.parametrize("seed", range(20))
def test_wherever_what_comes_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    contents = [rng.randbytes(rng.choice((1, 2, 15, 16, 255, 3000))) for _ in range(10)]
    sent = b"".join(chunk(each, rng.choice((b"", b" ;name=value"))) for each in contents) + b"0\r\nTrailer: x\r\n\r\n"
    cut = rng.randrange(1, len(sent))
    assert b"".join(pieces_of(sent[:cut], sent[cut:])) == b"".join(contents)


@pytest.mark.parametrize("wrong", [b"2\r\nabc\r\n", b"1;" + b"x" * 5000 + b"\r\na\r\n", b"g\r\n", b"1\r\na\n\r\n"])
def test_a_wrong_one_after_others(wrong: bytes) -> None:
    with pytest.raises(HTTPException, match="chunk"):
        pieces_of(chunk(b"good") * 3 + wrong + b"0\r\n\r\n")
