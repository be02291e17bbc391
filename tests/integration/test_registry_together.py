"""A registry that many use at once: whatever happens in between, nobody gets a wrong byte, and the server never fails."""

import http.client
import os
import random
import socket
import threading
import time
from contextlib import suppress

import pytest

from labcore.registry.errors import UploadUnknown
from labcore.registry.gc import collect
from labcore.registry.server import Registry
from tests.registry import EMPTY, INDEX, OCI, Answer, Client, digest_of, image_of
from tests.threads import running, together


def test_the_same_blobs_and_tag_from_many_sides(client: Client) -> None:
    layers = [random.Random(number).randbytes(1 << 20) for number in range(3)]
    image = image_of(*layers)

    def push() -> None:
        own = Client(client.port)
        for layer in layers:
            own.push_blob("app", layer)
        own.push_image("app", "latest", *layers)

    together(*[push] * 16)
    assert client("GET", "/v2/app/manifests/latest").body == image
    for layer in layers:
        assert client("GET", f"/v2/app/blobs/{digest_of(layer)}").body == layer
    assert client("GET", "/v2/app/tags/list").json["tags"] == ["latest"]


def test_pushes_pulls_deletions_and_collection_at_once(client: Client, registry: Registry) -> None:
    """Whoever pushes in order and is told that all went well can pull until somebody deletes."""
    end = time.monotonic() + 4
    layers = [random.Random(number).randbytes(200_000 + number) for number in range(4)]
    seen: set[int] = set()

    def noted(answer: Answer, *statuses: int) -> Answer:
        assert answer.status in statuses, (answer.status, answer.body[:200])
        seen.add(answer.status)
        return answer

    def push() -> None:
        own, chance = Client(client.port), random.Random()
        while time.monotonic() < end:
            name, layer = f"app{chance.randrange(2)}", chance.choice(layers)
            for content in (layer, EMPTY):
                digest = digest_of(content)
                if own("HEAD", f"/v2/{name}/blobs/{digest}").status == 404:
                    mounted = noted(own("POST", f"/v2/{name}/blobs/uploads/?mount={digest}"), 201, 202)
                    if mounted.status == 202:
                        noted(own("PUT", f"{mounted.headers['Location']}?digest={digest}", content), 201)
            # somebody may have deleted a blob of it meanwhile
            tagged = f"/v2/{name}/manifests/{chance.choice('abc')}"
            noted(own("PUT", tagged, image_of(layer), Content_Type=OCI), 201, 400)
            index = image_of(layer, mediaType=INDEX, manifests=[], subject={"digest": digest_of(EMPTY)})
            noted(own("PUT", f"/v2/{name}/manifests/index", index, Content_Type=INDEX), 201)

    def pull() -> None:
        own, chance = Client(client.port), random.Random()
        while time.monotonic() < end:
            name = f"app{chance.randrange(2)}"
            got = noted(own("GET", f"/v2/{name}/manifests/{chance.choice('abc')}"), 200, 404)
            if got.status == 200:
                assert digest_of(got.body) == got.headers["Docker-Content-Digest"]
                digest = got.json["layers"][0]["digest"]
                blob = noted(own("GET", f"/v2/{name}/blobs/{digest}"), 200, 404)
                assert blob.status == 404 or digest_of(blob.body) == digest
            noted(own("GET", f"/v2/{name}/tags/list"), 200, 404)
            noted(own("GET", f"/v2/{name}/referrers/{digest_of(EMPTY)}"), 200)
            noted(own("GET", "/v2/_catalog"), 200)

    def delete() -> None:
        own, chance = Client(client.port), random.Random()
        while time.monotonic() < end:
            name, layer = f"app{chance.randrange(2)}", chance.choice(layers)
            noted(own("DELETE", f"/v2/{name}/manifests/{chance.choice('abc')}"), 202, 404)
            noted(own("DELETE", f"/v2/{name}/manifests/{digest_of(image_of(layer))}"), 202, 404)
            noted(own("DELETE", f"/v2/{name}/blobs/{digest_of(layer)}"), 202, 404)
            time.sleep(0.02)

    def tidy() -> None:
        while time.monotonic() < end:
            collect(registry.files, grace=-1)
            time.sleep(0.02)

    together(*[push] * 4, *[pull] * 4, delete, tidy)
    assert seen >= {200, 201, 202, 404}
    for path in (registry.files.root / "blobs").glob("*/*"):
        assert digest_of(path.read_bytes(), path.parent.name) == f"{path.parent.name}:{path.name}"


def test_a_blob_that_is_there_is_always_somebodys(client: Client, registry: Registry) -> None:
    """Else it could not be had from anywhere for a moment, by who finds it there."""
    stop = threading.Event()
    lost: list[str] = []

    def look() -> None:
        while not stop.is_set():
            for path in (registry.files.root / "blobs").glob("*/[0-9a-f]*"):
                digest = f"{path.parent.name}:{path.name}"
                if not registry.files.mount_blob("looks", digest):
                    lost.append(digest)

    with running(look, stop=stop.set):
        for number in range(150):
            client.push_blob("app", f"{number}".encode())
    assert not lost


def test_who_was_told_that_a_blob_is_there_need_not_send_it(client: Client, registry: Registry) -> None:
    digest = client.push_blob("app", b"old")
    client.push_blob("app", EMPTY)
    for path in (registry.files.root / "blobs").glob("*/*"):
        os.utime(path, (0, 0))
    assert client("HEAD", f"/v2/app/blobs/{digest}").status == 200
    assert collect(registry.files).blobs == 1
    assert client("HEAD", f"/v2/app/blobs/{digest}").status == 200
    assert client("HEAD", f"/v2/app/blobs/{digest_of(EMPTY)}").status == 404


def test_a_blob_that_is_deleted_while_it_is_read(client: Client, registry: Registry) -> None:
    content = random.Random(1).randbytes(30_000_000)
    digest = client.push_blob("app", content)
    reader = http.client.HTTPConnection("127.0.0.1", client.port, timeout=20)
    reader.request("GET", f"/v2/app/blobs/{digest}")
    response = reader.getresponse()
    begun = response.read(1000)
    assert client("DELETE", f"/v2/app/blobs/{digest}").status == 202
    assert collect(registry.files, grace=-1).blobs == 1
    assert client("GET", f"/v2/app/blobs/{digest}").code == "BLOB_UNKNOWN"
    assert begun + response.read() == content
    reader.close()


BEGUN = b"begun " * 20_000


class Slow:
    """A piece of an upload of which the second half is still to come."""

    def __init__(self, client: Client, place: str, first: bytes, second: bytes) -> None:
        self._second = second
        self._connection = socket.create_connection(("127.0.0.1", client.port), timeout=20)
        head = f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(first + second)}\r\n\r\n"
        self._connection.sendall(head.encode() + first)

    def end(self) -> int:
        with self._connection:
            self._connection.sendall(self._second)
            return int(self._connection.recv(1000).split()[1])


@pytest.fixture
def place(client: Client) -> str:
    return str(client("POST", "/v2/app/blobs/uploads/").headers["Location"])


def busy(client: Client, place: str) -> None:
    """Wait until the slow piece is being taken."""
    for _ in range(500):
        if client("GET", place).headers["Range"] != "0-0":
            return
        time.sleep(0.01)
    pytest.fail("the piece is not being taken")


def test_an_upload_that_two_send_to(client: Client, place: str) -> None:
    """Only one at a time; the other one is told, and nothing of it is taken."""
    slow = Slow(client, place, BEGUN, b"and done")
    busy(client, place)
    for method, path in (("PATCH", place), ("PUT", f"{place}?digest={digest_of(BEGUN)}")):
        refused = client(method, path, b"")
        assert (refused.status, refused.code) == (409, "BLOB_UPLOAD_INVALID")
    assert slow.end() == 202
    done = client("PUT", f"{place}?digest={digest_of(BEGUN + b'and done')}", b"")
    assert client("GET", done.headers["Location"]).body == BEGUN + b"and done"


def test_an_upload_that_is_dropped_while_it_comes(client: Client, place: str, registry: Registry) -> None:
    slow = Slow(client, place, BEGUN, b"and done")
    busy(client, place)
    assert client("DELETE", place).status == 204
    assert slow.end() == 404
    assert list(registry.files.uploads.iterdir()) == []


def test_an_upload_that_is_dropped_when_it_is_whole(client: Client, place: str, registry: Registry) -> None:
    client("PATCH", place, b"whole")
    upload = registry.files.upload("app", place.rpartition("/")[2])
    with upload.appending():
        assert client("DELETE", place).status == 204
        with pytest.raises(UploadUnknown):
            registry.files.keep_blob(upload, digest_of(b"whole"))
    assert client("GET", f"/v2/app/blobs/{digest_of(b'whole')}").code == "BLOB_UNKNOWN"


def test_not_one_byte_follows_what_has_become_a_blob(client: Client, place: str, registry: Registry) -> None:
    """A request that had opened the upload before it became a blob finds it gone."""
    client("PATCH", place, b"whole")
    upload = registry.files.upload("app", place.rpartition("/")[2])
    opened = upload._opened()
    done = client("PUT", f"{place}?digest={digest_of(b'whole')}", b"")
    assert done.status == 201
    upload._opened = lambda: opened  # type: ignore[method-assign]
    with pytest.raises(UploadUnknown), upload.appending() as file:
        file.write(b"more")
    assert client("GET", done.headers["Location"]).body == b"whole"


def test_what_is_promised_is_kept_while_garbage_is_collected(client: Client, registry: Registry) -> None:
    """A push whose blobs are there already, and old: it is told so, or sends them; then its manifest is taken."""
    end = time.monotonic() + 60
    pushes: list[int] = []

    def goes_on() -> bool:
        return len(pushes) < 100 and time.monotonic() < end

    def push(number: int) -> None:
        own, layer = Client(client.port), f"layer {number}".encode()
        name, manifest = f"app{number}", image_of(layer)
        while goes_on():
            for content in (layer, EMPTY):
                with suppress(FileNotFoundError):
                    if content == layer:  # which is nobody else's
                        os.utime(registry.files.blob_path(digest_of(content)), (0, 0))
                if own("HEAD", f"/v2/{name}/blobs/{digest_of(content)}").status == 404:
                    mounted = own("POST", f"/v2/{name}/blobs/uploads/?mount={digest_of(content)}")
                    if mounted.status == 202:
                        assert own("PUT", f"{mounted.headers['Location']}?digest={digest_of(content)}", content).status == 201
            taken = own("PUT", f"/v2/{name}/manifests/v1", manifest, Content_Type=OCI)
            pushes.append(taken.status)
            assert own("DELETE", f"/v2/{name}/manifests/{digest_of(manifest)}").status in (202, 404)

    def tidy() -> None:
        while goes_on():
            collect(registry.files)

    together(*[lambda number=number: push(number) for number in range(4)], tidy, tidy)  # type: ignore[misc]
    assert len(pushes) >= 100
    assert set(pushes) == {201}
