"""What is removed, what never is, and what is found to be damaged."""

import hashlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images import Config, Descriptor, Image, ImageStore
from labcore.images.gc import Collected, collect, find_damaged, quarantine_blobs
from labcore.images.model import index_bytes
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEX, LAYER

TINY = Reference.parse("tiny")


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


def make(store: ImageStore, name: str = "tiny", content: bytes = b"a layer", architecture: str = "amd64") -> Image:
    layer = store.put_blob(content, LAYER)
    config = Config(architecture=architecture, diff_ids=(layer.digest,), command=("/x",))
    return store.put_image(Reference.parse(name), [layer], config)


def everything(store: ImageStore) -> set[str]:
    return {path.name for path in store.blobs.files()}


def test_what_a_name_leads_to_stays(store: ImageStore) -> None:
    image = make(store)
    orphan = store.put_blob(b"nobody's", LAYER)
    assert collect(store) == Collected(1, orphan.size)
    assert store.get(TINY).descriptor == image.descriptor
    assert collect(store) == Collected(0, 0)


def test_a_layer_goes_with_its_last_image(store: ImageStore) -> None:
    make(store, "one")
    layer = make(store, "two", architecture="arm64").layers[0]
    store.untag(Reference.parse("one"))
    assert collect(store).blobs == 2  # the config and the manifest
    assert store.blob_path(layer).exists()
    store.untag(Reference.parse("two"))
    assert collect(store).blobs == 3
    assert everything(store) == set()


def test_an_image_of_several_machines_stays_whole(store: ImageStore) -> None:
    images = [make(store, machine, machine.encode(), machine) for machine in ("amd64", "arm64")]
    entries = [image.descriptor.replace(platform=image.config.platform) for image in images]
    store.tag(TINY, store.put_blob(index_bytes(entries), INDEX))
    for image in images:
        store.untag(Reference.parse(image.name))
    assert collect(store) == Collected(0, 0)
    for image in images:
        found = store.get(TINY, Platform("linux", image.config.architecture))
        assert (found.id, found.layers) == (image.id, image.layers)
    with pytest.raises(ImageNotFound, match="tiny:latest is not made for linux/s390x: there is linux/amd64, linux/arm64"):
        store.get(TINY, Platform("linux", "s390x"))


def test_what_is_used_stays(store: ImageStore) -> None:
    with store.using():
        layer = store.put_blob(b"not named yet", LAYER)
        with store.using():
            image = make(store)
        store.untag(TINY)
        assert collect(ImageStore(store.directory)) == Collected(0, 0)
    assert store.blob_path(layer).exists()
    assert collect(store).blobs == 1 + len({image.descriptor.digest, image.id, image.layers[0].digest})


def test_an_image_that_is_read_stays_after_its_name(store: ImageStore) -> None:
    make(store)
    with store.using():
        image = store.get(TINY)
        store.untag(TINY)
        assert collect(ImageStore(store.directory)) == Collected(0, 0)
        assert store.blob_path(image.layers[0]).exists()
    assert collect(store).blobs == 3


def _hold(directory: Path, pipe: Connection) -> None:
    store = ImageStore(directory)
    with store.using():
        store.put_blob(b"held", LAYER)
        pipe.send("held")
        pipe.recv()


def test_the_lease_of_the_dead_ends(store: ImageStore) -> None:
    ours, theirs = multiprocessing.Pipe()
    holder = multiprocessing.get_context("fork").Process(target=_hold, args=(store.directory, theirs), daemon=True)
    holder.start()
    ours.recv()
    assert collect(store) == Collected(0, 0)
    assert holder.pid
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert collect(store) == Collected(1, 4)
    assert list((store.directory / "leases").iterdir()) == []


def test_what_killed_writers_leave(store: ImageStore) -> None:
    make(store)
    place = store.directory / "blobs" / "sha256"
    before = everything(store)
    (place / ".incoming-1-abc").write_bytes(b"12345")
    (place / f".partial-{'0' * 64}").write_bytes(b"123")
    assert collect(store) == Collected(2, 8)
    assert everything(store) == before


def test_nothing_is_removed_when_a_manifest_cannot_be_read(store: ImageStore) -> None:
    image = make(store)
    store.put_blob(b"nobody's", LAYER)
    store.blob_path(image.descriptor).write_bytes(b"x" * image.descriptor.size)
    before = everything(store)
    with pytest.raises(StoreDamaged, match="changed on disk"):
        collect(store)
    assert everything(store) == before


def _broken(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize(
    ("part", "harm", "said"),
    [
        ("layer", Path.unlink, "it is missing"),
        ("layer", _broken, "its bytes have the digest sha256:"),
        ("config", _broken, "its bytes have the digest sha256:"),
        ("manifest", _broken, "its bytes have the digest sha256:"),
        ("manifest", Path.unlink, "it is missing"),
    ],
)
def test_damage_is_found_and_mended(store: ImageStore, part: str, harm: Callable[[Path], None], said: str) -> None:
    image = make(store)
    make(store, "whole", b"another layer")
    assert find_damaged(store) == []
    parts: dict[str, Descriptor] = {
        "layer": image.layers[0], "config": image.config_descriptor, "manifest": image.descriptor
    }  # fmt: skip
    harm(store.blobs.place(parts[part].digest))

    (damage,) = find_damaged(store)
    assert (damage.digest, damage.images) == (parts[part].digest, ("tiny:latest",))
    assert damage.what.startswith(said)
    quarantine = quarantine_blobs(store, [damage])
    assert len(list(quarantine.iterdir())) == (harm is _broken)

    assert store.names() == ["tiny:latest", "whole:latest"]
    assert make(store).descriptor == image.descriptor  # made, or pulled, anew
    assert find_damaged(store) == []


def test_a_blob_that_nobody_needs_is_looked_at_too(store: ImageStore) -> None:
    descriptor = store.put_blob(b"nobody's", LAYER)
    store.blobs.place(descriptor.digest).write_bytes(b"nobody'z")
    heard: list[str] = []
    (damage,) = find_damaged(store, heard.append)
    assert damage.images == ()
    assert heard == [descriptor.digest]


def test_sha512(store: ImageStore) -> None:
    content = b"longer digests"
    wanted = Descriptor(LAYER, "sha512:" + hashlib.sha512(content).hexdigest(), len(content))
    assert store.fetch_blob(wanted, lambda offset: [content[offset:]])
    assert store.blob_path(wanted).read_bytes() == content
    with pytest.raises(StoreDamaged, match="asked for, and sha512:"):
        store.fetch_blob(wanted.replace(digest="sha512:" + "0" * 128), lambda offset: [content[offset:]])
    assert find_damaged(store) == []
