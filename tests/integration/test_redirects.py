"""Where a registry's answers lead its clients, and what is told to whom (RFC 9110, 15.4)."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.http import Request, Response
from labcore.registry.client import Client
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.server import Registry
from labcore.registry.transport import Transport
from tests.registry import digest_of
from tests.serving import served

CONTENT = bytes(range(256)) * 4096
ANNA = "Basic YW5uYTpodXNo"


class Asked:
    """A handler that remembers who asked for what."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str | None, bytes]] = []

    def note(self, request: Request) -> bytes:
        content = request.body.read_at_most(1 << 22)
        self.seen.append((request.method, request.path, request.headers.get("authorization"), content))
        return content


@pytest.fixture
def other() -> Iterator[tuple[str, Asked]]:
    asked = Asked()

    def handler(request: Request) -> Response:
        asked.note(request)
        return Response(200, {"Content-Type": "application/json"}, b"{}")

    with served(handler) as address:
        yield address, asked


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def transport_to(address: str) -> Transport:
    return Transport(Endpoint(address, insecure=True), Credentials("anna", "hush"), sleep=lambda _: None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_methods_and_bodies_are_kept(other: tuple[str, Asked], method: str, status: int) -> None:
    away, asked = other
    content = CONTENT if method in ("POST", "PUT", "PATCH") else b""
    follows = status in (307, 308) or method in ("GET", "HEAD")

    def handler(request: Request) -> Response:
        request.body.read_at_most(1 << 22)
        if request.headers.get("authorization") != ANNA:
            return Response(401, {"WWW-Authenticate": "Basic realm=x"})
        if request.path == "/begin":
            return Response(status, {"Location": "../middle?a=b%2Fc#there"})
        assert request.path == "/middle"
        assert request.query == {"a": "b/c"}
        return Response(status, {"Location": f"http://{away}/end"})

    with served(handler) as address:
        transport = transport_to(address)
        if follows:
            transport.request(method, "/begin", body=content or None).close()
        else:
            with pytest.raises(RegistryError, match=f"{method} http://{address}/begin: {status}"):
                transport.request(method, "/begin", body=content or None)
        transport.close()
    assert asked.seen == ([(method, "/end", None, content)] if follows else [])


def test_a_push_that_is_led_to_another_registry(registry: Registry) -> None:
    """The second one gives the place of the upload as a path of its own."""
    said: set[str | None] = set()

    def second(request: Request) -> Response:
        said.add(request.headers.get("authorization"))
        return registry.answer(request)

    with served(second) as there:

        def first(request: Request) -> Response:
            if request.headers.get("authorization") != ANNA:
                return Response(401, {"WWW-Authenticate": "Basic realm=x"})
            if "/uploads/" in request.path and request.method != "POST":
                return Response(404)
            return Response(307, {"Location": f"http://{there}{request.target}"})

        with served(first) as address:
            transport = transport_to(address)
            client = Client(transport, "a")
            digest = digest_of(CONTENT)
            assert client.push_blob(digest, len(CONTENT), lambda: io.BytesIO(CONTENT)) == "sent"
            assert b"".join(client.blob(digest, len(CONTENT))) == CONTENT
            transport.close()
    assert said == {None}


PLACES = {
    "itself": ("/v2/", "one redirection after another"),
    "a file": ("file:///etc/passwd", "leads to file:///etc/passwd, and only http"),
    "another protocol": ("gopher://127.0.0.1/x", "only http and https are spoken here"),
    "no host": ("http:///etc", "404"),
    "no host but a port": ("http://:80/", "only http and https are spoken here"),
    "a port that cannot be": ("http://127.0.0.1:99999/", "which is no URL"),
    "a port of no number": ("http://127.0.0.1:ab/", "no URL|only http"),
    "a port of zero": ("http://127.0.0.1:0/", "nobody listens|only http"),
    "half an address": ("http://[::1/", "which is no URL"),
    "a host of no letters": ("http://a\xffb/", "only http and https are spoken here|no URL"),
    "labels that are empty": ("http://a..b/", "no address"),
    "a label that is too long": (f"http://{'a' * 300}/", "no address"),
    "a path of no letters": ("/\xff \x01\x7f", "404"),
    "quotation marks": ('/"<>\\^`{|}', "404"),
}


@pytest.mark.parametrize("place", PLACES)
def test_places_that_lead_nowhere(place: str) -> None:
    location, said = PLACES[place]

    def handler(request: Request) -> Response:
        return Response(307, {"Location": location}) if request.path == "/v2/" else Response(404)

    with served(handler) as address:
        transport = transport_to(address)
        with pytest.raises(RegistryError, match=said):
            transport.request("GET", "/v2/")
        transport.close()


def test_who_is_led_to_is_told_no_password(other: tuple[str, Asked]) -> None:
    """Neither by its own challenge, nor by a place where it would like tokens to be asked for."""
    away, asked = other
    for challenge in ("Basic realm=x", f'Bearer realm="http://{away}/token"'):

        def stranger(request: Request, challenge: str = challenge) -> Response:
            assert "authorization" not in request.headers
            return Response(401, {"WWW-Authenticate": challenge})

        with served(stranger) as there, served(lambda _, to=there: Response(307, {"Location": f"http://{to}/x"})) as address:  # type: ignore[misc]
            transport = transport_to(address)
            with pytest.raises(
                RegistryError, match=f"leads to http://{there}/x, which wants to know who asks, and is not told"
            ):
                transport.request("GET", "/v2/")
            transport.close()
    assert asked.seen == []


@pytest.mark.parametrize("identity", ["", "an identity token"])
@pytest.mark.parametrize("home", [True, False])
def test_who_gives_tokens_may_have_moved_at_home(other: tuple[str, Asked], identity: str, home: bool) -> None:
    away, asked = other

    def handler(request: Request) -> Response:
        here = f"http://{request.headers['host']}"
        if request.path == "/token":
            return Response(308, {"Location": "/moved" if home else f"http://{away}/moved"})
        if request.path == "/moved":
            said = request.body.read_at_most(1000).decode()
            assert "refresh_token=an+identity+token" in said if identity else request.headers["authorization"] == ANNA
            return Response(200, {}, json.dumps({"token": "abc"}).encode())
        if request.headers.get("authorization") != "Bearer abc":
            return Response(401, {"WWW-Authenticate": f'Basic realm="x", bearer Realm="{here}/token", Service="s"'})
        return Response(200)

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True), Credentials("anna", "hush", identity))
        if home:
            transport.request("GET", "/v2/").close()
        else:
            with pytest.raises(RegistryError, match=f"leads to http://{away}/moved, which is told nothing"):
                transport.request("GET", "/v2/")
        transport.close()
    assert asked.seen == []


def test_who_tells_nothing_is_led_anywhere() -> None:
    with served(lambda _: Response(200, {}, b'{"token": "abc"}')) as elsewhere:

        def handler(request: Request) -> Response:
            if request.path == "/token":
                return Response(307, {"Location": f"http://{elsewhere}/token"})
            if request.headers.get("authorization") != "Bearer abc":
                return Response(401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["host"]}/token"'})
            return Response(200)

        with served(handler) as address:
            transport = Transport(Endpoint(address, insecure=True))
            transport.request("GET", "/v2/").close()
            transport.close()


def test_who_gives_tokens_is_asked_again_when_busy() -> None:
    busy = [503, 429]
    waits: list[float] = []

    def handler(request: Request) -> Response:
        if request.path == "/token":
            return Response(busy.pop(), {"Retry-After": "3"}) if busy else Response(200, {}, b'{"access_token": "abc"}')
        if request.headers.get("authorization") != "Bearer abc":
            return Response(401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["host"]}/token"'})
        return Response(200)

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True), sleep=waits.append)
        transport.request("GET", "/v2/").close()
        transport.close()
    assert waits == [3, 3]
