"""What lesson 3 is given: a store of its own, small images, a registry that writes down what is said, a fetch."""

import errno
import json
import tarfile
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from pathlib import Path

import pytest

from labcore import lab
from labcore.engine import Engine
from labcore.errors import ImageNotFound, InvalidInput
from labcore.images import ImageStore
from labcore.lab.registries import LessonRegistry
from labcore.lab.solutions import solution
from labcore.spec import Reference
from tests.threads import running

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.fixture
def store(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A lesson's store below a state root of its own, whose images are the engine's."""
    monkeypatch.setenv("LABCORE_ROOT", str(tmp_path))
    (tmp_path / "images").symlink_to(engine.root / "images")
    return lab.new_store("busybox")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LessonRegistry]:
    with LessonRegistry(tmp_path / "registry") as made:
        yield made


def test_a_store_is_a_copy_that_can_be_emptied(store: str, engine: Engine) -> None:
    assert lab.store() == store
    assert ImageStore(Path(store)).names() == ["busybox:latest"]
    assert not list(Path(store, "leases").glob("*"))
    theirs = engine.images.get(Reference.parse("busybox"))
    assert lab.manifest(store, "busybox")["layers"][0]["digest"] == theirs.layers[0].digest
    assert lab.new_store() == store
    with pytest.raises(ImageNotFound):
        lab.manifest(store, "busybox")
    assert engine.images.get(Reference.parse("busybox")) == theirs


def test_a_layer_is_what_was_written_down() -> None:
    made = lab.layer({"a/b/c": "text\n", "a/gone": None, "empty/": "", "hidden/": None})
    with tarfile.open(fileobj=BytesIO(made)) as archive:
        names = archive.getnames()
        assert sorted(names) == ["a", "a/.wh.gone", "a/b", "a/b/c", "empty", "hidden", "hidden/.wh..wh..opq"]
        assert archive.extractfile("a/b/c").read() == b"text\n"  # type: ignore[union-attr]
    assert lab.layer({"a/b/c": "text\n", "a/gone": None, "empty/": "", "hidden/": None}) == made


def test_an_image_shares_the_layers_of_its_base(store: str) -> None:
    made = lab.image(store, "cafe:v1", [lab.layer({"menu": "tea\n"})])
    parts = lab.manifest(store, "cafe:v1")["layers"]
    assert parts[:1] == lab.manifest(store, "busybox")["layers"]
    assert len(parts) == 2
    found = ImageStore(Path(store)).get(Reference.parse("cafe:v1"))
    assert (found.descriptor.digest, found.config.command) == (made, ("sh",))
    with pytest.raises(ImageNotFound):
        lab.image(store, "other", [], base="nowhere")


def test_a_push_and_a_pull_are_written_down(store: str, registry: LessonRegistry) -> None:
    assert lab.push(store, "busybox", registry) == f"{registry.address}/busybox:latest"
    said = registry.access_log()
    assert sorted(row.request.split()[0] for row in said.rows) == ["HEAD", "HEAD", "POST", "POST", "PUT", "PUT", "PUT"]
    assert [row.phrase for row in said.rows].count("404 Not Found") == 2
    lab.push(store, "busybox", registry)
    again = registry.access_log()
    assert [row.status for row in again.rows] == [200, 200, 201]
    assert again.rows[2].asked == ("Content-Type: …manifest.v1+json",)
    digest = lab.manifest(store, "busybox")["config"]["digest"]
    lab.fetch(f"{registry.url}/v2/busybox/blobs/{digest}")
    (row,) = registry.access_log().rows
    assert row.request == f"GET /v2/busybox/blobs/{digest[:15]}…"
    assert repr(registry.access_log()) == "(nothing was asked)"
    for text in (repr(again), again._repr_html_()):
        assert "201 Created" in text
        assert max(map(len, repr(again).splitlines())) <= 100


def test_a_reader_is_told_what_a_server_said(registry: LessonRegistry) -> None:
    with pytest.raises(lab.FetchFailed, match="404 Not Found") as failure:
        lab.fetch(f"{registry.url}/v2/cafe/manifests/latest")
    assert (failure.value.errno, failure.value.status) == (errno.ENOENT, 404)
    with pytest.raises(InvalidInput, match="begins with http"):
        lab.fetch("file:///etc/passwd")
    registry.close()
    with pytest.raises(lab.FetchFailed, match="refused") as failure:
        lab.fetch(f"{registry.url}/v2/")
    assert (failure.value.errno, failure.value.status) == (errno.EIO, 0)


def test_no_more_is_fetched_than_fits(registry: LessonRegistry, store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.push(store, "busybox", registry)
    monkeypatch.setattr("labcore.lab.http_get.MOST", 100)
    with pytest.raises(lab.FetchFailed, match="more than 0 MB came"):
        lab.fetch(f"{registry.url}/v2/busybox/manifests/latest")


def test_a_password_is_for_the_host_that_asks(tmp_path: Path) -> None:
    """A server may send one on to another; the password does not go along."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(dict(self.headers))
            port = self.server.server_address[1]
            self.send_response(HTTPStatus.FOUND if self.path == "/here" else HTTPStatus.OK)
            self.send_header("Location", f"http://localhost:{port}/there")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.timeout = 10
        with running(lambda: [server.handle_request() for _ in range(2)]):
            lab.fetch(f"http://127.0.0.1:{server.server_port}/here", user="ada:lovelace")
    assert [("Authorization" in headers) for headers in heard] == [True, False]


def test_a_private_registry_asks_who_is_there(store: str, registry: LessonRegistry) -> None:
    lab.push(store, "busybox", registry)
    with registry.private("ada", "lovelace") as private:
        url = f"{private.url}/v2/busybox/tags/list"
        for user in (None, "ada:byron", "eve:lovelace"):
            with pytest.raises(lab.FetchFailed, match="Basic realm") as failure:
                lab.fetch(url, user=user)
            assert failure.value.errno == errno.EACCES
        assert json.loads(lab.fetch(url, user="ada:lovelace"))["tags"] == ["latest"]
        said = private.access_log()
    assert [row.status for row in said.rows] == [401, 401, 401, 200]
    assert "lovelace" not in repr(said)


def test_a_registry_that_tampers_is_found_out(store: str, registry: LessonRegistry) -> None:
    lab.push(store, "busybox", registry)
    layer = lab.manifest(store, "busybox")["layers"][0]["digest"]
    pull = solution("pull")
    for named in ((), (layer,)):
        elsewhere = Path(lab.tray("elsewhere"))
        (elsewhere / "blobs/sha256").mkdir(parents=True)
        with registry.tampering(*named) as tampering, pytest.raises(ValueError, match="was asked for"):
            pull(tampering.url, "busybox", "latest", str(elsewhere))
        assert layer.removeprefix("sha256:") not in {path.name for path in elsewhere.rglob("*")}
    assert pull(registry.url, "busybox", "latest", store) == lab.manifest(store, "busybox")


def test_contents_name_what_no_tag_leads_to_any_more(store: str, registry: LessonRegistry) -> None:
    first = lab.image(store, "cafe:v1", [lab.layer({"menu": "tea\n"})])
    lab.push(store, "cafe:v1", registry)
    second = lab.image(store, "cafe:v1", [lab.layer({"menu": "soup\n"})])
    lab.push(store, "cafe:v1", registry)
    (cafe,) = registry.contents()
    assert cafe.name == "cafe"
    assert [(kept.digest, kept.tags) for kept in cafe.images] == [(first, ()), (second, ("v1",))]
    assert cafe.images[0].layers[0] == cafe.images[1].layers[0]


def test_a_failure_that_is_meant_may_be_any_error(capsys: pytest.CaptureFixture[str]) -> None:
    with lab.expect(ValueError):
        raise ValueError("these bytes " * 20)
    said = capsys.readouterr().out
    assert said.startswith("ValueError:\n  these bytes")
    assert max(map(len, said.splitlines())) <= 95
    with pytest.raises(lab.NothingHappened, match="ValueError / ENOENT"), lab.expect(ValueError, errno.ENOENT):
        pass
    with pytest.raises(KeyError), lab.expect(ValueError):
        raise KeyError("other")
