"""Answers that a client may get from anybody: well-formed, cut off, contradictory, endless, none at all."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest

import labcore
from labcore import errors
from labcore.client import BadAnswer, Client
from labcore.client.log_records import LogRecord, log_records
from labcore.client.streams import Output, demultiplexed

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.44\r\nContent-Length: 0\r\n\r\n"
Serve = Callable[..., Client]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts a daemon which says these bytes, one piece for each request, and gives a client of it."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "s"))
    listener.listen()
    asked: list[bytes] = []
    clients: list[Client] = []

    def answer(pieces: list[bytes], *, each_connection: bool) -> None:
        left = list(pieces)
        while left:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                while left and (request := connection.recv(1 << 16)):
                    asked.append(request)
                    connection.sendall(left.pop(0))
                    if each_connection:
                        break

    def client(*pieces: bytes, version: str = "1.44", each_connection: bool = False) -> Client:
        Thread(target=answer, args=(list(pieces),), kwargs={"each_connection": each_connection}, daemon=True).start()
        clients.append(labcore.connect(f"unix://{tmp_path}/s", version=version))
        clients[-1].asked = asked  # type: ignore[attr-defined]
        return clients[-1]

    with listener:
        yield client
        for each in clients:
            each.close()


def head(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


def sized(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    "answer",
    [
        sized(b'{"Version": "7"}'),
        head("Transfer-Encoding: chunked", body=b'5\r\n{"Ver\r\nb;x=y\r\nsion": "7"}\r\n0\r\nTrailer: x\r\n\r\n'),
        head(body=b'{"Version": "7"}'),
        b'HTTP/1.0 200 OK\r\n\r\n{"Version": "7"}',
        b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b'{"Version": "7"}'),
        sized(b'{"Version": "7", "New": [1]}'),
    ],
)
def test_forms_of_an_answer(serve: Serve, answer: bytes) -> None:
    assert serve(answer, each_connection=True).system.version().version == "7"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"x" * (1 << 17),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        head(" folded: x"),
        head("no colon"),
        head("Content-Length: -1"),
        head("Content-Length: 1_0"),
        head("Content-Length: 99999999999999999999"),
        head("Content-Length: 1", "Content-Length: 2"),
        head("Content-Length: 1", "Transfer-Encoding: chunked"),
        head("Transfer-Encoding: gzip"),
        head("Transfer-Encoding: chunked", body=b"zz\r\n"),
        head("Transfer-Encoding: chunked", body=b"-5\r\n"),
        head("Transfer-Encoding: chunked", body=b"ffffffffffffffffffff\r\n"),
        head("Transfer-Encoding: chunked", body=b"1" * 5000),
        head("Transfer-Encoding: chunked", body=b"2\r\n{}xx"),
        head("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n" + b"T: x\r\n" * 300),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
        sized(b"<html>"),
        sized(b"[1]"),
        sized(b"[" * 100_000),
    ],
)
def test_what_is_no_answer(serve: Serve, answer: bytes) -> None:
    with pytest.raises(BadAnswer):
        serve(answer, each_connection=True).system.version()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        head("Content-Length: 10", body=b"{}"),
        head("Transfer-Encoding: chunked", body=b"5\r\n{}"),
        head("Transfer-Encoding: chunked", body=b"2\r\n{}\r\n"),
    ],
)
def test_an_answer_that_is_cut_off(serve: Serve, answer: bytes) -> None:
    with pytest.raises(errors.Unavailable, match="the daemon has closed the connection"):
        serve(answer, each_connection=True).system.version()


def test_fields_of_another_type_are_named_where_they_are_read(serve: Serve) -> None:
    version = serve(sized(b'{"Version": 7, "Os": null}')).system.version()
    assert version.os == ""
    with pytest.raises(BadAnswer, match=r"Version\.Version: 7 is not what the Engine API has there"):
        assert version.version


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        ("400 Bad", "bad parameter", errors.InvalidInput),
        ("403 No", "predefined", errors.Forbidden),
        ("404 No", "No such container: x", errors.NotFound),
        ("404 No", "No such image: x:1", errors.ImageNotFound),
        ("409 No", "in use", errors.InUse),
        ("409 No", "container x is not running", errors.NotRunning),
        ("500 No", "it fell over", errors.LabcoreError),
        ("418 Tea", "teapot", errors.LabcoreError),
    ],
)
def test_statuses_are_exceptions_that_name_the_call(serve: Serve, status: str, message: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=rf"^{message} \(GET /containers/x/json: {status[:3]}\)$"):
        serve(sized(f'{{"message": "{message}"}}'.encode(), status)).containers.inspect("x")


def test_not_modified_is_a_value(serve: Serve) -> None:
    client = serve(b"HTTP/1.1 304 Not Modified\r\n\r\n", sized(b"", "204 No Content"))
    assert client.containers.start("x") is False
    assert client.containers.start("x") is True


def test_a_connection_serves_again_and_one_that_was_closed_does_not_matter(serve: Serve) -> None:
    client = serve(sized(b"{}"), head("Connection: close", "Content-Length: 2", body=b"{}"), sized(b"{}"))
    for _ in range(3):
        assert client.system.version().json == {}


def test_the_version_is_the_newest_that_both_know(serve: Serve) -> None:
    client = serve(PING, sized(b"{}"), version="")
    client.system.version()
    assert client.asked[1].startswith(b"GET /v1.44/version HTTP/1.1\r\n")  # type: ignore[attr-defined]


@pytest.mark.parametrize("offered", [b"", b"Api-Version: x\r\n", b"Api-Version: 1.99999\r\n"])
def test_what_says_no_version_is_no_daemon(serve: Serve, offered: bytes) -> None:
    with pytest.raises(BadAnswer):
        serve(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + offered + b"\r\n", version="").system.version()


def test_a_daemon_of_long_ago_is_refused(serve: Serve) -> None:
    with pytest.raises(errors.Unavailable, match=r"it speaks version 1\.18 at most"):
        serve(PING.replace(b"1.44", b"1.18"), version="").system.version()


@pytest.mark.parametrize("version", ["1.23", "1.52", "2", "x", "1.٤٤"])
def test_versions_that_cannot_be_asked_for(version: str) -> None:
    with pytest.raises(errors.InvalidInput, match="DOCKER_API_VERSION"):
        labcore.connect("unix:///x", version=version)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_cannot_make_it_another_call(name: str) -> None:
    client = labcore.connect("unix:///nowhere", version="1.44")
    for call in (client.containers.inspect, client.containers.start, client.volumes.remove, client.images.inspect):
        with pytest.raises(errors.InvalidInput, match="is no name"):
            call(name)


def test_a_name_is_quoted(serve: Serve) -> None:
    client = serve(sized(b"{}"), sized(b"{}"))
    client.containers.inspect("a/../b?c#d e\r\n")
    client.images.inspect("x/y:1@sha256:aa")
    assert client.asked[0].startswith(b"GET /v1.44/containers/a%2F..%2Fb%3Fc%23d%20e%0D%0A/json HTTP/1.1\r\n")  # type: ignore[attr-defined]
    assert client.asked[1].startswith(b"GET /v1.44/images/x/y:1@sha256:aa/json HTTP/1.1\r\n")  # type: ignore[attr-defined]


def test_what_is_no_utf8_is_refused_and_named(serve: Serve) -> None:
    client = serve()
    for call in (
        lambda: client.containers.inspect("a\udcff"),
        lambda: client.images.import_archive(b"", changes=["a\udcff"]),
        lambda: client.containers.exec("box", ["echo", "a\udcff"]),
    ):
        with pytest.raises(errors.InvalidInput, match=r"^a\udcff: this is no UTF-8"):
            list(call())  # type: ignore[call-overload]


def test_nobody_there_is_one_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(errors.Unavailable, match=r"there is no such socket\n  cure: start a daemon there: labcore daemon"):
        labcore.connect(f"unix://{tmp_path}/away").system.ping()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(errors.Unavailable, match=r"Connection refused\n  cure:"):
        labcore.connect(f"tcp://127.0.0.1:{port}").system.ping()


def test_what_fails_in_the_middle_of_a_pull_is_raised(serve: Serve) -> None:
    lines = b'{"status":"Pulling"}\r\n{"errorDetail":{"message":"no"},"error":"no"}\r\n'
    pull = serve(sized(lines)).images.pull("x")
    assert next(pull).status == "Pulling"
    with pytest.raises(errors.LabcoreError, match=r"^no \(POST /images/create: 200\)$"):
        next(pull)


def pieces(*parts: bytes) -> Callable[[int], bytes]:
    """Return a read that gives these bytes in pieces as they are."""
    left = list(parts)

    def read(size: int) -> bytes:
        if not left:
            return b""
        piece = left.pop(0)
        if len(piece) > size:
            left.insert(0, piece[size:])
        return piece[:size]

    return read


def test_frames_come_in_any_pieces() -> None:
    content = b"\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\3err"
    whole = [Output("stdout", b"out"), Output("stderr", b"err")]
    assert list(demultiplexed(pieces(content))) == whole
    assert (
        b"".join(each.content for each in demultiplexed(pieces(*(content[i : i + 1] for i in range(len(content))))))
        == b"outerr"
    )


@pytest.mark.parametrize("content", [b"\4\0\0\0\0\0\0\1x", b"\1x\0\0\0\0\0\1x", b"plain text"])
def test_what_is_no_frame(content: bytes) -> None:
    with pytest.raises(BadAnswer, match="is no head of a frame"):
        list(demultiplexed(pieces(content)))
    with pytest.raises(BadAnswer, match="is no head of a frame"):
        list(log_records(pieces(content), is_multiplexed=True))


@pytest.mark.parametrize("content", [b"\1\0\0", b"\1\0\0\0\0\0\0\5x", b"\1\0\0\0\xff\xff\xff\xffx"])
def test_a_frame_that_is_cut_off(content: bytes) -> None:
    with pytest.raises(errors.Unavailable, match="the daemon has gone"):
        list(demultiplexed(pieces(content)))


def test_the_daemons_own_words_in_a_stream_are_raised() -> None:
    with pytest.raises(errors.Unavailable, match="the daemon: it broke"):
        list(demultiplexed(pieces(b"\3\0\0\0\0\0\0\x08it broke")))


def test_records_have_time_and_details() -> None:
    line = b"2026-01-01T00:00:00.5Z a=b out\n"
    framed = b"\2\0\0\0\0\0\0" + bytes([len(line)]) + line
    expected = [LogRecord("stderr", b"out\n", "2026-01-01T00:00:00.5Z", "a=b")]
    assert list(log_records(pieces(framed), is_multiplexed=True, timestamps=True, details=True)) == expected
    assert list(log_records(pieces(b"a\nb"), is_multiplexed=False)) == [LogRecord("stdout", b"a\n"), LogRecord("stdout", b"b")]
    with pytest.raises(BadAnswer, match="a record of 4294967295 bytes"):
        list(log_records(pieces(b"\1\0\0\0\xff\xff\xff\xff"), is_multiplexed=True))
