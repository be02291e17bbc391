"""A response as its bytes go out (RFC 9112): the head, and a body that is framed by its length or by chunks."""

import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from labcore.http.message import FilePart, Request, Response, SizedStream, Upgrade
from labcore.http.reader import Reader, Wait

COPY_SIZE: Final = 1 << 17  # bytes of a file at once
BODILESS: Final = (HTTPStatus.NO_CONTENT.value, HTTPStatus.NOT_MODIFIED.value)
BREAKS: Final = dict.fromkeys(map(ord, "\r\n"), " ")


def send_response(reader: Reader, response: Response, request: Request | None, *, keep: bool) -> Generator[Wait, None, None]:
    """Send a response, each chunk of a stream as soon as it is there. Raises ConnectionError, and what a stream raises.

    `request` is None if it could not be understood; `keep`: another one may follow.
    """
    with _closing(response.body):
        head, body = _head(response, request, keep=keep), response.body
        if (request and request.method == "HEAD") or _is_bodiless(response):
            yield from reader.send(head)
        elif isinstance(body, bytes):
            yield from reader.send(head + body)
        else:
            yield from reader.send(head)
            yield from _send_body(reader, body, chunked=not _is_old(request))


def _closing(body: Any) -> AbstractContextManager[Any]:
    source = body.file if isinstance(body, FilePart) else body.chunks if isinstance(body, SizedStream) else body
    return closing(source) if hasattr(source, "close") else nullcontext()


def _send_body(reader: Reader, body: Any, *, chunked: bool) -> Generator[Wait, None, None]:
    if isinstance(body, FilePart):
        yield from _send_file(reader, body)
    elif isinstance(body, SizedStream):
        yield from _send_sized(reader, body)
    else:
        for chunk in filter(None, body):
            yield from reader.send(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" if chunked else chunk)
        yield from reader.send(b"0\r\n\r\n" if chunked else b"")


def _send_file(reader: Reader, part: FilePart) -> Generator[Wait, None, None]:
    """Copy it: over loopback that takes half of the time of sendfile(2), which hands over page after page."""
    buffer = memoryview(bytearray(min(COPY_SIZE, part.length)))
    left = part.length
    part.file.seek(part.offset)
    while left:
        size = part.file.readinto(buffer[:left])
        if not size:
            raise ConnectionError("the file has become shorter")
        yield from reader.send(buffer[:size])
        left -= size


def _send_sized(reader: Reader, body: SizedStream) -> Generator[Wait, None, None]:
    left = body.length
    for chunk in body.chunks:
        left -= len(chunk)
        if left < 0:
            break
        yield from reader.send(chunk)
    if left:
        raise ConnectionError("the body has another length than was said")


def upgrade_head(upgrade: Upgrade, request: Request) -> bytes:
    """Return the head after which the connection carries raw bytes: docker's, for some clients compare it."""
    if protocol := request.upgrade:
        headers = {**upgrade.headers, "Connection": "Upgrade", "Upgrade": protocol}
        return _lines("101 UPGRADED", headers, date=False)
    return _lines("200 OK", upgrade.headers, date=False)


def _head(response: Response, request: Request | None, *, keep: bool) -> bytes:
    headers = dict(response.headers)
    if not _is_bodiless(response) and "content-length" not in map(str.lower, headers):
        if response.length is not None:
            headers["Content-Length"] = str(response.length)
        elif not _is_old(request):
            headers["Transfer-Encoding"] = "chunked"
    if not keep:
        headers["Connection"] = "close"
    elif _is_old(request):
        headers["Connection"] = "keep-alive"
    return _lines(_status(response.status), headers)


@lru_cache(maxsize=64)
def _status(code: int) -> str:
    status = HTTPStatus(code)
    return f"{status.value} {status.phrase}"


def _lines(status: str, headers: Mapping[str, str], *, date: bool = True) -> bytes:
    lines = [f"HTTP/1.1 {status}", *([_date(int(time.time()))] if date else [])]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:  # no header's value begins another line
        head = "\r\n".join(line.translate(BREAKS) for line in lines)
    return (head + "\r\n\r\n").encode("latin-1", "replace")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def _is_bodiless(response: Response) -> bool:
    return response.status in BODILESS


def _is_old(request: Request | None) -> bool:
    return request is not None and request.headers["http-version"] == "1.0"
