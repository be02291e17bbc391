import hashlib
import io
import json
import os
import subprocess
from pathlib import Path

import pytest

from labcore.errors import ImageNotFound, StoreDamaged, StoreFull
from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter, is_static, write_image
from labcore.images.gc import find_damaged
from labcore.images.model import Descriptor
from labcore.spec import Reference
from labcore.spec.media import CONFIG, LAYER
from tests.conftest import needs_root, small_disk


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def make_image(store: ImageStore, name: str = "tiny") -> None:
    layer = LayerWriter()
    layer.file("hello", b"hi")
    write_image(store, name, [layer.finish()], command=("/hello",))


def test_a_blob_lies_under_its_digest(store: ImageStore) -> None:
    for content in (b"some bytes", io.BytesIO(b"some bytes")):
        descriptor = store.put_blob(content, LAYER)
        assert descriptor == Descriptor(LAYER, "sha256:" + hashlib.sha256(b"some bytes").hexdigest(), 10)
        assert store.blob_path(descriptor).read_bytes() == b"some bytes"
    assert [p.name for p in (store.directory / "blobs/sha256").iterdir()] == [descriptor.digest.removeprefix("sha256:")]


def test_it_is_an_oci_layout(store: ImageStore) -> None:
    make_image(store)
    assert json.loads((store.directory / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads((store.directory / "index.json").read_text())["manifests"]
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": "tiny:latest"}
    image = store.get(Reference.parse("tiny"))
    assert image.config.command == ("/hello",)
    assert store.get(Reference.parse(f"tiny@{image.descriptor.digest}")).layers == image.layers


def test_the_same_content_has_the_same_digest(store: ImageStore, tmp_path: Path) -> None:
    make_image(store)
    other = ImageStore(tmp_path / "other")
    make_image(other)
    assert store.get(Reference.parse("tiny")).descriptor == other.get(Reference.parse("tiny")).descriptor


def test_a_history_says_what_each_layer_is_made_of(store: ImageStore) -> None:
    layers = []
    for name in ("lower", "upper"):
        layer = LayerWriter()
        layer.file(name, b"hi")
        layers.append(layer.finish())
    time = "2024-01-02T03:04:05Z"
    made = write_image(store, "told", layers, command=("/a", "b"), made_of=["one", "another"], created=time)
    assert [(entry.created_by, entry.empty_layer, entry.created) for entry in made.config.history] == [
        ("labcore seed told: one", False, time),
        ("labcore seed told: another", False, time),
        ('CMD ["/a", "b"]', True, time),
    ]
    untold = write_image(store, "untold", layers, command=("/a",))
    assert [entry.created_by for entry in untold.config.history][:2] == ["labcore seed untold"] * 2


def test_a_name_moves_to_its_new_image(store: ImageStore) -> None:
    make_image(store)
    before = store.get(Reference.parse("tiny")).descriptor
    write_image(store, "tiny", [], command=("/other",))
    assert store.get(Reference.parse("tiny")).descriptor != before
    assert store.names() == ["tiny:latest"]


def test_unknown_image(store: ImageStore) -> None:
    with pytest.raises(ImageNotFound, match=r"no image nope:latest in .* \(there: none\); `labcore seed --list`"):
        store.get(Reference.parse("nope"))
    make_image(store)
    with pytest.raises(ImageNotFound, match="there: tiny:latest"):
        store.get(Reference.parse("nope"))


def test_damage_is_found(store: ImageStore) -> None:
    make_image(store)
    image = store.get(Reference.parse("tiny"))
    path = store.blob_path(image.descriptor)
    original = path.read_bytes()
    index = store.directory / "index.json"

    path.write_bytes(original.replace(b"2", b"3"))
    index.write_bytes(index.read_bytes() + b" ")  # replaced by someone: what was read before does not count
    with pytest.raises(StoreDamaged, match="was changed on disk"):
        store.get(Reference.parse("tiny"))
    path.write_bytes(original[:-1])
    with pytest.raises(StoreDamaged, match="bytes and should have"):
        store.get(Reference.parse("tiny"))
    path.unlink()
    with pytest.raises(StoreDamaged, match="is missing"):
        store.get(Reference.parse("tiny"))
    index.write_text("{")
    with pytest.raises(StoreDamaged, match="is no JSON"):
        store.get(Reference.parse("tiny"))


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 63])
def test_a_digest_never_becomes_another_path(digest: str) -> None:
    with pytest.raises(ValueError, match="is no digest"):
        Descriptor.from_json({"mediaType": LAYER, "digest": digest, "size": 1})


@pytest.mark.parametrize("diff_id", ["../../../../../", "", "sha256:../../etc", "sha256:" + "0" * 63, None, 5])
def test_a_diff_id_never_becomes_another_path(store: ImageStore, diff_id: object) -> None:
    layer = store.put_blob(b"x", LAYER)
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    blob = store.put_blob(json.dumps(config).encode(), CONFIG)
    manifest = {"schemaVersion": 2, "config": blob.to_json(), "layers": [layer.to_json()]}
    store.tag(Reference.parse("odd"), store.put_blob(json.dumps(manifest).encode(), "application/json"))
    with pytest.raises(StoreDamaged, match="is no digest"):
        store.get(Reference.parse("odd"))


CONFIGS = [[], {"config": [1]}, {"config": {"Env": [1]}}, {"config": {"Cmd": [1]}}, {"config": {"Cmd": "sh"}}, {"rootfs": []}]


@pytest.mark.parametrize("changes", CONFIGS)
def test_a_config_that_is_none(store: ImageStore, changes: object) -> None:
    config: object = changes
    if isinstance(changes, dict):
        config = {"architecture": "amd64", "rootfs": {"diff_ids": []}} | changes
    blob = store.put_blob(json.dumps(config).encode(), CONFIG)
    manifest = {"schemaVersion": 2, "config": blob.to_json(), "layers": []}
    store.tag(Reference.parse("odd"), store.put_blob(json.dumps(manifest).encode(), "application/json"))
    with pytest.raises(StoreDamaged):
        store.get(Reference.parse("odd"))


INDEXES = ["{}", "[]", "null", '{"manifests": [{"digest": "x"}]}', '{"manifests": [1]}', '{"manifests": [{"annotations": 1}]}']


@pytest.mark.parametrize("text", INDEXES)
def test_an_index_that_is_none(store: ImageStore, text: str) -> None:
    make_image(store)
    (store.directory / "index.json").write_text(text)
    with pytest.raises(StoreDamaged, match="is no image index"):
        store.get(Reference.parse("tiny"))
    with pytest.raises(StoreDamaged, match="is no image index"):
        make_image(store)


@pytest.mark.parametrize("manifest", [b"[]", b"{}", b"null", b'{"layers": 1, "config": {}}', b"nonsense"])
def test_a_manifest_that_is_none(store: ImageStore, manifest: bytes) -> None:
    store.tag(Reference.parse("odd"), store.put_blob(manifest, "application/json"))
    with pytest.raises(StoreDamaged):
        store.get(Reference.parse("odd"))


def test_a_failing_source_leaves_no_file(store: ImageStore) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        store.put_blob(Broken(), LAYER)
    assert list((store.directory / "blobs/sha256").iterdir()) == []


def test_is_static(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert not is_static(script)
    assert not is_static(Path("/proc/self/exe"))


def test_a_full_disk_is_said_and_the_next_try_succeeds(tmp_path: Path) -> None:
    needs_root()
    content = os.urandom(3 << 20)
    wanted = Descriptor(LAYER, "sha256:" + hashlib.sha256(content).hexdigest(), len(content))
    with small_disk(tmp_path / "disk", "2m") as disk:
        store = ImageStore(disk / "images")
        make_image(store)
        with pytest.raises(StoreFull, match=r"no room for a blob in .*: . MB and .* files are left; `labcore system prune`"):
            store.put_blob(io.BytesIO(content), LAYER)
        with pytest.raises(StoreFull, match="no room for blob sha256:"):
            store.fetch_blob(wanted, lambda offset: [content[offset:]])
        assert store.get(Reference.parse("tiny")).config.command == ("/hello",)
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        offsets: list[int] = []

        def rest(offset: int) -> list[bytes]:
            offsets.append(offset)
            return [content[offset:]]

        assert store.fetch_blob(wanted, rest)
        assert offsets[0] > 0  # what had come was gone on with
        assert find_damaged(store) == []
