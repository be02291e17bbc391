"""Images out of archives that may be anybody's."""

import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from labcore.errors import ImageNotFound, InvalidInput, StoreDamaged
from labcore.images import ImageStore
from labcore.images.builtin import LayerWriter, write_image
from labcore.images.oci_archive import copy_images
from labcore.spec import Platform, Reference
from tests.peers import Peers

Files = dict[str, bytes]


def small_image(store: ImageStore, name: str) -> None:
    layer = LayerWriter()
    layer.file("hello", name.encode())
    write_image(store, name, [layer.finish()], command=("/hello",))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """What is in a layout of two images, by path."""
    store = ImageStore(tmp_path / "source")
    for name in ("one", "team/two:v2"):
        small_image(store, name)
    paths = [path for path in store.directory.rglob("*") if path.is_file()]
    return {str(path.relative_to(store.directory)): path.read_bytes() for path in paths}


def archive(path: Path, files: Files) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "target")


@pytest.mark.parametrize("prefix", ["", "./", "images/"])
def test_all_images_come(files: Files, store: ImageStore, tmp_path: Path, prefix: str) -> None:
    made = archive(tmp_path / "a.tar", {prefix + name: content for name, content in files.items()})
    assert [image.name for image in copy_images(store, made)] == ["one:latest", "team/two:v2"]
    assert store.names() == ["one:latest", "team/two:v2"]
    source = ImageStore(tmp_path / "source")
    assert store.get(Reference.parse("one")) == source.get(Reference.parse("one"))


def test_only_those_that_are_wanted(files: Files, store: ImageStore, tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar", files)
    assert [image.name for image in copy_images(store, made, ["one"])] == ["one:latest"]
    with pytest.raises(ImageNotFound, match=r"no image three:latest in .* \(there: one:latest, team/two:v2\)"):
        list(copy_images(store, made, ["three"]))
    assert store.names() == ["one:latest"]


def test_what_skopeo_writes(peer: Peers, files: Files, store: ImageStore, tmp_path: Path) -> None:
    target = f"oci-archive:{tmp_path}/a.tar:brought:1"
    subprocess.run(peer("skopeo", "copy", "-q", f"oci:{tmp_path}/source:one:latest", target), check=True)
    assert [image.name for image in copy_images(store, tmp_path / "a.tar")] == ["brought:1"]


def changed_blobs(files: Files) -> Files:
    return files | {name: content[:-1] + b"!" for name, content in files.items() if content.startswith(b"\x1f\x8b")}


def without_blobs(files: Files) -> Files:
    return {name: content for name, content in files.items() if not content.startswith(b"\x1f\x8b")}


def with_index(text: str) -> Callable[[Files], Files]:
    return lambda files: files | {"index.json": text.encode()}


DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_blobs, "was asked for, and sha256:"),
        (without_blobs, "has no blobs/sha256/.*: copy it again"),
        (with_index("{"), "its index cannot be read"),
        (with_index("[]"), "its index cannot be read"),
        (with_index("[" * 100000), "its index cannot be read"),
        (with_index('{"manifests": [{"digest": "sha256:../../x", "mediaType": "m", "size": 1}]}'), "its index cannot be read"),
        (with_index(" " * (5 << 20)), "its index cannot be read"),
    ],
)
def test_nothing_is_named_that_is_not_whole(
    files: Files, store: ImageStore, tmp_path: Path, change: Callable[[Files], Files], said: str
) -> None:
    made = archive(tmp_path / "a.tar", change(files))
    with pytest.raises(StoreDamaged, match=said):
        list(copy_images(store, made))
    assert store.names() == []


def test_a_name_that_is_none(files: Files, store: ImageStore, tmp_path: Path) -> None:
    index = json.loads(files["index.json"])
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "../../NAME"}
    made = archive(tmp_path / "a.tar", files | {"index.json": json.dumps(index).encode()})
    with pytest.raises(InvalidInput, match="is no image name"):
        list(copy_images(store, made))


@pytest.mark.parametrize("order", [1, -1])
def test_of_one_name_for_two_machines_this_ones_counts(files: Files, store: ImageStore, tmp_path: Path, order: int) -> None:
    index = json.loads(files["index.json"])
    for entry, machine in zip(index["manifests"], (Platform.here(), Platform("linux", "strange")), strict=True):
        entry["annotations"] = {"org.opencontainers.image.ref.name": "app"}
        entry["platform"] = {"os": machine.os, "architecture": machine.architecture}
    index["manifests"] = index["manifests"][::order]
    made = archive(tmp_path / "a.tar", files | {"index.json": json.dumps(index).encode()})
    list(copy_images(store, made))
    assert store.get(Reference.parse("app")).id == ImageStore(tmp_path / "source").get(Reference.parse("one")).id


def test_a_link_in_place_of_a_blob_is_not_followed(files: Files, store: ImageStore, tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar", without_blobs(files))
    with tarfile.open(made, "a") as tar:
        for name in files.keys() - without_blobs(files).keys():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info)
    with pytest.raises(StoreDamaged, match="has no blobs"):
        list(copy_images(store, made))


def test_what_is_no_archive(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no archive of images at"):
        list(copy_images(store, tmp_path / "none.tar"))
    (tmp_path / "text").write_text("no archive, but long enough to be looked at as one" * 20)
    with pytest.raises(StoreDamaged, match="cannot be read as an archive"):
        list(copy_images(store, tmp_path / "text"))
    with pytest.raises(InvalidInput, match="holds no images"):
        list(copy_images(store, archive(tmp_path / "b.tar", {"x": b"y"})))
