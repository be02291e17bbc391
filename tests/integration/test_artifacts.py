"""What registries hold beside images, and answers whose fields are of other types than they should be."""

import copy
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.cli import main
from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull
from labcore.errors import ImageNotFound, LabcoreError
from labcore.http import Request, Response
from labcore.images import ImageStore
from labcore.registry.client import Client
from labcore.registry.credentials import Credentials
from labcore.registry.endpoint import Endpoint, RegistryError
from labcore.registry.search import search
from labcore.registry.transport import Transport
from labcore.spec import Platform, Reference
from tests.conftest import needs_root
from tests.daemon import own_daemon
from tests.registry import CONFIG, INDEX, LAYER, OCI, descriptor, digest_of
from tests.serving import served


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w"):
        pass
    return out.getvalue()


ARCHIVE = archive()
HERE = Platform.here()


class Holds:
    """A registry that holds what it is given, whatever that is."""

    def __init__(self) -> None:
        self.tags: dict[str, bytes] = {}
        self.kinds: dict[bytes, str] = {}
        self.blobs: dict[str, bytes] = {}

    def __call__(self, request: Request) -> Response:
        reference = request.path.rpartition("/")[2]
        content = self.tags.get(reference, self.blobs.get(reference))
        if content is None:
            return Response(404)
        return Response(200, {"Content-Type": self.kinds.get(content, OCI)}, content)

    def put(self, content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        self.blobs[digest_of(content)] = content
        if media_type in (OCI, INDEX):
            self.kinds[content] = media_type
        return descriptor(digest_of(content), content, media_type) | more

    def json(self, value: Any, media_type: str, **more: Any) -> dict[str, Any]:
        return self.put(json.dumps(value).encode(), media_type, **more)

    def image(self, name: str, config: str = CONFIG, layer: str = LAYER + "+gzip", **more: Any) -> dict[str, Any]:
        """Put a manifest of one layer whose config names the image, and return its descriptor."""
        value = {"architecture": HERE.architecture, "os": "linux", "rootfs": {"diff_ids": [digest_of(ARCHIVE)]}, "author": name}
        parts = {"config": self.json(value, config), "layers": [self.put(gzip.compress(ARCHIVE, mtime=0), layer)]}
        return self.json({"schemaVersion": 2, "mediaType": OCI, **parts, **more}, OCI)

    def tag(self, name: str, entry: dict[str, Any]) -> None:
        self.tags[name] = self.blobs[entry["digest"]]


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.fixture
def holds() -> Holds:
    return Holds()


@pytest.fixture
def address(holds: Holds) -> Iterator[str]:
    with served(holds) as address:
        yield address


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def pulled(store: ImageStore, address: str, tag: str) -> str:
    """Return which image was pulled."""
    reference = Reference.parse(f"{address}/a:{tag}")
    list(pull(store, reference, endpoint(reference)))
    return store.get(reference).config.author


ARTIFACTS: dict[str, tuple[dict[str, Any], str]] = {
    "a chart": (
        {"config": "application/vnd.cncf.helm.config.v1+json", "layer": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"},
        r"artifact of kind 'application/vnd\.cncf\.helm\.config\.v1\+json'\n  cure: oras pull",
    ),
    "an artifact that says its type": (
        {"config": "application/vnd.oci.empty.v1+json", "artifactType": "application/vnd.example.sbom"},
        "artifact of kind 'application/vnd.example.sbom'",
    ),
    "an attestation": ({"layer": "application/vnd.in-toto+json"}, "artifact of kind 'application/vnd.in-toto\\+json'"),
    "a signature": (
        {"layer": "application/vnd.dev.cosign.simplesigning.v1+json"}, "artifact of kind 'application/vnd.dev.cosign",
    ),
    "a plugin": ({"config": "application/vnd.docker.plugin.v1+json"}, "artifact of kind 'application/vnd.docker.plugin"),
    "an encrypted image": ({"layer": LAYER + "+gzip+encrypted"}, "its layers are encrypted"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARTIFACTS)
def test_artifacts_are_called_so(holds: Holds, address: str, store: ImageStore, name: str) -> None:
    form, said = ARTIFACTS[name]
    holds.tag("v1", holds.image("x", **form))
    with pytest.raises(ImageNotFound, match=said):
        pulled(store, address, "v1")
    assert store.names() == []


def test_a_manifest_of_an_unknown_kind(holds: Holds, address: str, store: ImageStore) -> None:
    kind = "application/vnd.oci.artifact.manifest.v1+json"
    content = json.dumps({"mediaType": kind, "blobs": []}).encode()
    holds.tags["v1"], holds.kinds[content] = content, kind
    with pytest.raises(RegistryError, match=r"is no image but a manifest of kind 'application/vnd\.oci\.artifact"):
        pulled(store, address, "v1")


@pytest.mark.parametrize("config", [CONFIG, "application/vnd.docker.container.image.v1+json", "application/octet-stream"])
def test_images_of_old_tools_are_images(holds: Holds, address: str, store: ImageStore, config: str) -> None:
    holds.tag("v1", holds.image("x", config, artifactType=None))
    assert pulled(store, address, "v1") == "x"


PLATFORM = {"os": "linux", "architecture": HERE.architecture}
OTHER = {"os": "linux", "architecture": "s390x"}


def test_indexes(holds: Holds, address: str, store: ImageStore) -> None:
    image, other, sbom = holds.image("x"), holds.image("y"), holds.image("z", "application/vnd.example")
    unknown = {"os": "unknown", "architecture": "unknown"}

    def index(*entries: dict[str, Any]) -> dict[str, Any]:
        return holds.json({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)}, INDEX)

    deep = index(image)
    for _ in range(6):
        deep = index(deep)
    for number, (entry, found) in enumerate((
        (index(other | {"platform": OTHER}, image | {"platform": PLATFORM}), "x"),
        (index(image), "x"),
        (index(image | {"platform": None}), "x"),
        (index(image | {"platform": {}}), "x"),
        (index(sbom, image), "x"),
        (index(sbom | {"mediaType": "application/vnd.example"}, image), "x"),
        (index(other | {"platform": OTHER}, image), "x"),
        (index(other, image | {"platform": PLATFORM}), "x"),
        (index(sbom | {"platform": PLATFORM}, image), "x"),
        (index(index(image)), "x"),
        (index(index(other | {"platform": OTHER}), index(image | {"platform": PLATFORM})), "x"),
        (index(index(image) | {"platform": PLATFORM}), "x"),
        (index(other | {"platform": OTHER}, sbom | {"platform": unknown}), "not made for .*: there is linux/s390x"),
        (index(sbom), "artifact of kind 'application/vnd.example'"),
        (index(sbom | {"mediaType": "application/vnd.example"}), "index without an image: it lists 'application/vnd.example'"),
        (index(), "there is nothing"),
        (deep, "an index leads to an index"),
    )):  # fmt: skip
        holds.tag(f"v{number}", entry)
        if found == "x":
            assert pulled(store, address, f"v{number}") == "x", number
        else:
            with pytest.raises(LabcoreError, match=found):
                pulled(store, address, f"v{number}")


# --- fields of other types

ODD = (None, True, -1, 1.5, 10**30, "", "x", "\ud800", [], [None], [[]], {}, {"a": None}, {"digest": None}, {"": [{}]})


def places_in(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a document."""
    yield above
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in entries:
        yield from places_in(below, (*above, key))


def changed(value: Any, place: tuple[Any, ...], odd: Any) -> Any:
    if not place:
        return odd
    made = copy.deepcopy(value)
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = odd
    return made


def documents(value: Any) -> Iterator[bytes]:
    for place in places_in(value):
        for odd in ODD:
            yield json.dumps(changed(value, place, odd)).encode()


@pytest.mark.parametrize("kind", ["manifest", "config", "index"])
def test_images_whose_fields_are_of_other_types(
    holds: Holds, address: str, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is an image, or refused in one sentence."""
    entry = holds.image("x", annotations={"a": "b"})
    whole = json.loads(holds.blobs[entry["digest"]])
    config = json.loads(holds.blobs[whole["config"]["digest"]]) | {
        "config": {"Env": ["A=b"], "Cmd": ["sh"], "Labels": {"a": "b"}, "ExposedPorts": {"80/tcp": {}}, "User": "x"},
        "history": [{"created_by": "x", "empty_layer": True}],
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry | {"platform": PLATFORM, "annotations": {"a": "b"}}]}
    store = ImageStore(tmp_path / "images")
    for content in documents({"manifest": whole, "config": config, "index": index}[kind]):
        if kind == "config":
            holds.tag("v1", holds.json(whole | {"config": holds.put(content, CONFIG)}, OCI))
        else:
            holds.tags["v1"] = content
            holds.kinds[content] = {"manifest": OCI, "index": INDEX}[kind]
        try:
            assert pulled(store, address, "v1") is not None
        except LabcoreError as error:
            assert str(error).isprintable() or "\n" in str(error), content
            assert "Traceback" not in str(error)


@pytest.mark.parametrize("what", ["token", "tags", "error", "index", "catalog"])
def test_answers_whose_fields_are_of_other_types(what: str) -> None:
    said = b""

    def handler(request: Request) -> Response:
        if what == "error":
            return Response(404, {"Content-Type": "application/json"}, said)
        if what == "token" and request.path != "/token" and "authorization" not in request.headers:
            return Response(401, {"WWW-Authenticate": f'Bearer realm="http://{request.headers["host"]}/token"'})
        if what == "catalog" and request.path.startswith("/v1"):
            return Response(404)
        return Response(200, {}, said)

    values = {
        "token": {"token": "x", "access_token": "y", "expires_in": 1},
        "tags": {"name": "a", "tags": ["v1"]},
        "error": {"errors": [{"code": "X", "message": "x", "detail": {}}]},
        "index": {"results": [{"name": "x", "description": "y", "star_count": 1, "is_official": True}]},
        "catalog": {"repositories": ["x"]},
    }
    with served(handler) as address:
        for content in documents(values[what]):
            said = content
            transport = Transport(Endpoint(address, insecure=True), Credentials("u", "p"), attempts=1)
            try:
                if what in ("index", "catalog"):
                    search(transport.endpoint, None, "x")
                elif what == "token":
                    transport.request("GET", "/v2/").close()
                else:
                    assert all(isinstance(tag, str) for tag in Client(transport, "a").tags())
            except RegistryError as error:
                assert "\ud800" not in str(error)
            finally:
                transport.close()


def test_lists_of_tags_without_end() -> None:
    pages = 0

    def handler(request: Request) -> Response:
        nonlocal pages
        pages += 1
        links = {
            "loop": f'<{request.path}?n=1>; rel="next"',
            "astray": '<file:///etc/passwd>; rel="next"',
            "several": '</x>; rel="prev", <?last=1>; title="a"; rel=next' if "last" not in request.query else "",
            "none": "<",
        }
        return Response(200, {"Link": links[request.path.split("/")[2]]}, json.dumps({"tags": [f"v{pages}"]}).encode())

    with served(handler) as address:
        transport = Transport(Endpoint(address, insecure=True))
        with pytest.raises(RegistryError, match="does not end"):
            Client(transport, "loop").tags()
        with pytest.raises(RegistryError, match="only http and https"):
            Client(transport, "astray").tags()
        pages = 0
        assert Client(transport, "several").tags() == ["v1", "v2"]
        assert Client(transport, "none").tags() == ["v3"]
        transport.close()


def test_the_command_says_so(holds: Holds, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holds.tag("v1", holds.image("x", "application/vnd.example"))
    needs_root()
    with own_daemon(tmp_path):
        assert main(["--root", str(tmp_path), "pull", f"{address}/a:v1"]) == 1
    assert f"labcore: {address}/a:v1 is no image but an artifact of kind" in capsys.readouterr().err
