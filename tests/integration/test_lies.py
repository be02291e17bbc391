"""Registries and mirrors as bad as they can be: a clear error, a store that is whole, and then it works."""

import gzip
import hashlib
import json
import socket
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.errors import LabcoreError
from labcore.http import Request, Response
from labcore.images import ImageStore
from labcore.registry.client import Client
from labcore.registry.endpoint import Endpoint
from labcore.registry.server import Registry
from labcore.registry.transport import RegistryError, Transport
from tests.conftest import needs_root
from tests.serving import named, served, served_raw

IMAGE = "application/vnd.oci.image.manifest.v1+json"
NAME = "team/busybox:v1"


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr("labcore.registry.transport.pause", lambda *_: 0.0)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


# --- lies that are HTTP: (what is asked for, the lie, what is said of it)

Lie = Callable[[Request, Response, bytes], Response]


def body(change: Callable[[bytes], bytes]) -> Lie:
    return lambda request, answer, content: answer.replace(body=change(content))


def header(**fields: str) -> Lie:
    return lambda request, answer, content: answer.replace(
        headers={**answer.headers, **{name.replace("_", "-"): value for name, value in fields.items()}}, body=content
    )


def instead(status: int, content: bytes = b"", **fields: str) -> Lie:
    return lambda request, answer, _: Response(status, {n.replace("_", "-"): v for n, v in fields.items()}, content)


def changed_manifest(**changes: object) -> Lie:
    return body(lambda content: json.dumps(json.loads(content) | changes).encode())


def descriptor_changed(**changes: object) -> Lie:
    def change(content: bytes) -> bytes:
        value = json.loads(content)
        value["layers"][0] |= changes
        return json.dumps(value).encode()

    return body(change)


def endless(request: Request, answer: Response, content: bytes) -> Response:
    return Response(200, {"Content-Type": IMAGE}, (bytes(1 << 16) for _ in range(10_000)))


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(100_000_000))


LIES: dict[str, tuple[str, Lie, str]] = {
    "other bytes": (
        "/blobs/", body(lambda c: bytes([c[0] ^ 1]) + c[1:]), r"sha256:\w+ of \d+ bytes was asked for, and sha256:\w+ of",
    ),
    "too few bytes": ("/blobs/", body(lambda c: c[:-1]), r"\d+ of \d+ bytes came|more than the \d+"),
    "too many bytes": ("/blobs/", body(lambda c: c + b"x"), r"more than the \d+ bytes that it has"),
    "no bytes": ("/blobs/", body(lambda _: b""), r"0 of \d+ bytes came"),
    "an endless blob": ("/blobs/", endless, r"more than the \d+ bytes"),
    "an endless manifest": ("/manifests/", endless, "longer than 4194304 bytes"),
    "a manifest that is no JSON": ("/manifests/", body(lambda _: b"no json"), "cannot be read|is no"),
    "a manifest that is a list": ("/manifests/", body(lambda _: b"[]"), "cannot be read|is no"),
    "a deep manifest": ("/manifests/", body(lambda _: b"[" * 100_000), "cannot be read|is no"),
    "a manifest without layers": ("/manifests/", changed_manifest(layers=None), "layers|cannot be read|is no"),
    "a manifest of many layers": ("/manifests/", changed_manifest(layers=[]), "has 0 layers, and 1 in its config"),
    "an artifact in place of an image": (
        "/manifests/",
        changed_manifest(layers=[{"mediaType": "application/spdx+json", "digest": "sha256:" + "0" * 64, "size": 2}]),
        r"is no image but an artifact of kind 'application/spdx\+json'",
    ),
    "a bomb for a manifest": (
        "/manifests/",
        lambda *_: Response(200, {"Content-Type": IMAGE, "Content-Encoding": "gzip"}, bomb()), "cannot be read|is no",
    ),
    "a page for people": ("/manifests/", instead(200, b"<html>", Content_Type="text/html"), "is no image but 'text/html'"),
    "no media type": ("/manifests/", instead(200, b"{}"), "is no image but 'of no kind'"),
    "an image of schema 1": (
        "/manifests/",
        instead(200, b"{}", Content_Type="application/vnd.docker.distribution.manifest.v1+prettyjws"), "schema 1",
    ),
    "a negative size": ("/manifests/", descriptor_changed(size=-1), "size|cannot be read"),
    "a digest that is a path": (
        "/manifests/", descriptor_changed(digest="sha256:../../../etc/passwd"), "digest|cannot be read",
    ),
    "a digest of another kind": ("/manifests/", descriptor_changed(digest="md5:" + "0" * 32), "digest|cannot be read"),
    "redirects": ("/blobs/", lambda r, _, __: Response(302, {"Location": r.target}), "one redirection after another"),
    "a redirect to a file": (
        "/blobs/", instead(307, Location="file:///etc/passwd"), "leads to file:///etc/passwd, and only http and https",
    ),
    "a redirect to nowhere": ("/blobs/", instead(307, Location="http://127.0.0.1:1/x"), "nobody listens"),
    "a redirect with a line break": (
        "/blobs/", instead(307, Location="http://127.0.0.1:1/a\tb c"), "nobody listens|control characters",
    ),
    "challenges": ("/manifests/", instead(401, WWW_Authenticate="Basic realm=x"), "labcore login 127"),
    "a challenge of no kind": ("/manifests/", instead(401, WWW_Authenticate="Moon phase=full"), "labcore login 127"),
    "a challenge without end": ("/manifests/", instead(401, WWW_Authenticate='Bearer realm="'), "labcore login 127"),
    "a realm that is no place": (
        "/manifests/", instead(401, WWW_Authenticate='Bearer realm="file:///etc/passwd"'), "not secured",
    ),
    "a status that is none": ("/manifests/", instead(418), "418"),
    "a server that fails": ("/blobs/", instead(500, b"\x1b[2Joops", Content_Type="text/plain"), "500: Internal Server Error"),
    "errors that move the cursor": (
        "/blobs/", instead(404, b'{"errors": [{"code": "\\u001b[2J", "message": 1}]}'), r"404: \?\[2J: 1",
    ),
    "errors that are none": ("/blobs/", instead(404, b'{"errors": "no"}'), "404"),
    "a huge field": ("/manifests/", header(X_Huge="x" * 100_000), "header line"),
    "many fields": ("/manifests/", header(**{f"X_{number}": "x" for number in range(200)}), "100 headers"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_lies(engine: Engine, registry: Registry, store: ImageStore, lie: str) -> None:
    where, tell, said = LIES[lie]
    lying = False

    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        if not lying or where not in request.path or request.method != "GET":
            return answer
        digest = answer.headers["Docker-Content-Digest"]
        return tell(request, answer, registry.files.blob_path(digest).read_bytes())

    with served(handler) as address:
        reference = named(engine, address, NAME)
        list(push(engine.images, reference, endpoint(reference)))
        lying = True
        with pytest.raises(LabcoreError, match=said) as refused:
            list(pull(store, reference, endpoint(reference)))
        assert "\x1b" not in str(refused.value)
        assert len(str(refused.value)) < 3000
        assert store.names() == []
        lying = False
        list(pull(store, reference, endpoint(reference)))
        assert store.get(reference).layers


def test_a_manifest_by_digest_is_that_manifest(engine: Engine, registry: Registry) -> None:
    content = b'{"schemaVersion": 2}'
    for algorithm in ("sha256", "sha512"):
        digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
        for sent, right in ((content, True), (content + b" ", False)):
            with served(lambda _, sent=sent: Response(200, {"Content-Type": IMAGE}, sent)) as address:  # type: ignore[misc]
                client = Client(Transport(Endpoint(address, insecure=True)), "a")
                if right:
                    assert client.manifest(digest).digest == digest
                else:
                    with pytest.raises(RegistryError, match=f"asked for the manifest {digest} and got {algorithm}:"):
                        client.manifest(digest)


# --- lies that are no HTTP


def greeted(say: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """Wait for a request first."""

    def hold(connection: socket.socket) -> None:
        connection.recv(65536)
        say(connection)

    return hold


def drip(text: bytes, pause: float = 0.05, first: int = 1, size: int = 1) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.sendall(text[:first])
        for number in range(first, len(text), size):
            time.sleep(pause)
            connection.sendall(text[number : number + size])

    return say


def forever(text: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        while True:
            connection.sendall(text)

    return say


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: " + IMAGE.encode() + b"\r\n"
BABBLE: dict[str, tuple[Callable[[socket.socket], None], str]] = {
    "nothing": (lambda c: None, "closed connection without response"),
    "no HTTP": (lambda c: c.sendall(b"\x00\x01 SSH-2.0\r\n\r\n"), "SSH"),
    "silence": (lambda c: time.sleep(5), "timed out"),
    "a head that drips": (drip(HEAD * 5), "less than 1024 bytes a second"),
    "a head that comes slowly": (drip(b"HTTP/1.1 200 OK\r\nX: " + bytes(60_000), 0.02, size=40), "head has not come within"),
    "a body that drips": (
        drip(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 900, 0.01, len(HEAD) + 24), "less than 1024 bytes a second",
    ),
    "continue without end": (forever(b"HTTP/1.1 100 Continue\r\n\r\n"), "head does not end"),
    "a line without end": (forever(b"HTTP/1.1 200 " + b"x" * 1000), "head does not end|line"),
    "chunks that are none": (lambda c: c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), "broke off"),
    "a chunk of minus one": (
        lambda c: c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nabc"), "broke off|is no image|came",
    ),
    "chunks that break off": (lambda c: c.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "broke off"),
    "a body that breaks off": (lambda c: c.sendall(HEAD + b"Content-Length: 100\r\n\r\nab"), "broke off|came"),
    "two lengths": (lambda c: c.sendall(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "."),
}  # fmt: skip


SLOW = ("silence", "a head that drips", "a head that comes slowly", "a body that drips")


@pytest.mark.parametrize("lie", BABBLE)
def test_babble(lie: str) -> None:
    say, said = BABBLE[lie]
    with served_raw(greeted(say)) as address:
        transport = Transport(Endpoint(address, insecure=True), attempts=2, timeout=1 if lie in SLOW else 60)
        try:
            fetched = Client(transport, "a").manifest("v1")
        except RegistryError as error:
            import re

            assert re.search(said, str(error)), error
            assert address in str(error)
        else:
            assert lie == "two lengths"  # the first holds, and the rest is nobody's
            assert fetched.content == b"{}"
        transport.close()


@pytest.mark.parametrize(
    "say",
    [forever(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000), drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000, 0.02, size=60)],
    ids=["without end", "dripping"],
)
def test_a_proxy_that_babbles(say: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch) -> None:
    with served_raw(greeted(say)) as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        transport = Transport(Endpoint("registry.test"), attempts=1, timeout=1)
        with pytest.raises(RegistryError, match=r"head does not end|nothing answered|got more than|100 headers"):
            transport.request("GET", "/v2/")
        transport.close()


def test_who_is_slow_because_we_are_is_waited_for() -> None:
    """Only the time counts in which we wait for the other side."""
    content = bytes(600_000)
    with served(lambda _: Response(200, {}, content)) as address:
        transport = Transport(Endpoint(address, insecure=True), timeout=1.5)
        come = 0
        for chunk in Client(transport, "a").blob(f"sha256:{'0' * 64}", len(content)):
            come += len(chunk)
            time.sleep(0.7)
        assert come == len(content)
        transport.close()


# --- mirrors


Mirror = Callable[[Request, Registry], Response]


def gone(request: Request, registry: Registry) -> Response:
    raise ConnectionError


def lies_in_blobs(request: Request, registry: Registry) -> Response:
    answer = registry.answer(request)
    if "/blobs/" not in request.path:
        return answer
    content = registry.files.blob_path(request.path.rpartition("/")[2]).read_bytes()
    return Response(200, {}, content[:-8] + bytes(8))


def halves_of_blobs(request: Request, registry: Registry) -> Response:
    answer = registry.answer(request)
    if "/blobs/" not in request.path:
        return answer
    content = registry.files.blob_path(request.path.rpartition("/")[2]).read_bytes()
    return Response(200, {}, content[: len(content) // 2])


MIRRORS: dict[str, Mirror] = {
    "it has nothing": lambda request, _: Response(404),
    "it fails": lambda request, _: Response(500),
    "it asks who is there": lambda request, _: Response(401, {"WWW-Authenticate": "Basic realm=x"}),
    "it hangs up": gone,
    "its blobs are wrong": lies_in_blobs,
    "its blobs break off": halves_of_blobs,
    "it is honest": lambda request, registry: registry.answer(request),
}


@pytest.mark.parametrize("kind", MIRRORS)
@pytest.mark.parametrize("unpack", [False, True])
def test_mirrors(engine: Engine, registry: Registry, tmp_path: Path, kind: str, unpack: bool) -> None:
    if unpack:
        needs_root()
    got: list[str] = []

    def upstream(request: Request) -> Response:
        if request.method == "GET":
            got.append(request.path)
        return registry.answer(request)

    with served(upstream) as address, served(lambda request: MIRRORS[kind](request, registry)) as mirror:
        reference = named(engine, address, NAME)
        list(push(engine.images, reference, endpoint(reference)))
        where = endpoint(reference).replace(mirrors=(Endpoint("127.0.0.1:1", insecure=True), Endpoint(mirror, insecure=True)))
        learner = Engine(tmp_path / "learner")
        list(learner.pull(reference, where, unpack=unpack))
        assert learner.images.get(reference).layers == engine.images.get(reference).layers
        assert bool(got) == (kind != "it is honest")


def test_all_sources_are_named_when_none_has_it(registry: Registry, store: ImageStore, engine: Engine) -> None:
    with served(registry.answer) as address, served(lambda _: Response(404)) as mirror:
        reference = named(engine, address, NAME)
        where = endpoint(reference).replace(mirrors=(Endpoint(mirror, insecure=True),))
        with pytest.raises(RegistryError, match=f"{address}.*NAME_UNKNOWN(.*\n.*)*mirror before it: GET http://{mirror}"):
            list(pull(store, reference, where))
