"""A registry in trouble: a full disk, killed writers, handlers that fail, requests that make no sense."""

import json
import logging
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labcore.atomic import INCOMING, PendingFile
from labcore.http import Request, Response
from labcore.registry.gc import collect
from labcore.registry.server import Registry
from tests.conftest import needs_root
from tests.registry import EMPTY, OCI, Client, digest_of, image_of
from tests.serving import served


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte."""
    needs_root()
    tmp_path = tmp_path / "small"
    tmp_path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=True)
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_told_and_logged(small: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = os.urandom(1 << 20)
    registry = Registry(small)
    with served(registry.answer) as address:
        client = Client(int(address.rpartition(":")[2]))
        place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
        for method, path in (
            ("POST", f"/v2/app/blobs/uploads/?digest={digest_of(content)}"),
            ("PATCH", place),
            ("PUT", f"{place}?digest={digest_of(content)}"),
        ):
            caplog.clear()
            answer = client(method, path, content)
            assert (answer.status, answer.code) == (507, "UNKNOWN")
            assert "disk is full: whoever runs it has to make room" in answer.json["errors"][0]["message"]
            assert [record.levelname for record in caplog.records] == ["ERROR"]
            assert f"{method} '/v2/app/blobs/uploads/" in caplog.text
            assert "No space left on device" in caplog.text
        assert [path.stat().st_size for path in (small / "uploads").iterdir()] == [0]
        client.push_blob("app", EMPTY)
        filler = small / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(content)
        manifest = image_of(annotations={"a": "b" * 5000})
        assert client("PUT", "/v2/app/manifests/v1", manifest, Content_Type=OCI).status == 507
        assert client("GET", f"/v2/app/blobs/{digest_of(EMPTY)}").body == EMPTY
        filler.unlink()
        assert client("PUT", "/v2/app/manifests/v1", manifest, Content_Type=OCI).status == 201
        assert list(small.rglob(".*")) == []
        client.connection.close()


def test_what_killed_writers_leave_is_collected(client: Client, registry: Registry) -> None:
    client.push_image("app", "v1", b"layer")
    root = registry.files.root
    places = [root / "repositories/app" / name for name in ("_blobs", "_manifests", "_tags", "_referrers/x")]
    places[-1].mkdir(parents=True)
    for place in (*places, root / "blobs/sha256"):
        (place / f"{INCOMING}1-0123456789ab").write_bytes(b"half")
    uploads = [client("POST", "/v2/app/blobs/uploads/").headers["Location"] for _ in range(3)]
    client("PATCH", uploads[0], b"some bytes")
    with PendingFile(root / "blobs/sha256") as pending:
        assert collect(registry.files).blobs == 0
        assert list(root.rglob(".*")) == [Path(pending.path)]  # its writer lives
    assert len(list(registry.files.uploads.iterdir())) == 3
    for path in registry.files.uploads.iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    assert client("PATCH", uploads[1], b"more").status == 202
    collect(registry.files)
    assert list(root.rglob(".*")) == []
    assert [client("GET", place).status for place in uploads] == [204, 204, 404]
    assert client("GET", "/v2/app/manifests/v1").status == 200


def test_what_a_repository_has_stays_while_something_is_pushed_to_it(client: Client, registry: Registry) -> None:
    """However long a large layer takes: the small ones of which it was told that they are there must still be there."""
    digest = client.push_blob("app", b"old")
    other = client.push_blob("other", b"as old")
    place = client("POST", "/v2/app/blobs/uploads/").headers["Location"]
    client("PATCH", place, b"some bytes")
    for path in (registry.files.root / "blobs").glob("*/*"):
        os.utime(path, (0, 0))
    assert collect(registry.files).blobs == 1
    assert client("HEAD", f"/v2/other/blobs/{other}").status == 404
    assert client("HEAD", f"/v2/app/blobs/{digest}").status == 200


def test_a_handler_that_fails_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: Request) -> Response:
        if request.path == "/late":
            return Response(200, {}, (b"x" if number < 3 else 1 // 0 for number in range(9)))  # type: ignore[misc]
        raise ZeroDivisionError("a secret")

    with served(handler) as address:
        client = Client(int(address.rpartition(":")[2]))
        answer = client("GET", "/v2/a%C2%85b%0Aline")
        assert (answer.status, answer.code) == (500, "UNKNOWN")
        assert b"secret" not in answer.body
        assert client.raw(b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"x\r\n")
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert caplog.text.count("ZeroDivisionError") >= 2
    assert caplog.text.count("Traceback") == 2
    assert "b\\nline': the handler has failed" in caplog.text


ODD = {
    "a surrogate": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "a zero byte": "a%00b",
    "a line": "a%0D%0Ab",
    "half an escape": "%",
    "an escape of no number": "%zz",
    "dots": "..%2F..%2Fetc",
    "a slash": "%2F",
    "nothing": "",
    "a long one": "a" * 5000,
    "a snowman": "%E2%98%83",
    "bytes": "\xff\xfe",
    "a name of ours": "_blobs",
    "a colon": ":",
    "a digest of nothing": "sha256:",
    "a digest of letters": "sha256:" + "G" * 64,
    "a digest of another kind": "md5:" + "0" * 32,
    "a digest with a line": "sha256:" + "0" * 64 + "%0A",
}
PLACES = (
    "/{}", "/v2/{}", "/v2/{}/tags/list", "/v2/{}/manifests/v1", "/v2/app/manifests/{}", "/v2/{}/blobs/sha256:" + "0" * 64,
    "/v2/app/blobs/{}", "/v2/app/blobs/uploads/{}", "/v2/app/referrers/{}", "/v2/app/tags/list?n={}",
    "/v2/app/tags/list?last={}",
    "/v2/app/blobs/uploads/?mount={}&from={}", "/v2/app/blobs/uploads/?digest={}", "/v2/_catalog?n={}", "/v1/search?q={}&n={}",
    "/v2/app/manifests/sha256:" + "0" * 64 + "?tag={}", "http://{}/v2/", "*{}",
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_targets_that_make_no_sense(client: Client, odd: str, caplog: pytest.LogCaptureFixture) -> None:
    for place in PLACES:
        target = place.replace("{}", ODD[odd]).encode("latin-1")
        for method in (b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"):
            answer = client.raw(method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            status = int(answer.split()[1])
            assert status < 500, (method, target, answer)
    assert not caplog.records


FIELDS = (
    b"Content-Range: %s", b"Range: bytes=%s", b"Range: %s", b"Content-Type: %s", b"If-None-Match: %s", b"If-Range: %s",
    b"Authorization: %s", b"Authorization: Basic %s", b"Accept: %s", b"Expect: %s", b"Upgrade: %s", b"Connection: %s",
    b"X-%s: x",
)  # fmt: skip
VALUES = (b"", b"\xed\xa0\x80", b"\xff", b"\x00", b"-", b"0-", b"-0", b"9" * 30, b"9" * 30 + b"-" + b"9" * 30, b"0-1,3-4",
          b"\xb2-\xb3", b'"', b"x" * 9000, b"=", b"\t", b"a b", b"a:b", b"\x7f")  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_fields_that_make_no_sense(client: Client, field: bytes, caplog: pytest.LogCaptureFixture) -> None:
    digest = client.push_image("app", "v1", b"layer").encode()
    layer = digest_of(b"layer").encode()
    for value in VALUES:
        place = str(client("POST", "/v2/app/blobs/uploads/").headers["Location"]).encode()
        for line in (
            b"GET /v2/app/blobs/" + layer,
            b"GET /v2/app/manifests/v1",
            b"PATCH " + place,
            b"PUT /v2/app/manifests/" + digest,
        ):
            head = line + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n" + field.replace(b"%s", value) + b"\r\n\r\n{}"
            answer = client.raw(head)
            assert int(answer.split()[1]) < 500, (head, answer)
    assert not caplog.records


NAMES = ("mediaType", "config", "layers", "subject", "annotations", "artifactType")
MANIFESTS: dict[str, object] = {
    "no object": [1],
    "null": None,
    "a text": "x",
    "deep": "DEEP",
    "a long number": "NUMBER",
    "null fields": dict.fromkeys(("schemaVersion", *NAMES)),
    "numbers": dict.fromkeys(NAMES, 1),
    "lists": {name: [[]] for name in NAMES},
    "objects": {name: {"": {}} for name in NAMES},
    "half characters": {"mediaType": "\ud800/x", "config": {"digest": "\ud800"}, "layers": ["\udfff"], "\ud800": "\ud800"},
    "null layers": {"layers": [None], "config": {"digest": None}},
    "an odd subject": {"layers": [], "config": {"digest": "sha256:" + "0" * 64}, "subject": {"digest": ["x"]}},
}


@pytest.mark.parametrize("kind", [OCI, "", "application/vnd.oci.image.index.v1+json", "application/x-other"])
@pytest.mark.parametrize("manifest", MANIFESTS)
def test_manifests_that_make_no_sense(client: Client, manifest: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    value = MANIFESTS[manifest]
    content = json.dumps(value)
    content = {"DEEP": '{"annotations":' * 3000, "NUMBER": '{"size": ' + "9" * 9999 + "}"}.get(str(value), content)
    answer = client("PUT", "/v2/app/manifests/v1", content.encode(), Content_Type=kind)
    assert answer.status in (201, 400)
    assert not caplog.records


def test_odd_manifests_in_a_list_of_referrers(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever they say of themselves, the list is one."""
    subject = {"digest": digest_of(b"subject"), "mediaType": OCI, "size": 1}
    deep: object = "x"
    for _ in range(200):
        deep = {"a": deep}
    for number, odd in enumerate(
        ({"annotations": deep}, {"annotations": [1]}, {"artifactType": {"a": 1}}, {"annotations": {"a": None}})
    ):
        content = json.dumps({"subject": subject, "number": number, **odd}).encode()
        assert client("PUT", f"/v2/app/manifests/v{number}", content, Content_Type="application/x-other").status == 201
    found = client("GET", f"/v2/app/referrers/{subject['digest']}").json["manifests"]
    assert [set(entry) for entry in found] == [{"mediaType", "digest", "size"}] * 4
    assert not caplog.records
