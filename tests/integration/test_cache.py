"""A registry that gets what it is asked for from another: once for all who want it, whole, and also when that one is away."""

import gc
import hashlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import bcrypt
import pytest

from labcore.engine import Engine
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.engine.image.push import push
from labcore.http import Request, Response, SizedStream
from labcore.images import ImageStore
from labcore.registry.cache import Cache
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import Endpoint
from labcore.registry.server import Registry, Settings
from labcore.registry.server_auth import Htpasswd
from labcore.spec import Reference
from tests.serving import named, served
from tests.threads import Started, running, together

IMAGE = "application/vnd.oci.image.manifest.v1+json"


class Upstream:
    """A registry that counts what it is asked, and may be made to do otherwise."""

    def __init__(self, root: Path) -> None:
        self.registry = Registry(root)
        self.asked: Counter[str] = Counter()
        self.instead: Callable[[Request], Response | None] | None = None
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Response:
        with self._lock:
            self.asked[f"{request.method} {request.path.partition('/v2/')[2]}"] += 1
        if self.instead and (answer := self.instead(request)) is not None:
            return answer
        return self.registry.answer(request)

    def put_blob(self, name: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = self.registry.files.root / "come"
        path.write_bytes(content)
        self.registry.files.adopt_blob(name, digest, path)
        return digest

    def put_tag(self, name: str, tag: str, text: str) -> str:
        content = json.dumps({"schemaVersion": 2, "mediaType": IMAGE, "annotations": {"text": text}}).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.registry.files.put_manifest(name, digest, IMAGE, content)
        self.registry.files.tag(name, tag, digest)
        return digest


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def away(upstream: Upstream) -> Iterator[str]:
    with served(upstream) as address:
        yield address


class Clock:
    """Goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(away: str, tmp_path: Path, clock: Clock) -> Iterator[Cache]:
    made = Cache(tmp_path / "cache", Endpoint(away, insecure=True), clock=clock)
    yield made
    made.close()


@pytest.fixture
def address(cache: Cache) -> Iterator[str]:
    with served(cache.answer) as address:
        yield address


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request(method, f"/v2/{path}", headers=headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def held_below(directory: Path) -> list[str]:
    """Return the files below a directory that this process has open, removed ones too."""
    names = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            names.append(os.readlink(link))
    return [name for name in names if name.startswith(f"{directory}/")]


def test_a_class_of_forty_makes_one_download(
    engine: Engine, upstream: Upstream, away: str, address: str, tmp_path: Path
) -> None:
    original = named(engine, away, "library/busybox:v1")
    list(push(engine.images, original, endpoint(original)))
    upstream.asked.clear()
    reference = Reference.parse(f"{address}/library/busybox:v1")
    numbers = iter(range(40))
    got: list[str] = []

    def learner() -> None:
        store = ImageStore(tmp_path / f"learner{next(numbers)}")
        list(pull(store, reference, endpoint(reference)))
        got.append(store.get(reference).descriptor.digest)

    together(*[learner] * 40)
    image = engine.images.get(original)
    assert got == [image.descriptor.digest] * 40
    blobs = [image.config_descriptor.digest, *(layer.digest for layer in image.layers)]
    wanted = {f"GET library/busybox/blobs/{digest}": 1 for digest in blobs} | {"GET library/busybox/manifests/v1": 1}
    assert {what: times for what, times in upstream.asked.items() if what.startswith("GET")} == wanted


def test_who_comes_later_gets_what_has_come(upstream: Upstream, address: str) -> None:
    """The second reader has the first half before the other registry has sent the second one; nobody gets the end unchecked."""
    content = os.urandom(1_000_000)
    digest = upstream.put_blob("a", content)
    go_on = threading.Event()
    told: list[bool] = []

    def slowly(request: Request) -> Response | None:
        def halves() -> Iterator[bytes]:
            yield content[:500_000]
            told.append(go_on.wait(20))
            yield content[500_000:]

        return Response(200, {}, SizedStream(halves(), len(content))) if request.method == "GET" else None

    upstream.instead = slowly
    readers = []
    for _ in range(2):
        connection = http.client.HTTPConnection(address, timeout=20)
        connection.request("GET", f"/v2/a/blobs/{digest}")
        answer = connection.getresponse()
        assert answer.headers["Content-Length"] == "1000000"
        assert answer.read(400_000) == content[:400_000]
        readers.append(answer)
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("GET", f"/v2/a/blobs/{digest}", headers={"Range": "bytes=100000-199999"})
    part = connection.getresponse()
    assert (part.status, part.headers["Content-Range"]) == (206, "bytes 100000-199999/1000000")
    assert part.read() == content[100_000:200_000]
    assert told == []
    go_on.set()
    assert [answer.read() for answer in readers] == [content[400_000:]] * 2
    assert told == [True]
    assert upstream.asked[f"GET a/blobs/{digest}"] == 1
    assert ask(address, f"a/blobs/{digest}") == (200, content)


@pytest.mark.parametrize("lie", [lambda c: b"x" + c[1:], lambda c: c[:-1], lambda c: c + b"x"], ids=["other", "short", "long"])
def test_a_wrong_blob_is_given_to_nobody_and_not_kept(
    upstream: Upstream, address: str, cache: Cache, lie: Callable[[bytes], bytes]
) -> None:
    content = os.urandom(700_000)
    digest = upstream.put_blob("a", content)
    upstream.instead = lambda request: Response(200, {}, lie(content)) if request.method == "GET" else None
    whole: list[bytes] = []

    def reader() -> None:
        try:
            status, body = ask(address, f"a/blobs/{digest}")
            if status == 200:
                whole.append(body)
        except (http.client.IncompleteRead, ConnectionError):
            pass

    gc.disable()
    try:
        together(*[reader] * 5)
        deadline = time.monotonic() + 60
        while held_below(cache.files.uploads) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert held_below(cache.files.uploads) == []  # the space on disk is free again without a look for cycles
    finally:
        gc.enable()
    assert [body for body in whole if len(body) == len(content)] == []
    assert not cache.files.blob_path(digest).exists()
    assert list(cache.files.uploads.iterdir()) == []
    upstream.instead = None
    assert ask(address, f"a/blobs/{digest}") == (200, content)


def test_a_download_that_breaks_off_goes_on(upstream: Upstream, address: str) -> None:
    content = os.urandom(900_000)
    digest = upstream.put_blob("a", content)
    broken: list[str] = []

    def breaking(request: Request) -> Response | None:
        if request.method == "GET" and len(broken) < 2:
            begin = int((request.headers.get("range") or "bytes=0-")[6:-1])
            broken.append(request.headers.get("range", ""))
            status = 206 if begin else 200
            where = {"Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"} if begin else {}
            return Response(status, where, SizedStream(iter([content[begin : begin + 300_000]]), len(content) - begin))
        return None

    upstream.instead = breaking
    assert ask(address, f"a/blobs/{digest}") == (200, content)
    assert broken[0] == ""
    assert broken[1].startswith("bytes=")


def test_a_tag_is_asked_for_again_after_some_time(upstream: Upstream, address: str, clock: Clock) -> None:
    first = upstream.put_tag("a", "v1", "first")
    for _ in range(3):
        assert b'"first"' in ask(address, "a/manifests/v1")[1]
    assert upstream.asked == {"GET a/manifests/v1": 1}
    clock.now += 61
    assert b'"first"' in ask(address, "a/manifests/v1")[1]
    assert upstream.asked == {"GET a/manifests/v1": 1, "HEAD a/manifests/v1": 1}  # a limit of downloads does not count that
    upstream.put_tag("a", "v1", "second")
    assert b'"first"' in ask(address, "a/manifests/v1")[1]
    clock.now += 61
    assert b'"second"' in ask(address, "a/manifests/v1")[1]
    assert b'"first"' in ask(address, f"a/manifests/{first}")[1]
    upstream.registry.files.untag("a", "v1")
    clock.now += 61
    assert ask(address, "a/manifests/v1")[0] == 404
    assert ask(address, "a/manifests/v1")[0] == 404


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_what_is_known_is_served_while_the_other_is_away(
    upstream: Upstream, address: str, cache: Cache, clock: Clock, status: int
) -> None:
    cache._transport.sleep = lambda _: None
    upstream.put_tag("a", "v1", "first")
    content = os.urandom(1000)
    digest = upstream.put_blob("a", content)
    assert ask(address, f"a/blobs/{digest}")[0] == ask(address, "a/manifests/v1")[0] == 200

    def gone(request: Request) -> Response:
        if not status:
            raise ConnectionError
        return Response(status)

    upstream.instead = gone
    clock.now += 61
    assert b'"first"' in ask(address, "a/manifests/v1")[1]
    assert ask(address, f"a/blobs/{digest}") == (200, content)
    assert json.loads(ask(address, "a/tags/list")[1])["tags"] == ["v1"]
    unknown, said = ask(address, "a/manifests/v2")
    assert unknown == (429 if status == 429 else 502)
    assert b"the registry that this one asks" in said
    assert ask(address, f"a/blobs/sha256:{'0' * 64}")[0] == unknown


def test_what_the_other_does_not_have(upstream: Upstream, address: str) -> None:
    assert ask(address, "a/manifests/v1")[0] == 404
    assert ask(address, f"a/manifests/sha256:{'0' * 64}")[0] == 404
    assert ask(address, f"a/blobs/sha256:{'0' * 64}")[0] == 404
    assert ask(address, f"a/blobs/sha256:{'0' * 64}", "HEAD")[0] == 404
    assert ask(address, "a/blobs/sha256:00")[0] == 400
    assert ask(address, "A/manifests/v1")[0] == 400
    assert upstream.asked["GET A/manifests/v1"] == 0


def test_a_blob_is_known_by_name_before_it_is_here(upstream: Upstream, address: str) -> None:
    digest = upstream.put_blob("a", b"x" * 1000)
    connection = http.client.HTTPConnection(address, timeout=20)
    connection.request("HEAD", f"/v2/a/blobs/{digest}")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Length"]) == (200, "1000")
    assert upstream.asked == {f"HEAD a/blobs/{digest}": 1}


def test_one_repositorys_blob_is_not_anothers(upstream: Upstream, address: str) -> None:
    digest = upstream.put_blob("secret", b"x" * 1000)
    assert ask(address, f"secret/blobs/{digest}")[0] == 200
    assert ask(address, f"open/blobs/{digest}")[0] == 404
    assert upstream.registry.files.mount_blob("open", digest, "secret")
    assert ask(address, f"open/blobs/{digest}") == (200, b"x" * 1000)
    assert upstream.asked[f"GET open/blobs/{digest}"] == 0  # it was here already


def test_nothing_can_be_pushed(address: str) -> None:
    assert ask(address, "a/blobs/uploads/", "POST")[0] == 405
    assert ask(address, "a/manifests/v1", "DELETE")[0] == 405


def test_all_tags_are_those_of_the_other(upstream: Upstream, address: str) -> None:
    for tag in ("v1", "v2", "v3"):
        upstream.put_tag("a", tag, tag)
    assert json.loads(ask(address, "a/tags/list")[1]) == {"name": "a", "tags": ["v1", "v2", "v3"]}
    assert json.loads(ask(address, "a/tags/list?n=2")[1])["tags"] == ["v1", "v2"]


def test_it_keeps_no_more_than_it_may(away: str, upstream: Upstream, tmp_path: Path) -> None:
    digests = [upstream.put_blob("a", os.urandom(100_000)) for _ in range(4)]
    cache = Cache(tmp_path / "small", Endpoint(away, insecure=True), max_bytes=250_000)

    def kept() -> list[int]:
        return [number for number, digest in enumerate(digests) if cache.files.blob_path(digest).exists()]

    def wait_for(numbers: list[int]) -> None:
        for _ in range(1000):
            if kept() == numbers:
                return
            time.sleep(0.02)
        pytest.fail(f"{kept()} and not {numbers}")

    with served(cache.answer) as address:
        for number in (0, 1, 0, 2):
            assert ask(address, f"a/blobs/{digests[number]}")[0] == 200
            time.sleep(0.03)
        wait_for([0, 2])  # 1 was not wanted for longest
        assert ask(address, f"a/blobs/{digests[1]}")[0] == 200
        wait_for([1, 2])
    cache.close()


def test_it_logs_in_there_and_tells_nobody(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text("anna:" + bcrypt.hashpw(b"hush-hush", bcrypt.gensalt(4)).decode() + "\n")
    upstream = Upstream(tmp_path / "upstream")
    upstream.registry.settings = Settings(Htpasswd(tmp_path / "htpasswd"))
    upstream.put_tag("a", "v1", "first")
    with served(upstream) as there:
        cache = Cache(tmp_path / "cache", Endpoint(there, insecure=True), Credentials("anna", "hush-hush"))
        with served(cache.answer) as address:
            assert ask(address, "a/manifests/v1")[0] == 200
        cache = Cache(tmp_path / "other", Endpoint(there, insecure=True), Credentials("anna", "wr0ng-1"))
        with served(cache.answer) as address:
            status, said = ask(address, "a/manifests/v1")
            assert (status, b"DENIED" in said, b"wr0ng-1" in said) == (403, True, False)


def test_it_ends_soon_whatever_it_waits_for(upstream: Upstream, away: str, tmp_path: Path) -> None:
    digest = upstream.put_blob("a", b"x" * 1000)
    reached, go_on = threading.Event(), threading.Event()

    def hanging(request: Request) -> None:
        reached.set()
        go_on.wait(30)

    upstream.instead = hanging
    command = [sys.executable, "-m", "labcore", "--root", str(tmp_path), "registry", "serve", "--listen", "127.0.0.1:0"]
    with Started([*command, "--proxy", away], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[2].removeprefix("http://")

        def learner() -> None:
            with suppress(OSError, http.client.HTTPException):
                ask(address, f"a/blobs/{digest}")

        with running(learner, stop=go_on.set):
            assert reached.wait(10)
            server.terminate()
            assert server.wait(20) == 0
            assert not go_on.is_set()
