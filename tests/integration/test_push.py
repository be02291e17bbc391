"""Images on their way to registries: what is there already, what is taken in pieces only, and what breaks off."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.http import Request, Response
from labcore.http.message import Body
from labcore.images import ImageStore
from labcore.registry.client import Client
from labcore.registry.endpoint import Endpoint
from labcore.registry.server import Registry, Settings
from labcore.registry.transport import RegistryError, Transport, pause
from labcore.spec import Reference
from tests.conftest import needs_root
from tests.daemon import own_daemon
from tests.serving import Handler, named, served
from tests.threads import Started

CONTENT = os.urandom(1_000_000)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(CONTENT)
    return path


def send(handler: Handler, blob: Path, waits: list[float] | None = None) -> str:
    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True), sleep=([] if waits is None else waits).append)
        digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
        try:
            return Client(transport, "a/b").push_blob(digest, len(CONTENT), lambda: blob.open("rb"))
        finally:
            transport.close()


def kept(registry: Registry) -> list[bytes]:
    return [path.read_bytes() for path in (registry.files.root / "blobs").glob("*/*")]


def recorded(registry: Registry) -> tuple[list[tuple[str, str]], Handler]:
    seen: list[tuple[str, str]] = []

    def handler(request: Request) -> Response:
        seen.append((request.method, request.headers.get("content-range", request.headers.get("content-length", ""))))
        return registry.answer(request)

    return seen, handler


def test_a_blob_goes_in_one_piece(registry: Registry, blob: Path) -> None:
    seen, handler = recorded(registry)
    assert send(handler, blob) == "sent"
    assert seen == [("HEAD", ""), ("POST", "0"), ("PUT", "1000000")]
    assert kept(registry) == [CONTENT]
    assert send(handler, blob) == "exists"


@pytest.mark.parametrize(("limit", "least", "pieces"), [(400_000, 0, 4), (600_000, 300_000, 2), (600_000, 590_000, 2)])
def test_a_proxy_that_takes_no_large_body(registry: Registry, blob: Path, limit: int, least: int, pieces: int) -> None:
    seen, inner = recorded(registry)

    def handler(request: Request) -> Response:
        if int(request.headers.get("content-length", "0")) > limit:
            return Response(413, {"Content-Type": "text/html"}, b"<h1>413</h1>")
        if (size := int(request.headers.get("content-length", "0"))) and request.method == "PATCH":
            last = request.headers["content-range"].endswith("-999999")
            assert last or size >= least
        answer = inner(request)
        return answer.replace(headers={**answer.headers, "OCI-Chunk-Min-Length": str(least)} if least else answer.headers)

    assert send(handler, blob) == "sent"
    assert len([method for method, _ in seen if method == "PATCH"]) == pieces
    assert seen[-1] == ("PUT", "0")
    assert kept(registry) == [CONTENT]


@pytest.mark.parametrize("size", [1, 5000, 1_000_000])
@pytest.mark.parametrize("status", [202, 204])
def test_a_registry_that_takes_pieces_only(registry: Registry, tmp_path: Path, size: int, status: int) -> None:
    content = CONTENT[:size]

    def handler(request: Request) -> Response:
        if request.method == "PUT" and request.headers.get("content-length", "0") != "0":
            return Response(413)
        answer = registry.answer(request)
        return answer.replace(status=status) if request.method == "PATCH" else answer

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True))
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert Client(transport, "a").push_blob(digest, size, lambda: io.BytesIO(content)) == "sent"
        transport.close()
    assert kept(registry) == [content]


def test_an_upload_that_another_server_does_not_know_begins_anew(registry: Registry, blob: Path) -> None:
    """As behind a balancer, where the next request may come to another server."""
    lost = ["PUT", "PATCH"]

    def handler(request: Request) -> Response:
        if request.method in lost:
            lost.remove(request.method)
            return Response(404, {}, b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN"}]}')
        return registry.answer(request)

    assert send(handler, blob, []) == "sent"
    assert (lost, kept(registry)) == ([], [CONTENT])


def test_a_registry_that_takes_nothing_at_all(registry: Registry, blob: Path) -> None:
    def handler(request: Request) -> Response:
        return Response(413) if request.headers.get("content-length", "0") != "0" else registry.answer(request)

    with pytest.raises(RegistryError, match="413") as refused:
        send(handler, blob)
    assert refused.value.status == 413
    assert list(registry.files.uploads.iterdir()) == []


class Breaking:
    """Lets each of the first few bodies break off after some bytes; what came of it is kept, as docker's registry does."""

    def __init__(self, registry: Registry, times: int, *, forgets: bool = False) -> None:
        self._registry = registry
        self._times = times
        self._forgets = forgets
        self.come = 0

    def __call__(self, request: Request) -> Response:
        length = int(request.headers.get("content-length", "0"))
        if self._times and length and request.method in ("PUT", "PATCH"):
            self._times -= 1
            upload = self._registry.files.upload("a/b", request.path.rpartition("/")[2])
            if self._forgets:
                upload.cancel()
            else:
                with upload.appending() as file:
                    file.write(self._read(request.body, length // 2))
            raise ConnectionError
        self.come += length
        return self._registry.answer(request)

    def _read(self, body: Body, size: int) -> bytes:
        content = b""
        while len(content) < size:
            content += body.read(size - len(content))
        self.come += size
        return content


def test_what_breaks_off_goes_on(registry: Registry, blob: Path) -> None:
    waits: list[float] = []
    breaking = Breaking(registry, 3)
    assert send(breaking, blob, waits) == "sent"
    assert kept(registry) == [CONTENT]
    assert breaking.come == len(CONTENT)  # no byte was taken twice
    assert len(waits) == 3


def test_what_the_registry_has_forgotten_begins_anew(registry: Registry, blob: Path) -> None:
    assert send(Breaking(registry, 2, forgets=True), blob) == "sent"
    assert kept(registry) == [CONTENT]


def test_what_breaks_off_again_and_again_is_given_up(registry: Registry, blob: Path) -> None:
    def handler(request: Request) -> Response:
        if request.method in ("PUT", "PATCH"):
            raise ConnectionError
        return registry.answer(request)

    with pytest.raises(RegistryError, match="PATCH http"):
        send(handler, blob)
    assert list(registry.files.uploads.iterdir()) == []


@pytest.mark.parametrize("place", ["absolute", "relative", "with a query"])
def test_where_the_registry_wants_it(registry: Registry, blob: Path, place: str) -> None:
    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        location = answer.headers.get("Location", "")
        if request.method != "POST":
            if place == "with a query":
                assert request.query.get("_state") == "x/y=" or request.method == "HEAD"
            return answer
        changed = {
            "absolute": f"http://{request.headers['host']}{location}",
            "relative": location.rpartition("/")[2],
            "with a query": location + "?_state=x%2Fy%3D",
        }
        return answer.replace(headers={**answer.headers, "Location": changed[place]})

    assert send(handler, blob) == "sent"
    assert kept(registry) == [CONTENT]


def test_lies_about_how_much_has_come(registry: Registry, blob: Path) -> None:
    breaking = Breaking(registry, 1)

    def handler(request: Request) -> Response:
        answer = breaking(request)
        if request.method == "GET":
            return answer.replace(headers={**answer.headers, "Range": "0-99999999"})
        return answer

    with pytest.raises(RegistryError, match="100000000 bytes have come, and the blob has 1000000"):
        send(handler, blob)


def test_a_registry_behind_a_proxy_and_one_that_leads_astray() -> None:
    from labcore.registry.pusher import BlobUpload

    class Said:
        def __init__(self, location: str) -> None:
            self.url = "https://registry.example.com/v2/a/blobs/uploads/"
            self.headers = {"Location": location}

        def read_at_most(self, limit: int) -> bytes:
            return b""

    sending = BlobUpload(Transport(Endpoint("registry.example.com")), "", "", 1, lambda: io.BytesIO(b"x"), lambda _: None)
    sending.begun_by(Said("http://registry.example.com/up?x=1"))  # type: ignore[arg-type]
    assert sending._place == "https://registry.example.com/up?x=1"
    with pytest.raises(RegistryError, match=r"leads to http://elsewhere.example.com/up, which is not secured"):
        sending.begun_by(Said("http://elsewhere.example.com/up"))  # type: ignore[arg-type]


def test_a_blob_that_another_repository_has_is_mounted(engine: Engine, registry: Registry) -> None:
    seen, handler = recorded(registry)
    with served(handler) as address:
        first, second = named(engine, address, "one/busybox:v1"), named(engine, address, "two/busybox:v1")
        list(push(engine.images, first, endpoint(first)))
        seen.clear()
        list(push(engine.images, second, endpoint(second)))
        assert sorted(method for method, _ in seen) == ["HEAD", "HEAD", "POST", "POST", "PUT"]  # no blob was sent
    with served(Registry(registry.files.root.parent / "other").answer) as other:
        named(engine, other, "three/busybox:v1")  # it has this name here, and was never pushed
        fourth = named(engine, other, "four/busybox:v1")
        assert list(push(engine.images, fourth, endpoint(fourth)))[-1].status == "done"


def test_who_may_not_read_there_sends(registry: Registry, blob: Path) -> None:
    def handler(request: Request) -> Response:
        return Response(403) if request.query.get("mount") else registry.answer(request)

    digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    with served(handler) as address:
        client = Client(Transport(Endpoint(address, insecure=True)), "a/b")
        assert client.push_blob(digest, len(CONTENT), lambda: blob.open("rb"), source="secret/b") == "sent"


@pytest.mark.parametrize("said", ["9" * 5000, "-1", "x", "", "\u0663"])
def test_numbers_that_are_none(registry: Registry, blob: Path, said: str) -> None:
    def handler(request: Request) -> Response:
        answer = registry.answer(request)
        odd = {"OCI-Chunk-Min-Length": said, "Retry-After": said}
        return answer.replace(headers={**answer.headers, **odd})

    assert send(handler, blob) == "sent"
    assert pause(1, said) >= 0


def test_retry_after_is_a_number_or_a_date() -> None:

    assert pause(1, "3") == 3
    assert 5 < pause(1, formatdate(time.time() + 9, usegmt=True)) < 10
    assert pause(1, formatdate(time.time() - 9, usegmt=True)) == 0
    assert pause(1, "100000") == 30
    assert 0 < pause(1, "soon") < 1


# --- giving up


def stopped_when(parts: Iterator[object], happens: Callable[[], bool]) -> None:
    for _ in parts:
        if happens():
            parts.close()  # type: ignore[attr-defined]
            return
    pytest.fail("it was done before it could be stopped")


def test_a_push_that_is_given_up_leaves_nothing(engine: Engine, registry: Registry) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def handler(request: Request) -> Response:
        if request.method == "PUT" and "/blobs/uploads/" in request.path:
            reached.set()
            go_on.wait(60)
        return registry.answer(request)

    with served(handler) as address:
        reference = named(engine, address)
        threading.Timer(1, go_on.set).start()
        stopped_when(
            push(engine.images, reference, endpoint(reference)), lambda: reached.wait(0.5)
        )  # what is said before goes by
        go_on.set()
        for _ in range(1000):
            if not list(registry.files.uploads.iterdir()):
                break
            threading.Event().wait(0.05)
        assert list(registry.files.uploads.iterdir()) == []
        assert registry.files.repositories() == []
        list(push(engine.images, reference, endpoint(reference)))
        assert registry.files.repositories() == ["team/busybox"]


def test_a_pull_that_is_given_up_goes_on_the_next_time(engine: Engine, registry: Registry, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    asked: list[str] = []
    release = threading.Event()

    def halves(content: bytes) -> Iterator[bytes]:
        yield content[: len(content) // 2]
        release.wait(20)  # whoever gives up must not have to wait for this
        yield content[len(content) // 2 :]

    with served(lambda request: handler(request)) as address:
        reference = named(engine, address)
        layer = engine.images.get(reference).layers[0]
        content = b""

        def handler(request: Request) -> Response:
            asked.append(request.headers.get("range", ""))
            answer = registry.answer(request)
            if content and request.method == "GET" and request.path.endswith(layer.digest) and not release.is_set():
                return Response(200, {}, halves(content))
            return answer

        list(push(engine.images, reference, endpoint(reference)))
        content = engine.images.blob_path(layer).read_bytes()
        pulling = pull(store, reference, endpoint(reference))
        stopped_when(pulling, lambda: bool(list(store.directory.glob("blobs/sha256/.partial-*"))) and asked[-1] == "")
        assert store.names() == []
        release.set()
        list(pull(store, reference, endpoint(reference)))
        assert store.get(reference).layers == engine.images.get(reference).layers


def test_a_registry_that_cannot_be_written_to(engine: Engine, registry: Registry) -> None:
    registry.settings = Settings(read_only=True)
    with served(registry.answer) as address:
        reference = named(engine, address)
        with pytest.raises(RegistryError, match="UNSUPPORTED"):
            list(push(engine.images, reference, endpoint(reference)))
        assert Reference.parse(str(reference)) == reference


def test_ctrl_c_at_the_command(engine: Engine, registry: Registry, tmp_path: Path) -> None:
    """The command ends soon, and the daemon has the push end: nothing is left at the registry."""
    needs_root()
    reached = threading.Event()

    def handler(request: Request) -> Response:
        if request.method == "PUT" and "/blobs/uploads/" in request.path:
            reached.set()
            time.sleep(0.3)
            raise ConnectionError  # it breaks off again and again: the command has something to do
        return registry.answer(request)

    with served(handler) as address, own_daemon(engine.root):
        reference = named(engine, address)
        command = [sys.executable, "-m", "labcore", "--root", str(engine.root), "push", str(reference)]
        with Started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert reached.wait(20)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert process.returncode == 130
        assert said == ""
        deadline = time.monotonic() + 20
        while list(registry.files.uploads.iterdir()):  # until the daemon has noticed
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert registry.files.repositories() == []
