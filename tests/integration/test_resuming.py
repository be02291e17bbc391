"""Downloads that break off and are gone on with, in the same pull (RFC 9110, 14)."""

import os
from collections.abc import Callable

import pytest

from labcore.http import Request, Response, SizedStream
from labcore.registry.client import Client
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.transport import Transport
from tests.registry import digest_of
from tests.serving import served

CONTENT = os.urandom(5 << 20)
DIGEST = digest_of(CONTENT)
END = len(CONTENT)


def whole(content: bytes = CONTENT) -> Response:
    return Response(200, {}, content)


def cut(first: int, size: int, *, said: str | None = None) -> Response:
    """Send so many bytes, and break off."""
    headers = {"Content-Range": f"bytes {first}-{END - 1}/{END}" if said is None else said} if first or said else {}
    return Response(206 if headers else 200, headers, SizedStream(iter([CONTENT[first : first + size]]), END - first))


def first_of(request: Request) -> int:
    return int(request.headers.get("range", "bytes=0-")[6:-1])


Answers = Callable[[Request, int], Response]
WAYS: dict[str, tuple[Answers, int, str]] = {
    "once": (lambda r, n: cut(first_of(r), END // 2 if n == 0 else END), 2, ""),
    "again and again, and it gets on": (lambda r, n: cut(first_of(r), 1 << 20 if n < 4 else END), 5, ""),
    "again and again, and it gets on little": (lambda r, n: cut(first_of(r), 1000), 3, "broke off"),
    "and the rest is asked for in vain": (lambda r, n: cut(0, 5000) if n == 0 else Response(404), 2, "404"),
    "and then all comes again": (lambda r, n: cut(0, 5000) if n == 0 else whole(), 2, ""),
    "and there are no ranges": (
        lambda r, n: cut(0, 5000) if n == 0 else Response(416) if "range" in r.headers else whole(), 3, "",
    ),
    "and another part comes": (
        lambda r, n: cut(0, 5000) if n == 0 else cut(4000, END, said="bytes 4000-9999/*"), 2, "'bytes 4000-",
    ),
    "and some part comes": (lambda r, n: cut(0, 5000) if n == 0 else Response(206, {}, CONTENT[5000:]), 2, "5000 on were"),
    "and the part has another unit": (
        lambda r, n: cut(0, 5000) if n == 0 else cut(5000, END, said="pages 5000-9999/9"), 2, "'pages 5000-",
    ),
    "and several parts come": (
        lambda r, n: cut(0, 5000) if n == 0 else Response(206, {"Content-Type": "multipart/byteranges; boundary=x"}, b"--x"),
        2, "5000 on were asked",
    ),
    "and no more is said to be there": (lambda r, n: whole(CONTENT[:5000]), 3, f"5000 of {END} bytes came"),
    "and too much comes": (lambda r, n: cut(0, 5000) if n == 0 else whole(CONTENT + b"x"), 2, "more than"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_blob_breaks_off(way: str) -> None:
    answers, asked, said = WAYS[way]
    seen: list[str | None] = []
    waits: list[float] = []

    def handler(request: Request) -> Response:
        seen.append(request.headers.get("range"))
        return answers(request, len(seen) - 1)

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True), attempts=3, sleep=waits.append)
        blob = Client(transport, "a").blob(DIGEST, END)
        if said:
            with pytest.raises(RegistryError, match=said):
                b"".join(blob)
        else:
            assert b"".join(blob) == CONTENT
        transport.close()
    assert len(seen) == asked
    assert waits
    assert seen[0] is None
    assert seen[1]


def test_manifests_and_lists_that_break_off_are_asked_for_again() -> None:
    seen: list[str] = []

    def handler(request: Request) -> Response:
        seen.append(request.path)
        content = b'{"tags": ["v1"]}' if "tags" in request.path else b'{"schemaVersion": 2}'
        headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
        return Response(200, headers, SizedStream(iter([content[: 5 if len(seen) % 2 else 99]]), len(content)))

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True), sleep=lambda _: None)
        assert Client(transport, "a").manifest("v1").content == b'{"schemaVersion": 2}'
        assert Client(transport, "a").tags() == ["v1"]
        transport.close()
    assert len(seen) == 4
