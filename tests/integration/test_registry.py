"""The registry server, asked by hand: each line of the distribution specification's table of endpoints."""

import json

import pytest

from labcore.registry.gc import collect
from labcore.registry.server import Registry, Settings
from tests.registry import CONFIG, INDEX, LAYER, OCI, Client, descriptor, digest_of, image_of


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
    for query in (f"mount={unknown}&from=one", f"mount={digest}&from=nowhere", f"mount={unknown}", "mount=x&from=../.."):
        assert client("POST", f"/v2/three/blobs/uploads/?{query}").status == 202
    anywhere = client("POST", f"/v2/three/blobs/uploads/?mount={digest}")
    assert (anywhere.status, anywhere.headers["Location"]) == (201, f"/v2/three/blobs/{digest}")
    for name in ("one", "two", "three"):
        assert client("DELETE", f"/v2/{name}/blobs/{digest}").status == 202
    assert client("POST", f"/v2/four/blobs/uploads/?mount={digest}").status == 202, "no repository has it any more"


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
    for method, page in (
        ("POST", "blobs/uploads/"),
        ("PUT", "manifests/v2"),
        ("DELETE", "manifests/v1"),
        ("DELETE", f"blobs/{UNKNOWN}"),
    ):
        refused = client(method, f"/v2/app/{page}")
        assert (refused.status, refused.code) == (405, "UNSUPPORTED")
        assert refused.headers["Allow"] == ("" if page == "blobs/uploads/" else "GET, HEAD")


LAYER_BYTES = bytes(range(200)) * 10
BLOB = f"/v2/app/blobs/{digest_of(LAYER_BYTES)}"
IMAGE = image_of(LAYER_BYTES)
UNKNOWN = digest_of(b"unknown")
LOST = image_of(b"lost")


@pytest.mark.parametrize(
    ("request_line", "body", "kind", "status", "code"),
    [
        ("GET /v2/", None, "", 200, ""),
        ("DELETE /v2/", None, "", 405, "UNSUPPORTED"),
        ("GET /v1/", None, "", 404, "UNSUPPORTED"),
        ("GET /v2/app", None, "", 404, "UNSUPPORTED"),
        ("GET /v2/app/nothing/list", None, "", 404, "UNSUPPORTED"),
        ("POST /v2/_catalog", None, "", 405, "UNSUPPORTED"),
        ("GET /v2/_catalog?n=x", None, "", 400, "UNSUPPORTED"),
        ("GET /v2/_catalog?n=%C2%B2", None, "", 400, "UNSUPPORTED"),
        ("GET /v2/app/tags/list?n=-1", None, "", 400, "UNSUPPORTED"),
        ("GET /v2/app/tags/list?n=99999999999999999999999", None, "", 400, "UNSUPPORTED"),
        ("GET /v2/app/tags/list?n=1000000", None, "", 200, ""),
        ("GET /v2/app/tags/list?last=%0d%0aX:y&n=1", None, "", 200, ""),
        ("GET /v2/none/tags/list", None, "", 404, "NAME_UNKNOWN"),
        ("GET /v2/App/tags/list", None, "", 400, "NAME_INVALID"),
        ("GET /v2/app%00/tags/list", None, "", 400, "NAME_INVALID"),
        ("GET /v2/..%2f..%2fetc/manifests/passwd", None, "", 400, "NAME_INVALID"),
        ("GET /v2/app/../app/tags/list", None, "", 400, "NAME_INVALID"),
        ("GET /v2/%61pp/tags/list", None, "", 200, ""),
        ("GET http://elsewhere/v2/app/tags/list", None, "", 200, ""),
        # manifests
        ("GET /v2/none/manifests/v1", None, "", 404, "NAME_UNKNOWN"),
        ("GET /v2/app/manifests/none", None, "", 404, "MANIFEST_UNKNOWN"),
        ("GET /v2/app/manifests/.hidden", None, "", 404, "MANIFEST_UNKNOWN"),
        ("GET /v2/app/manifests/%ff", None, "", 404, "MANIFEST_UNKNOWN"),
        ("GET /v2/app/manifests/..", None, "", 404, "MANIFEST_UNKNOWN"),
        (f"GET /v2/app/manifests/{UNKNOWN}", None, "", 404, "MANIFEST_UNKNOWN"),
        (f"GET /v2/app/manifests/{digest_of(LAYER_BYTES)}", None, "", 404, "MANIFEST_UNKNOWN"),
        ("GET /v2/app/manifests/sha256:baddigeststring", None, "", 400, "DIGEST_INVALID"),
        (f"GET /v2/app/manifests/{UNKNOWN.upper()}", None, "", 400, "DIGEST_INVALID"),
        ("GET /v2/app/manifests/md5:900150983cd24fb0d6963f7d28e17f72", None, "", 400, "DIGEST_INVALID"),
        ("PATCH /v2/app/manifests/v1", None, "", 405, "UNSUPPORTED"),
        ("DELETE /v2/app/manifests/none", None, "", 404, "MANIFEST_UNKNOWN"),
        ("DELETE /v2/none/manifests/v1", None, "", 404, "NAME_UNKNOWN"),
        (f"DELETE /v2/app/manifests/{UNKNOWN}", None, "", 404, "MANIFEST_UNKNOWN"),
        ("DELETE /v2/app/manifests/sha256:x", None, "", 400, "DIGEST_INVALID"),
        ("PUT /v2/app/manifests/v2", IMAGE, OCI, 201, ""),
        ("PUT /v2/app/manifests/v2", IMAGE, OCI + "; charset=utf-8", 201, ""),
        ("PUT /v2/app/manifests/v2", IMAGE, "", 201, ""),
        ("PUT /v2/app/manifests/v2", IMAGE, INDEX, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", IMAGE + b" ", OCI, 201, ""),
        ("PUT /v2/app/manifests/v2", b"", OCI, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", b"\xff\xfe", OCI, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", b"{}", "", 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", b'{"mediaType":"a/b\\r\\nX: y"}', "", 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", b'{"mediaType":"a/\xe4\xb8\xad"}', "", 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", b'{"mediaType":7}', "", 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/custom", b'{"schemaVersion":2}', "application/vnd.example+json", 201, ""),
        ("PUT /v2/App/manifests/v2", IMAGE, OCI, 400, "NAME_INVALID"),
        ("PUT /v2/app/manifests/.hidden", IMAGE, OCI, 400, "MANIFEST_INVALID"),
        (f"PUT /v2/app/manifests/{'x' * 128}", IMAGE, OCI, 201, ""),
        (f"PUT /v2/app/manifests/{'x' * 129}", IMAGE, OCI, 400, "MANIFEST_INVALID"),
        (f"PUT /v2/app/manifests/{digest_of(IMAGE)}", IMAGE, OCI, 201, ""),
        (f"PUT /v2/app/manifests/{digest_of(IMAGE)}", IMAGE + b" ", OCI, 400, "DIGEST_INVALID"),
        (f"PUT /v2/app/manifests/{digest_of(IMAGE, 'sha512')}", IMAGE, OCI, 201, ""),
        ("PUT /v2/app/manifests/sha256:baddigeststring", IMAGE, OCI, 400, "DIGEST_INVALID"),
        ("PUT /v2/app/manifests/lost", LOST, OCI, 400, "MANIFEST_BLOB_UNKNOWN"),
        ("PUT /v2/app/manifests/v2", image_of(LAYER_BYTES, layers=None), OCI, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", image_of(LAYER_BYTES, layers=[]), OCI, 201, ""),
        ("PUT /v2/app/manifests/v2", image_of(layers=[{"digest": "sha256:x"}]), OCI, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", image_of(LAYER_BYTES, subject={"digest": "x"}), OCI, 400, "MANIFEST_INVALID"),
        ("PUT /v2/app/manifests/v2", image_of(LAYER_BYTES, annotations={"a": "A" * (4_190_000)}), OCI, 201, ""),
        ("PUT /v2/app/manifests/v2", image_of(LAYER_BYTES, annotations={"a": "A" * (5 << 20)}), OCI, 413, "SIZE_INVALID"),
        # blobs
        (f"GET /v2/none/blobs/{digest_of(LAYER_BYTES)}", None, "", 404, "BLOB_UNKNOWN"),
        (f"GET /v2/app/blobs/{UNKNOWN}", None, "", 404, "BLOB_UNKNOWN"),
        ("GET /v2/app/blobs/x", None, "", 400, "DIGEST_INVALID"),
        (f"PUT /v2/app/blobs/{digest_of(LAYER_BYTES)}", b"", "", 405, "UNSUPPORTED"),
        (f"DELETE /v2/app/blobs/{UNKNOWN}", None, "", 404, "BLOB_UNKNOWN"),
        ("DELETE /v2/app/blobs/x", None, "", 400, "DIGEST_INVALID"),
        # uploads
        ("GET /v2/app/blobs/uploads/", None, "", 405, "UNSUPPORTED"),
        ("POST /v2/app/blobs/uploads", b"", "", 202, ""),
        ("POST /v2/App/blobs/uploads/", b"", "", 400, "NAME_INVALID"),
        (f"POST /v2/a/{'b' * 260}/blobs/uploads/", b"", "", 400, "NAME_INVALID"),
        ("POST /v2/app/blobs/uploads/?digest=", b"", "", 202, ""),
        ("POST /v2/app/blobs/uploads/?digest=sha256:x", b"x", "", 400, "DIGEST_INVALID"),
        (f"POST /v2/app/blobs/uploads/?digest={UNKNOWN}", b"x", "", 400, "DIGEST_INVALID"),
        (f"POST /v2/app/blobs/uploads/?digest={digest_of(b'')}", b"", "", 201, ""),
        ("GET /v2/app/blobs/uploads/none", None, "", 404, "BLOB_UPLOAD_UNKNOWN"),
        (f"GET /v2/app/blobs/uploads/{'0' * 32}", None, "", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("PATCH /v2/app/blobs/uploads/..%2f..%2fformat", b"x", "", 404, "UNSUPPORTED"),
        (f"PUT /v2/app/blobs/uploads/{'0' * 32}?digest={UNKNOWN}", b"x", "", 404, "BLOB_UPLOAD_UNKNOWN"),
        ("DELETE /v2/app/blobs/uploads/none", None, "", 404, "BLOB_UPLOAD_UNKNOWN"),
        # referrers
        (f"GET /v2/none/referrers/{UNKNOWN}", None, "", 200, ""),
        ("GET /v2/app/referrers/x", None, "", 400, "DIGEST_INVALID"),
        (f"GET /v2/App/referrers/{UNKNOWN}", None, "", 400, "NAME_INVALID"),
        (f"POST /v2/app/referrers/{UNKNOWN}", b"", "", 405, "UNSUPPORTED"),
    ],
)
def test_answers(client: Client, request_line: str, body: bytes | None, kind: str, status: int, code: str) -> None:
    """What is asked of a registry that has one image, and what it says; HEAD says the same as GET, without a body."""
    client.push_image("app", "v1", LAYER_BYTES)
    method, path = request_line.split()
    answer = client(method, path, body, **({"Content_Type": kind} if kind else {}))
    assert (answer.status, answer.code) == (status, code)
    assert ("Allow" in answer.headers) == (status == 405)
    if method == "GET" and "Allow" not in answer.headers:
        head = client("HEAD", path)
        assert (head.status, head.body, head.headers["Content-Length"]) == (status, b"", str(len(answer.body)))


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=500-1499", 500, 1499),
        ("bytes=500-", 500, 1999),
        ("bytes=-500", 1500, 1999),
        ("bytes=1900-5000", 1900, 1999),
        ("bytes=0-0", 0, 0),
        ("bytes=-5000", 0, 1999),
        ("bytes=0-99999999999999999999999999", 0, 1999),
        ("bytes=500-0", None, None),
        ("bytes=2000-", None, None),
        ("bytes=5000-10000", None, None),
        ("bytes=-0", None, None),
        ("bytes=0-1,5-6", 0, None),  # from here on the whole is sent
        ("bytes=a-b", 0, None),
        ("bytes=-", 0, None),
        ("lines=1-2", 0, None),
    ],
)
def test_ranges(client: Client, wanted: str, first: int | None, last: int | None) -> None:
    client.push_blob("app", LAYER_BYTES)
    answer = client("GET", BLOB, Range=wanted)
    if first is None:
        assert (answer.status, answer.headers["Content-Range"]) == (416, "bytes */2000")
    elif last is None:
        assert (answer.status, answer.body) == (200, LAYER_BYTES)
    else:
        assert (answer.status, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/2000")
        assert answer.body == LAYER_BYTES[first : last + 1]
    whole = client("HEAD", BLOB, Range=wanted)
    assert (whole.status, whole.headers["Content-Length"]) == (200, "2000")


def test_a_range_only_of_what_is_known(client: Client) -> None:
    client.push_blob("app", LAYER_BYTES)
    same = f'"{digest_of(LAYER_BYTES)}"'
    assert client("GET", BLOB, Range="bytes=0-9", If_Range=same).status == 206
    assert client("GET", BLOB, Range="bytes=0-9", If_Range='"other"').status == 200


def test_pieces_in_disorder(client: Client) -> None:
    """Whatever is refused, the upload goes on from what had come."""
    content = bytes(range(250)) * 12
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    finish = f"{place}?digest={digest_of(content)}"
    for method, path, span, status in (
        ("PATCH", place, (1000, 2000), 416),
        ("PUT", finish, (2000, 3000), 416),
        ("PATCH", place, (0, 1000), 202),
        ("PATCH", place, (0, 1000), 416),
        ("PUT", finish, (2000, 3000), 416),
        ("PATCH", place, (1000, 2000), 202),
        ("PUT", finish, (0, 1000), 416),
        ("PUT", finish, (2000, 3000), 201),
    ):
        first, end = span
        answer = client(method, path, content[first:end], Content_Range=f"{first}-{end - 1}")
        assert answer.status == status, (method, span)
        if status == 416:
            assert client("GET", place).headers["Range"] == answer.headers["Range"]
    assert client("GET", answer.headers["Location"]).body == content


def test_a_piece_that_is_shorter_than_it_says(client: Client) -> None:
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    assert client("PATCH", place, b"begun").status == 202
    for body in (b"abc", iter([b"abc"])):  # with a length, and in chunks
        refused = client("PATCH", place, body, Content_Range="5-14")
        assert (refused.status, refused.code) == (400, "SIZE_INVALID")
        assert client("GET", place).headers["Range"] == "0-4"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_tags_beside_a_digest(client: Client, algorithm: str) -> None:
    client.push_image("app", "v1", LAYER_BYTES)
    digest = digest_of(IMAGE, algorithm)
    path = f"/v2/app/manifests/{digest}"
    refused = client("PUT", f"{path}?tag=one&tag=not**one", IMAGE, Content_Type=OCI)
    assert (refused.status, refused.code) == (400, "MANIFEST_INVALID")
    assert client("GET", "/v2/app/tags/list").json["tags"] == ["v1"]
    done = client("PUT", f"{path}?tag=one&tag=two&tag=one", IMAGE, Content_Type=OCI)
    assert (done.status, done.headers["OCI-Tag"], done.headers["Location"]) == (201, "one, two", path)
    for tag in ("one", "two"):
        assert client("HEAD", f"/v2/app/manifests/{tag}").headers["Docker-Content-Digest"] == digest


def test_layers_that_are_had_elsewhere(client: Client) -> None:
    client.push_image("app", "v1", LAYER_BYTES)
    for extra in (
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
        {"urls": ["https://store.example/layer"]},
    ):
        layers = [{"mediaType": LAYER, "digest": UNKNOWN, "size": 9, **extra}]
        assert client("PUT", "/v2/app/manifests/far", image_of(layers=layers), Content_Type=OCI).status == 201


def test_many_referrers_come_in_pages(client: Client) -> None:
    subject = {"mediaType": OCI, "digest": UNKNOWN, "size": 1}
    pushed = {
        client.push_image("app", f"r{number}", subject=subject, artifactType="a/b", annotations={"a": f"{number}" * 1_500_000})
        for number in range(5)
    }
    other = client.push_image("app", "other", subject=subject, artifactType="c/d")
    found: list[str] = []
    page = f"/v2/app/referrers/{UNKNOWN}?artifactType=a/b"
    while page:
        answer = client("GET", page)
        assert len(answer.body) < 5 << 20
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"
        found += [entry["digest"] for entry in answer.json["manifests"]]
        page = (answer.headers["Link"] or "").partition(">")[0].removeprefix("<")
    assert sorted(found) == sorted(pushed)
    everything = client("GET", f"/v2/app/referrers/{UNKNOWN}")
    assert everything.headers["Link"]
    assert other not in found


def test_an_index_says_no_type_of_artifact_unless_it_has_one(client: Client) -> None:
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": {"digest": UNKNOWN}})
    assert client("PUT", "/v2/app/manifests/i", index.encode(), Content_Type=INDEX).headers["OCI-Subject"] == UNKNOWN
    (entry,) = client("GET", f"/v2/app/referrers/{UNKNOWN}").json["manifests"]
    assert (entry["mediaType"], entry["size"], "artifactType" in entry) == (INDEX, len(index), False)
