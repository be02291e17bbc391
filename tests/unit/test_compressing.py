"""Layers that are kept plain are gzipped before they travel."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from labcore.images import Config, ImageStore
from labcore.images.compressing import BLOCK_SIZE, compressed, gzipped
from labcore.images.model import Manifest, index_bytes
from labcore.spec import Platform, Reference
from labcore.spec.media import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LAYER_GZIP,
    DOCKER_MANIFEST,
    INDEX,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
)
from labcore.tar import decompressed

TINY = Reference.parse("tiny")


def test_plain_layers_are_gzipped_and_the_image_stays_the_same(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    plain = store.put_blob(b"a layer " * 5000, LAYER)
    before = store.put_image(TINY, [plain], Config(architecture="amd64", diff_ids=(plain.digest,)))
    after = compressed(store, TINY)
    (layer,) = after.layers
    assert (layer.media_type, layer.size < plain.size, after.id) == (LAYER_GZIP, True, before.id)
    assert gzip.decompress(store.blob_path(layer).read_bytes()) == b"a layer " * 5000
    assert store.get(TINY) == after == compressed(store, TINY)


def test_an_image_of_dockers_speaks_oci_afterwards(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    plain, packed = store.put_blob(b"x" * 999, DOCKER_LAYER), store.put_blob(gzip.compress(b"y"), DOCKER_LAYER_GZIP)
    config = Config(architecture="amd64", diff_ids=(plain.digest, plain.digest))
    manifest = Manifest(store.put_blob(config.to_bytes(), DOCKER_CONFIG), (plain, packed), DOCKER_MANIFEST)
    store.admit(TINY, store.put_blob(manifest.to_bytes(), DOCKER_MANIFEST))
    after = compressed(store, TINY)
    assert [layer.media_type for layer in after.layers] == [LAYER_GZIP, LAYER_GZIP]
    assert after.layers[1].digest == packed.digest
    assert "docker" not in store.blob_path(after.descriptor).read_text()


def test_what_is_compressed_is_left_alone(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    packed = store.put_blob(gzip.compress(b"y"), LAYER_GZIP)
    before = store.put_image(TINY, [packed], Config(architecture="amd64", diff_ids=(packed.digest,)))
    assert compressed(store, TINY) == before


@pytest.mark.parametrize(
    ("really", "becomes"),
    [
        (gzip.compress, LAYER_GZIP),
        (zstandard.compress, LAYER_ZSTD),
        (bz2.compress, LAYER_GZIP),
        (lzma.compress, LAYER_GZIP),
        (bytes, LAYER_GZIP),
    ],
)
def test_nothing_is_compressed_twice_whatever_it_is_called(
    tmp_path: Path, really: Callable[[bytes], bytes], becomes: str
) -> None:
    store, content = ImageStore(tmp_path), os.urandom(BLOCK_SIZE) + b"a layer " * 5000
    called_plain = store.put_blob(really(content), LAYER)
    diff_id = "sha256:" + hashlib.sha256(content).hexdigest()
    before = store.put_image(TINY, [called_plain], Config(architecture="amd64", diff_ids=(diff_id,)))
    after = compressed(store, TINY)
    (layer,) = after.layers
    assert (layer.media_type, after.id) == (becomes, before.id)
    with store.blob_path(layer).open("rb") as file:
        reader = decompressed(file, "the layer")
        assert b"".join(iter(lambda: reader.read(BLOCK_SIZE), b"")) == content


def test_a_name_of_several_machines_images_keeps_them(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    plain = store.put_blob(b"a layer " * 5000, LAYER)
    images = []
    for architecture in (Platform.here().architecture, "other"):
        config = Config(architecture=architecture, diff_ids=(plain.digest,))
        images.append(store.put_image(Reference.parse(architecture), [plain], config))
    index = store.put_blob(index_bytes([i.descriptor.replace(platform=i.config.platform) for i in images]), INDEX)
    store.tag(TINY, index)
    after = compressed(store, TINY)
    assert (after.id, after.layers[0].media_type, after.name) == (images[0].id, LAYER_GZIP, "tiny:latest")
    assert ("tiny:latest", index) in store.entries()
    assert store.get(TINY, Platform("linux", "other")).id == images[1].id


def test_a_layer_is_compressed_to_the_same_bytes_by_any_number_of_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(BLOCK_SIZE) + b"a layer " * (BLOCK_SIZE // 3) + os.urandom(7)
    made = []
    for count in (1, 2, 7, None):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        made.append(b"".join(gzipped(io.BytesIO(content))))
    assert len(set(made)) == 1
    assert gzip.decompress(made[0]) == content
    unpacker = zlib.decompressobj(wbits=31)
    assert (unpacker.decompress(made[0]), unpacker.eof, unpacker.unused_data) == (content, True, b"")  # one member


@pytest.mark.parametrize("size", [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
def test_a_layer_of_any_size_is_compressed(size: int) -> None:
    assert gzip.decompress(b"".join(gzipped(io.BytesIO(bytes(size))))) == bytes(size)


def test_compression_that_is_given_up_leaves_no_thread() -> None:
    pieces = gzipped(io.BytesIO(os.urandom(BLOCK_SIZE * 9)))
    next(pieces), next(pieces)
    pieces.close()
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]
