"""The HTTP server, against what clients may send, and what they should not."""

import contextlib
import hashlib
import re
import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme

from labcore.http import FilePart, Request, Response, Server, SizedStream, listen_tcp, reader, request_parser
from labcore.http import connection as connections
from labcore.http.server import _party
from tests.serving import eventually

CHUNK_SIZE = 1 << 17
MUCH = hashlib.shake_256(b"much").digest(8 << 20)


def handler(request: Request) -> Response:
    """Say what was understood; /unread leaves the body where it is, /pieces answers in some."""
    if request.path == "/unread":
        return Response(HTTPStatus.OK, {}, b"unread")
    if request.path == "/much":
        return Response(
            HTTPStatus.OK, {}, SizedStream((MUCH[at : at + CHUNK_SIZE] for at in range(0, len(MUCH), CHUNK_SIZE)), len(MUCH))
        )
    if request.path == "/pieces":
        return Response(HTTPStatus.OK, {}, iter([b"one,", b"", b"two"]))
    if request.path in ("/short", "/long", "/exact"):
        return Response(HTTPStatus.OK, {}, SizedStream([b"one", b"two"], {"/short": 7, "/long": 4, "/exact": 6}[request.path]))
    if request.path == "/bad":
        return Response(HTTPStatus.OK, {"X-Said": "a\r\nSet-Cookie: b\u4e2d"}, b"")
    size = 0
    while piece := request.body.read(1 << 16):
        size += len(piece)
    return Response(HTTPStatus.OK, {}, f"[{request.method} {request.path} {size}]".encode())


class Served:
    """A server, and connections to it."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def connect_small(self) -> socket.socket:
        """Connect with little room for what comes."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(self, data: bytes, timeout: float = 10) -> bytes:
        """Send bytes, and return all that comes until the server ends it."""
        with self.connect(timeout) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return rest_of(connection)


def rest_of(connection: socket.socket) -> bytes:
    try:
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))
    except ConnectionResetError:
        return b"reset"


def peek(connection: socket.socket) -> bytes:
    try:
        return connection.recv(1000, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return b""


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.fixture
def many_files() -> Iterator[None]:
    """As many descriptors as a thousand connections take that have both their ends here."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 4096:
        pytest.skip("no process may have 4096 descriptors here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4096), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture
def served() -> Iterator[Served]:
    listener = listen_tcp("127.0.0.1", 0)
    server = Server(listener, handler)
    thread = server.start()
    yield Served(server, listener.getsockname()[1])
    server.close()
    thread.join(60)
    assert not thread.is_alive()


HOST = b"Host: x\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST


@pytest.mark.parametrize(
    ("sent", "expected", "said"),
    [
        (GET + b"\r\n", [200], b"[GET /a 0]"),
        (b"\r\n" + GET + b"\r\n", [200], b"[GET /a 0]"),
        (GET + b"\r\n" + GET.replace(b"/a", b"/b") + b"\r\n", [200, 200], b"[GET /b 0]"),
        (GET + b"Connection: close\r\n\r\n" + GET + b"\r\n", [200], b"Connection: close"),
        (b"GET http://elsewhere:80/a?b HTTP/1.1\r\n" + HOST + b"\r\n", [200], b"[GET /a 0]"),
        (b"GET /a%20b%2fc HTTP/1.1\r\n" + HOST + b"\r\n", [200], b"[GET /a b/c 0]"),
        (b"HEAD /a HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n", [200, 200], b"Content-Length: 11\r\n\r\nHTTP/1.1 200"),
        (b"HEAD /a HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc" + GET + b"\r\n", [200, 200], b"[GET /a 0]"),
        (b"GET /pieces HTTP/1.1\r\n" + HOST + b"\r\n", [200], b"\r\n\r\n4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n"),
        (b"GET /exact HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n", [200, 200], b"Length: 6\r\n\r\nonetwoHTTP"),
        (b"GET /short HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n", [200], b"Length: 7\r\n\r\nonetwo"),
        (b"GET /long HTTP/1.1\r\n" + HOST + b"\r\n" + GET + b"\r\n", [200], b"Length: 4\r\n\r\none"),
        (b"GET /bad HTTP/1.1\r\n" + HOST + b"\r\n", [200], b"X-Said: a  Set-Cookie: b?\r\n"),
        (GET + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + GET + b"\r\n", [200, 200], b"[GET /a 0]"),
        # HTTP/1.0
        (b"GET /a HTTP/1.0\r\n\r\n", [200], b"Connection: close"),
        (b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2, [200, 200], b"Connection: keep-alive"),
        (b"GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200], b"close\r\n\r\none,two"),
        # bodies
        (b"PUT /a HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc" + GET + b"\r\n", [200, 200], b"[PUT /a 3]"),
        (b"PUT /a HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc", [200], b"/a 3]"),
        (
            b"PUT /a HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n0A;name=value\r\n0123456789\r\n0\r\nTrailer: x\r\nHost: y\r\n\r\n" + GET + b"\r\n",
            [200, 200],
            b"[PUT /a 13]",
        ),
        (b"PUT /unread HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc" + GET + b"\r\n", [200, 200], b"[GET /a 0]"),
        (b"PUT /a HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", [100], b""),
        (b"PUT /unread HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n", [200], b"close"),
        (b"PUT /a HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab", [200], b"[PUT /a 2]"),
        # what is refused
        (b"NONSENSE\r\n\r\n", [501], b"no such method"),
        (b"GET nonsense\r\n\r\n", [400], b"no HTTP"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", [400], b"no HTTP"),
        (b"FOO /a HTTP/1.1\r\n" + HOST + b"\r\n", [501], b""),
        (b"GET /a HTTP/2.0\r\n" + HOST + b"\r\n", [505], b""),
        (b"GET /a HTTP/1.1\r\n\r\n", [400], b"exactly one Host"),
        (GET + HOST + b"\r\n", [400], b"exactly one Host"),
        (GET + b" folded: x\r\n\r\n", [400], b""),
        (GET + b"A : b\r\n\r\n", [400], b""),
        (GET + b"A: b\x00c\r\n\r\n", [400], b""),
        (b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n", [400], b""),
        (GET.replace(b"\r\n", b"\n") + b"\n", [400], b""),
        (GET + b"Expect: the moon\r\n\r\n", [417], b""),
        (GET + b"A: " + b"b" * 70_000 + b"\r\n\r\n", [431], b""),
        (GET + b"A: b\r\n" * 20_000 + b"\r\n", [431], b""),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", [431], b""),
        (GET + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400], b""),
        (GET + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", [400], b""),
        (GET + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", [400], b""),
        (GET + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", [400], b""),
        (GET + b"Content-Length: -1\r\n\r\n", [400], b""),
        (GET + b"Content-Length: +1\r\n\r\na", [400], b""),
        (GET + b"Content-Length: 0x1\r\n\r\na", [400], b""),
        (GET + b"Content-Length: 99999999999999999999999\r\n\r\na", [400], b""),
        (GET + b"Transfer-Encoding: gzip\r\n\r\n", [400], b""),
        (GET + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [501], b""),
        (b"GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400], b""),
        (GET + b"Transfer-Encoding: chunked\r\n\r\nZ\r\nabc\r\n0\r\n\r\n", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"x" * 9000 + b"\r\na\r\n0\r\n\r\n", [400], b"chunk"),
        (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 20_000 + b"\r\n", [400], b"chunk"),
        (GET, [408], b"breaks off"),
        (GET + b"Content-Length: 9\r\n\r\nabc", [], b""),
        (b"", [], b""),
    ],
)
def test_what_is_sent_and_answered(served: Served, sent: bytes, expected: list[int], said: bytes) -> None:
    answer = served.ask(sent)
    assert statuses(answer) == expected
    assert said in answer


def test_an_answer_is_not_lost_with_the_connection(served: Served) -> None:
    """Who is refused while sending much can read why."""
    with served.connect() as connection:
        connection.sendall(b"PUT /unread HTTP/1.1\r\n" + HOST + b"Content-Length: 8000000\r\n\r\n" + bytes(8_000_000))
        assert statuses(rest_of(connection)) == [200]


def test_a_request_that_comes_byte_by_byte(served: Served) -> None:
    with served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.001)
        assert b"[PUT /a 2]" in connection.recv(1000)


def test_the_word_that_is_waited_for(served: Served) -> None:
    with served.connect() as connection:
        for _ in range(2):
            connection.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(b"ab")
            assert b"[PUT /a 2]" in connection.recv(1000)


def test_a_head_that_never_ends_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a byte comes: else a few clients would hold all threads."""
    monkeypatch.setattr(request_parser, "HEAD_TIMEOUT_SECONDS", 0.5)
    with served.connect() as connection:
        connection.sendall(b"GET /a HTTP/1.1\r\n")
        for _ in range(1000):
            if b"408" in peek(connection):
                return
            connection.sendall(b"A: b\r\n")
            time.sleep(0.05)
    pytest.fail("it is still heard")


def test_a_body_that_only_drips_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_parser, "IO_TIMEOUT_SECONDS", 0.5)
    with served.connect() as connection:
        connection.sendall(b"PUT /a HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n")
        for _ in range(900):  # fewer than the body has
            try:
                connection.sendall(b"a")
            except OSError:
                return
            time.sleep(0.05)
    pytest.fail("it is still read")


@pytest.mark.usefixtures("many_files")
def test_a_thousand_silent_connections_keep_nobody_out(served: Served) -> None:
    threads = threading.active_count()
    silent = [served.connect() for _ in range(1000)]
    try:
        for connection in silent[:20]:  # some have asked something before they fell silent
            connection.sendall(GET + b"\r\n")
            assert b"[GET /a 0]" in connection.recv(1000)
        assert statuses(served.ask(GET + b"\r\n")) == [200]
        assert threading.active_count() - threads < 50
        for connection in silent:  # and they are heard when they speak again
            connection.sendall(GET + b"\r\n")
        assert all(b"[GET /a 0]" in connection.recv(1000) for connection in silent)
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.usefixtures("many_files")
@pytest.mark.parametrize("said", [b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a HTTP/1.1\r\nHos"])
def test_who_does_not_read_or_does_not_end_keeps_nobody_out(served: Served, said: bytes) -> None:
    """Neither who stalls costs a thread."""
    threads = threading.active_count()
    stalled = [served.connect_small() for _ in range(700)]
    try:
        for connection in stalled:
            connection.sendall(said)
        for _ in range(3):
            assert statuses(served.ask(GET + b"\r\n", timeout=30)) == [200]
            time.sleep(0.2)
        deadline = time.monotonic() + 30
        while len(served.server._resting) < 700 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(served.server._resting) >= 700
        assert served.server._busy.total() == 0
        assert threading.active_count() - threads <= 140
        if said.endswith(b"\r\n"):  # what was held up is whole when it is read at last
            for connection in stalled[::300]:
                connection.shutdown(socket.SHUT_WR)
                assert rest_of(connection).partition(b"\r\n\r\n")[2] == MUCH
        else:
            for connection in stalled[::100]:
                connection.sendall(b"t: x\r\n\r\n")
                assert b"[GET /a 0]" in connection.recv(1000)
    finally:
        for connection in stalled:
            connection.close()


@pytest.mark.usefixtures("many_files")
def test_bodies_that_do_not_come_hold_no_more_than_one_addresss_threads(served: Served) -> None:
    begun = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    stalled = [served.connect() for _ in range(200)]
    try:
        for connection in stalled:
            connection.sendall(begun)
        for _ in range(100):
            if served.server._busy["127.0.0.1"] == 128:
                break
            time.sleep(0.05)
        with socket.create_connection(("127.0.0.1", served.port), timeout=10, source_address=("127.0.0.2", 0)) as other:
            other.sendall(GET + b"\r\n")
            assert b"[GET /a 0]" in other.recv(1000)
        for connection in stalled:  # each gets its turn
            connection.sendall(b"ab")
        assert all(b"[PUT /a 2]" in connection.recv(1000) for connection in stalled)
        assert not served.server._queued
    finally:
        for connection in stalled:
            connection.close()


def test_room_is_made_for_others_by_who_waits_for_a_turn(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.http.server.MAX_WORKERS_PER_CLIENT", 2)
    served.server._most = 20
    stalled = [served.connect() for _ in range(20)]
    for connection in stalled:
        connection.sendall(b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
    with socket.create_connection(("127.0.0.1", served.port), timeout=10, source_address=("127.0.0.2", 0)) as other:
        other.sendall(GET + b"\r\n")
        assert b"[GET /a 0]" in other.recv(1000)
    for connection in stalled:
        connection.close()


@pytest.mark.parametrize(
    ("address", "party"),
    [(("10.0.0.1", 5), "10.0.0.1"), (("::ffff:10.0.0.1", 5, 0, 0), "10.0.0.1"), (("::1", 5, 0, 0), "0" * 16),
     ("", ""), (b"", ""), (("2001:db8:1:2:3::4", 5, 0, 0), "20010db800010002"), (("fe80::1%lo", 5, 0, 1), "fe80000000000000")],
)  # fmt: skip
def test_whose_an_address_is(address: object, party: str) -> None:
    assert _party(address) == party


def test_answers_that_are_not_read_take_no_more_memory_than_they_may(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labcore.http.server.MAX_BUFFERED_BYTES", 3 * CHUNK_SIZE)
    stalled = [served.connect_small() for _ in range(20)]
    for connection in stalled:
        connection.sendall(b"GET /much HTTP/1.1\r\n" + HOST + b"\r\n")
    assert eventually(lambda: served.server._held > 0)
    assert eventually(lambda: len(served.server._open) <= 3)
    assert served.server._open
    assert served.server._held <= 3 * CHUNK_SIZE
    for connection in stalled:
        connection.close()
    assert eventually(lambda: not served.server._open)
    assert served.server._held == 0


def test_an_answer_that_is_not_read_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "IO_TIMEOUT_SECONDS", 0.5)
    with served.connect() as connection:
        connection.sendall(b"GET /much HTTP/1.1\r\n" + HOST + b"\r\n")
        assert eventually(lambda: len(served.server._open) == 1)
        assert eventually(lambda: not served.server._open)
        with contextlib.suppress(ConnectionError):
            assert len(rest_of(connection)) < len(MUCH)


def test_when_there_are_too_many_the_longest_silent_goes(served: Served) -> None:
    served.server._most = 10
    silent = [served.connect() for _ in range(30)]
    assert statuses(served.ask(GET + b"\r\n")) == [200]
    assert silent[0].recv(10) == b""
    silent[-1].sendall(GET + b"\r\n")
    assert b"[GET /a 0]" in silent[-1].recv(1000)
    for connection in silent:
        connection.close()


def test_when_all_are_busy_the_next_one_waits(served: Served) -> None:
    served.server._most = 2
    begun = b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    busy = [served.connect() for _ in range(2)]
    for connection in busy:
        connection.sendall(begun)
        assert b"100 Continue" in connection.recv(1000)
    with served.connect() as waiting:
        waiting.sendall(GET + b"\r\n")
        waiting.settimeout(0.3)
        with pytest.raises(TimeoutError):
            waiting.recv(1000)
        for connection in busy:
            connection.sendall(b"ab")
            assert b"[PUT /a 2]" in connection.recv(1000)
            connection.close()
        waiting.settimeout(10)
        assert b"[GET /a 0]" in waiting.recv(1000)


def test_a_file_and_its_parts_also_by_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    content = hashlib.shake_256(b"x").digest(3_000_000)
    (tmp_path / "file").write_bytes(content)
    monkeypatch.setattr(connections, "HANDSHAKE_TIMEOUT_SECONDS", 0.5)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    listener = listen_tcp("127.0.0.1", 0)
    server = Server(
        listener,
        lambda _: Response(HTTPStatus.OK, {}, FilePart((tmp_path / "file").open("rb", buffering=0), 5, 2_000_000)),
        tls=context,
    )
    thread = server.start()
    address = listener.getsockname()
    with socket.create_connection(address, timeout=10) as plain:  # who does not speak TLS is let go
        plain.sendall(GET + b"\r\n")
        assert not statuses(rest_of(plain))
    with socket.create_connection(address, timeout=10) as mute:  # and who says nothing of it
        mute.sendall(b"\x16")
        assert rest_of(mute) == b""
    monkeypatch.setattr(connections, "HANDSHAKE_TIMEOUT_SECONDS", 60)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with trusting.wrap_socket(socket.create_connection(address, timeout=10), server_hostname="localhost") as secured:
        for pause in (0.0, 0.5):  # the second time it has rested
            time.sleep(pause)
            secured.sendall(GET + b"\r\n")
            time.sleep(pause)  # and so has the answer
            answer = b""
            while len(answer.partition(b"\r\n\r\n")[2]) < 2_000_000:
                answer += secured.recv(1 << 16)
            assert answer.partition(b"\r\n\r\n")[2] == content[5 : 5 + 2_000_000]
    server.close()
    thread.join(60)
