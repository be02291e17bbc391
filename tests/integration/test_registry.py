"""The registry server, asked by hand: each line of the distribution specification's table of endpoints."""

import hashlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from labcore.registry.garbage import collect
from labcore.registry.server import Registry, Settings

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errors"][0]["code"])


class Client:
    """Asks; every connection is used again."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        self.connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def push_blob(self, name: str, content: bytes) -> str:
        digest = digest_of(content)
        begun = self("POST", f"/v2/{name}/blobs/uploads/")
        assert begun.status == 202
        done = self("PUT", f"{begun.headers['Location']}?digest={digest}", content)
        assert done.status == 201
        return digest

    def push_image(self, name: str, reference: str, *layers: bytes, **extra: Any) -> str:
        descriptors = [descriptor(self.push_blob(name, layer), layer) for layer in layers]
        config = b'{"architecture":"amd64"}'
        value = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": descriptor(self.push_blob(name, config), config, CONFIG),
            "layers": descriptors,
            **extra,
        }
        content = json.dumps(value).encode()
        answer = self("PUT", f"/v2/{name}/manifests/{reference}", content, Content_Type=OCI)
        assert answer.status == 201, answer.body
        return str(answer.headers["Docker-Content-Digest"])


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def descriptor(digest: str, content: bytes, media_type: str = "application/vnd.oci.image.layer.v1.tar") -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def client(registry: Registry) -> Iterator[Client]:
    server, port = registry.serve()
    thread = server.start()
    made = Client(port)
    yield made
    made.connection.close()
    server.close()
    thread.join(10)


def test_it_is_a_registry(client: Client) -> None:
    answer = client("GET", "/v2/")
    assert (answer.status, answer.json) == (200, {})
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
    assert client("GET", "/v3/").status == 404
    assert client("PUT", "/v2/").status == 405


def test_a_blob_in_one_piece_and_its_parts(client: Client) -> None:
    content = bytes(range(256)) * 100
    digest = client.push_blob("team/app", content)
    path = f"/v2/team/app/blobs/{digest}"
    got = client("GET", path)
    assert (got.status, got.body, got.headers["Docker-Content-Digest"]) == (200, content, digest)
    head = client("HEAD", path)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(content)))
    part = client("GET", path, Range="bytes=10-19")
    assert (part.status, part.body, part.headers["Content-Range"]) == (206, content[10:20], f"bytes 10-19/{len(content)}")
    assert client("GET", path, Range="bytes=-5").body == content[-5:]
    assert client("GET", path, Range=f"bytes={len(content) - 3}-").body == content[-3:]
    assert client("GET", path, Range=f"bytes={len(content)}-").status == 416
    assert client("GET", path, If_None_Match=got.headers["ETag"]).status == 304
    assert client("GET", "/v2/team/other/blobs/" + digest).code == "BLOB_UNKNOWN", "it belongs to repositories"
    assert client("DELETE", path).status == 202
    assert client("HEAD", path).status == 404
    assert client("DELETE", path).status == 404


def test_a_blob_in_a_single_request(client: Client) -> None:
    content = b"all at once"
    done = client("POST", f"/v2/app/blobs/uploads/?digest={digest_of(content)}", content)
    assert done.status == 201
    assert client("GET", done.headers["Location"]).body == content
    wrong = client("POST", f"/v2/app/blobs/uploads/?digest={digest_of(b'other')}", content)
    assert (wrong.status, wrong.code) == (400, "DIGEST_INVALID")


def test_a_blob_in_pieces(client: Client) -> None:
    content = b"0123456789" * 20
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    assert client("GET", place).headers["Range"] == "0-0"
    first = client("PATCH", place, content[:100], Content_Range="0-99", Content_Type="application/octet-stream")
    assert (first.status, first.headers["Range"]) == (202, "0-99")
    for wrong in ("0-99", "50-149", "101-200"):
        refused = client("PATCH", first.headers["Location"], content[100:], Content_Range=wrong)
        assert (refused.status, refused.headers["Range"]) == (416, "0-99")
    state = client("GET", place)
    assert (state.status, state.headers["Range"]) == (204, "0-99")
    done = client("PUT", f"{place}?digest={digest_of(content)}", content[100:], Content_Range="100-199")
    assert done.status == 201
    assert client("GET", done.headers["Location"]).body == content
    assert client("GET", place).code == "BLOB_UPLOAD_UNKNOWN"


def test_uploads_that_go_wrong(client: Client, registry: Registry) -> None:
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    assert client("PUT", place, b"x").code == "DIGEST_INVALID"
    assert client("PUT", f"{place}?digest=sha256:short", b"x").code == "DIGEST_INVALID"
    assert client("PUT", f"{place}?digest={digest_of(b'y')}", b"x").code == "DIGEST_INVALID"
    assert client("PATCH", place, b"xy", Content_Range="nonsense").code == "BLOB_UPLOAD_INVALID"
    assert client("PATCH", place, b"xy", Content_Range="1-2").status == 416
    assert client("DELETE", place).status == 204
    assert client("PATCH", place, b"x").status == 404
    assert client("PATCH", "/v2/other/blobs/uploads/" + place.rpartition("/")[2], b"x").status == 404
    assert list(registry.files.uploads.iterdir()) == []


def test_a_body_that_breaks_off_leaves_the_upload_as_it_was(client: Client) -> None:
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    client("PATCH", place, b"begun")
    assert client.connection.sock is not None
    client.connection.sock.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbroken".encode())
    client.connection.close()
    for _ in range(100):
        if client("GET", place).headers["Range"] == "0-4":
            return
    pytest.fail("what had come is still there")


def test_a_blob_from_another_repository(client: Client) -> None:
    digest = client.push_blob("one", b"shared")
    mounted = client("POST", f"/v2/two/blobs/uploads/?mount={digest}&from=one")
    assert mounted.status == 201
    assert client("GET", f"/v2/two/blobs/{digest}").body == b"shared"
    unknown = digest_of(b"none")
    for query in (f"mount={unknown}&from=one", f"mount={digest}&from=nowhere", f"mount={digest}", "mount=x&from=../.."):
        assert client("POST", f"/v2/three/blobs/uploads/?{query}").status == 202


def test_manifests_and_tags(client: Client) -> None:
    digest = client.push_image("app", "v1", b"layer")
    by_tag = client("GET", "/v2/app/manifests/v1", Accept=OCI)
    assert (by_tag.status, by_tag.headers["Content-Type"], by_tag.headers["Docker-Content-Digest"]) == (200, OCI, digest)
    assert digest_of(by_tag.body) == digest
    assert client("GET", f"/v2/app/manifests/{digest}").body == by_tag.body
    assert client("HEAD", "/v2/app/manifests/v1").headers["Content-Length"] == str(len(by_tag.body))
    assert client("GET", "/v2/app/manifests/v1", If_None_Match=f'"{digest}"').status == 304
    for tag in ("a", "Z", "v2", "latest"):
        client("PUT", f"/v2/app/manifests/{tag}", by_tag.body, Content_Type=OCI)
    assert client("GET", "/v2/app/tags/list").json == {"name": "app", "tags": ["Z", "a", "latest", "v1", "v2"]}
    page = client("GET", "/v2/app/tags/list?n=2")
    assert (page.json["tags"], page.headers["Link"]) == (["Z", "a"], '</v2/app/tags/list?n=2&last=a>; rel="next"')
    last = client("GET", "/v2/app/tags/list?n=3&last=a")
    assert (last.json["tags"], last.headers["Link"]) == (["latest", "v1", "v2"], None)
    assert client("GET", "/v2/app/tags/list?n=0").json["tags"] == []
    assert client("DELETE", "/v2/app/manifests/a").status == 202
    assert client("GET", "/v2/app/manifests/a").code == "MANIFEST_UNKNOWN"
    assert client("DELETE", f"/v2/app/manifests/{digest}").status == 202
    assert client("GET", "/v2/app/manifests/v1").status == 404
    assert client("GET", "/v2/app/tags/list").json["tags"] == []
    assert client("DELETE", f"/v2/app/manifests/{digest}").status == 404


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"no json", OCI, "MANIFEST_INVALID"),
        (b"[]", OCI, "MANIFEST_INVALID"),
        (b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json", "MANIFEST_INVALID"),
        (b'{"schemaVersion":2,"mediaType":"x/y"}', OCI, "MANIFEST_INVALID"),
        (b'{"schemaVersion":2,"config":{},"layers":[]}', OCI, "MANIFEST_INVALID"),
        (json.dumps({"config": descriptor(digest_of(b"no"), b"no"), "layers": []}).encode(), OCI, "MANIFEST_BLOB_UNKNOWN"),
        (b'{"schemaVersion":2,"layers":' + b"[" * 100_000, OCI, "MANIFEST_INVALID"),
        (b" " * (4 << 20) + b"{}", OCI, "SIZE_INVALID"),
    ],
)
def test_manifests_that_cannot_be(client: Client, body: bytes, kind: str, code: str) -> None:
    assert client("PUT", "/v2/app/manifests/v1", body, Content_Type=kind).code == code


def test_names_that_cannot_be(client: Client) -> None:
    for name in ("UPPER", "a..b", "-a", "a//b", "a/../b", "a" * 300, "%2e%2e/x", "a%00b"):
        answer = client("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status in (400, 404), name
    assert client("GET", "/v2/nothing/tags/list").code == "NAME_UNKNOWN"
    assert client("GET", "/v2/app/blobs/sha256:xyz").code == "DIGEST_INVALID"


def test_sha512(client: Client) -> None:
    content = b"by another algorithm"
    digest = digest_of(content, "sha512")
    assert client("POST", f"/v2/app/blobs/uploads/?digest={digest}", content).status == 201
    assert client("GET", f"/v2/app/blobs/{digest}").body == content


def test_referrers(client: Client) -> None:
    subject_digest = client.push_image("app", "v1", b"layer")
    subject = {"mediaType": OCI, "digest": subject_digest, "size": 1}
    assert client("GET", f"/v2/app/referrers/{subject_digest}").json["manifests"] == []
    one = client.push_image("app", "sbom", b"one", subject=subject, artifactType="example/sbom", annotations={"a": "b"})
    two = client.push_image("app", digest_tag := "other", b"two", subject=subject)
    assert digest_tag == "other"
    answer = client("GET", f"/v2/app/referrers/{subject_digest}")
    assert answer.headers["Content-Type"] == "application/vnd.oci.image.index.v1+json"
    by_digest = {entry["digest"]: entry for entry in answer.json["manifests"]}
    assert set(by_digest) == {one, two}
    assert (by_digest[one]["artifactType"], by_digest[one]["annotations"]) == ("example/sbom", {"a": "b"})
    assert by_digest[two]["artifactType"] == CONFIG
    filtered = client("GET", f"/v2/app/referrers/{subject_digest}?artifactType=example/sbom")
    assert [entry["digest"] for entry in filtered.json["manifests"]] == [one]
    assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
    client("DELETE", f"/v2/app/manifests/{one}")
    assert [entry["digest"] for entry in client("GET", f"/v2/app/referrers/{subject_digest}").json["manifests"]] == [two]
    unknown = client("GET", f"/v2/app/referrers/{digest_of(b'unknown')}")
    assert (unknown.status, unknown.json["manifests"]) == (200, [])
    assert client("GET", "/v2/app/referrers/nonsense").status == 400


def test_catalog_and_search(client: Client) -> None:
    for name in ("team/web", "team/database", "busybox"):
        client.push_image(name, "latest", b"x")
    assert client("GET", "/v2/_catalog").json == {"repositories": ["busybox", "team/database", "team/web"]}
    assert client("GET", "/v2/_catalog?n=1").headers["Link"] == '</v2/_catalog?n=1&last=busybox>; rel="next"'
    found = client("GET", "/v1/search?q=team&n=25").json
    assert (found["num_results"], [each["name"] for each in found["results"]]) == (2, ["team/database", "team/web"])


def test_garbage_is_collected_and_nothing_else(client: Client, registry: Registry) -> None:
    subject = client.push_image("app", "v1", b"kept")
    index = json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"mediaType": OCI, "digest": subject, "size": 1}]}
    )
    assert client("PUT", "/v2/app/manifests/all", index.encode(), Content_Type=INDEX).status == 201
    lost = client.push_image("app", "v2", b"lost")
    client("DELETE", f"/v2/app/manifests/{lost}")
    assert collect(registry.files).blobs == 0, "it came only now"
    assert collect(registry.files, grace=-1).blobs == 2, "the layer, and the manifest"
    assert client("GET", f"/v2/app/blobs/{digest_of(b'lost')}").code == "BLOB_UNKNOWN"
    assert client("GET", f"/v2/app/blobs/{digest_of(b'kept')}").body == b"kept"
    assert client("GET", "/v2/app/manifests/all").status == client("GET", "/v2/app/manifests/v1").status == 200
    assert collect(registry.files, grace=-1).blobs == 0


def test_read_only(registry: Registry, client: Client) -> None:
    client.push_image("app", "v1", b"x")
    registry.settings = Settings(read_only=True)
    assert client("GET", "/v2/app/manifests/v1").status == 200
    assert client("POST", "/v2/app/blobs/uploads/").code == "DENIED"
    assert client("DELETE", "/v2/app/manifests/v1").code == "DENIED"


def test_many_at_once(client: Client) -> None:
    """The same blob and the same tag from many sides: one of them in the end, whole."""
    content = bytes(1 << 20)
    port = client.connection.port
    failures: list[object] = []

    def push() -> None:
        try:
            Client(port).push_image("app", "latest", content)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=push) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert client("GET", f"/v2/app/blobs/{digest_of(content)}").body == content


def test_an_upgrade_is_not_taken(client: Client) -> None:
    wanted = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "x"}
    assert client("GET", "/v2/", **wanted).status == 200
    client.connection.close()
    assert client("PUT", "/v2/app/manifests/v1", b"GET /v2/ HTTP/1.1\r\n\r\n", **wanted).status == 400


def test_requests_that_are_none(client: Client) -> None:
    client.connection.connect()
    assert client.connection.sock is not None
    client.connection.sock.sendall(b"NONSENSE\r\n\r\n")
    assert b" 400 " in client.connection.sock.recv(1000)
    client.connection.close()
    client.connection.connect()
    client.connection.sock.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000 + b"\r\n")
    assert b" 431 " in client.connection.sock.recv(1000)
