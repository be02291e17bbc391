"""Upgraded connections: raw bytes both ways, half-close, bytes that came ahead, by TCP, unix sockets and TLS."""

import hashlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from labcore.http import RawStream, Request, Response, Route, Router, Server, Upgrade, listen_tcp, listen_unix
from labcore.unix_sockets import connect
from tests.serving import eventually, running

MUCH = hashlib.shake_256(b"much").digest(3 << 20)
RAW = "application/vnd.docker.raw-stream"
ASKED = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"
ENDED: list[str] = []


def echo(stream: RawStream) -> None:
    """Send back what comes, and say at its end how much it was."""
    size = 0
    while piece := stream.read():
        size += len(piece)
        stream.write(piece)
    stream.write(b"[%d]" % size)


def count(stream: RawStream) -> None:
    """Send much before anything is read, and then how much has come."""
    try:
        stream.write(MUCH)
        size = sum(len(piece) for piece in iter(stream.read, b""))
        stream.write(b"[%d]" % size)
    finally:
        ENDED.append("count")


def last_words(stream: RawStream) -> None:
    """End what is sent, and send nothing more; what comes is still read."""
    stream.write(b"bye")
    stream.close_write()
    with suppress(OSError):
        stream.write(b"too late")
    ENDED.append(b"".join(iter(stream.read, b"")).decode())


def at_once(stream: RawStream) -> None:
    """Be done while the client still sends, and while a thread of ours reads."""
    thread = threading.Thread(target=lambda: ENDED.append(f"{len(b''.join(iter(stream.read, b'')))}"))
    thread.start()
    stream.write(b"done")
    stream.close()
    thread.join(60)
    assert not thread.is_alive()


def stuck(stream: RawStream) -> None:
    """Be done while a thread of ours writes what the client does not read."""

    def write() -> None:
        with suppress(OSError):
            while True:
                stream.write(MUCH)

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    stream.close()
    thread.join(60)
    ENDED.append(f"alive: {thread.is_alive()}")


def fails(stream: RawStream) -> None:
    """Fail in the middle."""
    stream.write(b"before")
    raise ZeroDivisionError("a secret")


def three_writers(stream: RawStream) -> None:
    """Write from three threads at once."""
    threads = [threading.Thread(target=lambda n=n: [stream.write(b"%d" % n * 300_000) for _ in range(5)]) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)


def upgraded(serve: Callable[[RawStream], object]) -> Callable[[Request], Response | Upgrade]:
    return lambda request: Upgrade(serve, {"Content-Type": RAW})


def with_body(request: Request) -> Upgrade:
    """Take the body first, as the start of an exec does."""
    body = request.body.read_at_most(1000)
    return Upgrade(lambda stream: (stream.write(b"{%s}" % body), echo(stream)))


ROUTER = Router(
    [
        *(Route("POST", f"/{serve.__name__}", upgraded(serve), long_running=True)
          for serve in (echo, count, last_words, at_once, stuck, fails, three_writers)),
        Route("POST", "/with_body", with_body, long_running=True),
        Route("POST", "/short", upgraded(echo)),
        Route("GET", "/_ping", lambda _: Response(200, {}, b"OK")),
    ]
)  # fmt: skip


class Socket:
    """A client's end: `shut` ends what it sends, also by TLS, whose socket objects in Python cannot."""

    def __init__(self, raw: socket.socket, tls: ssl.SSLContext | None) -> None:
        self.raw = raw
        raw.settimeout(10)
        self.unread = b""
        self.come, self.going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = tls.wrap_bio(self.come, self.going, server_hostname="localhost") if tls else None
        if self.tls:
            self._do(self.tls.do_handshake)

    def _do(self, call: Callable[[], Any]) -> Any:
        while True:
            try:
                done = call()
            except ssl.SSLWantReadError:
                self.raw.sendall(self.going.read())
                if data := self.raw.recv(1 << 16):
                    self.come.write(data)
                else:
                    self.come.write_eof()
            else:
                self.raw.sendall(self.going.read())
                return done

    def send(self, data: bytes) -> None:
        if not self.tls:
            return self.raw.sendall(data)
        while data:
            tls, part = self.tls, data[: 1 << 14]
            data = data[self._do(lambda tls=tls, part=part: tls.write(part)) :]
        return None

    def recv(self) -> bytes:
        if self.unread:
            data, self.unread = self.unread, b""
            return data
        if not self.tls:
            return self.raw.recv(1 << 16)
        try:
            return self._do(lambda: self.tls.read(1 << 16))  # type: ignore[union-attr]
        except ssl.SSLZeroReturnError:
            return b""

    def shut(self) -> None:
        if not self.tls:
            return self.raw.shutdown(socket.SHUT_WR)
        with suppress(ssl.SSLError):  # what has come whole is taken first: else Python's call fails, and the object with it
            while data := self.tls.read(1 << 16):
                self.unread += data
        with suppress(ssl.SSLWantReadError):  # the server goes on
            self.tls.unwrap()
        return self.raw.sendall(self.going.read())

    def until(self, end: bytes) -> bytes:
        data = b""
        while end not in data:
            piece = self.recv()
            assert piece, data[-200:]
            data += piece
        wanted, _, self.unread = data.partition(end)
        return wanted + end

    def rest(self) -> bytes:
        return b"".join(iter(self.recv, b""))

    def ask(self, path: str, headers: bytes = ASKED, body: bytes = b"") -> None:
        self.send(f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + headers + b"\r\n" + body)


Connect = Callable[[], Socket]


@pytest.fixture(params=["tcp", "unix", "TLS 1.2", "TLS 1.3"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    server_side = client_side = None
    if request.param.startswith("TLS"):
        authority = trustme.CA()
        server_side, client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        authority.issue_cert("localhost").configure_cert(server_side)
        authority.configure_trust(client_side)
        client_side.maximum_version = ssl.TLSVersion.TLSv1_2 if request.param == "TLS 1.2" else ssl.TLSVersion.TLSv1_3
    ENDED.clear()
    with ExitStack() as undo:
        if request.param == "unix":
            listener = undo.enter_context(listen_unix(tmp_path / "a.sock"))
        else:
            listener = listen_tcp("127.0.0.1", 0)
        address = listener.getsockname()
        undo.enter_context(running(Server(listener, ROUTER, is_long_running=ROUTER.is_long_running, tls=server_side)))

        def made() -> Socket:
            raw = undo.enter_context(socket.socket(socket.AF_UNIX if request.param == "unix" else socket.AF_INET))
            if request.param == "unix":
                connect(raw, tmp_path / "a.sock")
            else:
                raw.connect(address)
            return Socket(raw, client_side)

        yield made


def test_the_head_says_switching_protocols(client: Connect) -> None:
    connection = client()
    connection.ask("/echo")
    head = connection.until(b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 101 UPGRADED\r\n")
    assert f"\r\nContent-Type: {RAW}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n" in head
    assert "Length" not in head
    assert "Encoding" not in head
    connection.shut()
    assert connection.rest() == b"[0]"


@pytest.mark.parametrize("client", ["unix"], indirect=True)
def test_what_is_sent_does_not_come_with_the_head(client: Connect) -> None:
    """A client that reads the head late, and through a buffer, which is thrown away with what else was in it."""
    connection = client()
    connection.ask("/last_words")
    time.sleep(0.3)
    assert connection.recv().endswith(b"\r\n\r\n")
    assert connection.recv() == b"bye"


def test_a_first_write_to_a_connection_that_is_closed_fails_as_any_other() -> None:
    ours, theirs = socket.socketpair()
    stream = RawStream(ours, b"")
    ours.close()
    theirs.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        stream.write(b"x")


@pytest.mark.parametrize("client", ["unix"], indirect=True)
def test_who_never_reads_the_head_is_waited_for_a_moment(client: Connect) -> None:
    connection = client()
    connection.ask("/last_words")
    time.sleep(1.5)
    assert connection.recv().endswith(b"bye")


def test_without_a_wish_to_upgrade_it_is_a_raw_200(client: Connect) -> None:
    connection = client()
    connection.ask("/echo", b"")
    head = connection.until(b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert not [name for name in ("Connection", "Length", "Encoding", "Upgrade:") if name in head]
    connection.send(b"ab")
    assert connection.until(b"b") == b"ab"
    connection.shut()
    assert connection.rest() == b"[2]"


def test_the_protocol_is_echoed(client: Connect) -> None:
    connection = client()
    connection.ask("/echo", b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n")
    assert b"\r\nUpgrade: h2c\r\n" in connection.until(b"\r\n\r\n")


def test_bytes_that_came_ahead_are_not_lost(client: Connect) -> None:
    connection = client()
    connection.ask("/echo", body=b"ahead,")
    connection.until(b"ahead,")
    connection.send(b"and after")
    connection.shut()
    assert connection.rest() == b"and after[15]"


@pytest.mark.parametrize(
    ("headers", "body"),
    [(b"Content-Length: 2\r\n", b"{}"), (b"Transfer-Encoding: chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n")],
)
def test_the_body_is_not_the_streams(client: Connect, headers: bytes, body: bytes) -> None:
    connection = client()
    connection.ask("/with_body", ASKED + headers, body + b"ahead")
    connection.shut()
    assert connection.rest().partition(b"\r\n\r\n")[2] == b"{{}}ahead[5]"
    connection = client()
    connection.ask("/echo", ASKED + headers, body + b"ahead")  # nobody reads it: it is skipped
    connection.shut()
    assert connection.rest().partition(b"\r\n\r\n")[2] == b"ahead[5]"


def test_a_body_that_does_not_end_is_refused(client: Connect) -> None:
    connection = client()
    connection.ask("/echo", ASKED + b"Transfer-Encoding: chunked\r\n", b"nonsense\r\n")
    assert connection.until(b"\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_much_goes_both_ways_and_output_goes_on_after_a_half_close(client: Connect) -> None:
    """By TLS the client's end comes while the server is still sending, and its thread reads beside."""
    connection = client()
    connection.ask("/count")
    connection.until(b"\r\n\r\n")
    connection.send(b"x" * 1000)
    connection.shut()
    assert connection.rest() == MUCH + b"[1000]"


def test_echo_of_much(client: Connect) -> None:
    connection = client()
    connection.ask("/echo")
    connection.until(b"\r\n\r\n")
    for at in range(0, 1 << 20, 1 << 14):
        connection.send(MUCH[at : at + (1 << 14)])
        assert connection.until(MUCH[at + (1 << 14) - 20 : at + (1 << 14)]) == MUCH[at : at + (1 << 14)]
    connection.shut()
    assert connection.rest() == b"[1048576]"


def test_the_server_may_half_close_first(client: Connect) -> None:
    connection = client()
    connection.ask("/last_words")
    connection.until(b"\r\n\r\n")
    assert connection.rest() == b"bye"
    time.sleep(0.05)
    connection.send(b"and still")
    time.sleep(0.05)
    connection.send(b" heard")
    connection.shut()
    assert eventually(lambda: len(ENDED) == 1)
    assert ENDED == ["and still heard"] or connection.tls  # by which what comes with the end may be lost


def test_the_end_of_the_handler_ends_the_connection(client: Connect) -> None:
    """Also while the client sends, and a thread of the handler reads; what was sent before is not lost."""
    connection = client()
    connection.ask("/at_once", body=b"x" * 100_000)
    assert connection.rest().endswith(b"\r\n\r\ndone")
    assert eventually(lambda: len(ENDED) == 1)


def test_the_end_of_the_handler_ends_what_it_writes(client: Connect) -> None:
    connection = client()
    connection.ask("/stuck")
    assert eventually(lambda: ENDED == ["alive: False"])


def test_a_handler_that_fails_is_logged_and_ends_the_connection(client: Connect, caplog: pytest.LogCaptureFixture) -> None:
    connection = client()
    connection.ask("/fails")
    assert connection.rest().endswith(b"\r\n\r\nbefore")
    assert eventually(lambda: caplog.text.count("ZeroDivisionError: a secret") == 1)


def test_writes_of_several_threads_are_whole(client: Connect) -> None:
    connection = client()
    connection.ask("/three_writers")
    connection.until(b"\r\n\r\n")
    data = connection.rest()
    assert len(data) == 15 * 300_000
    assert all(data[at : at + 300_000] == data[at : at + 1] * 300_000 for at in range(0, len(data), 300_000))


def test_an_upgrade_of_an_ordinary_route_is_a_fault_of_ours(client: Connect, caplog: pytest.LogCaptureFixture) -> None:
    connection = client()
    connection.ask("/short")
    assert connection.until(b"\r\n\r\n").startswith(b"HTTP/1.1 500")
    assert "POST /short is upgraded: its route has to be a long-running one" in caplog.text


def test_an_upgrade_may_come_after_other_requests(client: Connect) -> None:
    connection = client()
    connection.send(b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n" * 2)
    connection.ask("/echo", body=b"ahead")
    connection.shut()
    answers = connection.rest()
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.endswith(b"ahead[5]")


def test_a_client_that_vanishes_ends_the_handler(client: Connect) -> None:
    connection = client()
    connection.ask("/count")
    connection.until(b"\r\n\r\n")
    connection.raw.close()  # with much unread
    assert eventually(lambda: ENDED == ["count"])


def test_python_s_own_client(tmp_path: Path) -> None:
    listener = listen_tcp("127.0.0.1", 0)
    address = listener.getsockname()
    with running(Server(listener, ROUTER, is_long_running=ROUTER.is_long_running)):
        connection = http.client.HTTPConnection(*address, timeout=10)
        connection.request("POST", "/echo", headers={"Connection": "Upgrade", "Upgrade": "tcp"})
        assert connection.sock is not None
        connection.sock.sendall(b"hello")
        connection.sock.shutdown(socket.SHUT_WR)
        response = connection.response_class(connection.sock)
        response.begin()
        assert (response.status, response.headers["Upgrade"]) == (101, "tcp")
        assert response.fp.read() == b"hello[5]"
        response.close()
        connection.close()
