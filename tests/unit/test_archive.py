"""Archives of images: written, read, and refused."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from labcore.engine.image.archives import import_root, load
from labcore.errors import ImageNotFound, InvalidInput, LabcoreError, StoreDamaged
from labcore.images import Config, Image, ImageStore
from labcore.images.archive.writing import save
from labcore.images.gc import collect, find_damaged
from labcore.images.model import REF_NAME, Descriptor, index_bytes
from labcore.images.resolve import entries, find
from labcore.spec import Platform, Reference
from labcore.spec.media import CONFIG, INDEX, LAYER, LAYER_GZIP, LAYER_ZSTD, MANIFEST
from labcore.storage import LayerStore
from labcore.storage.layers import layer_id
from tests.conftest import needs_root
from tests.threads import Started

Files = dict[str, bytes]


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "images")


@pytest.fixture
def other(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "other")


def make(store: ImageStore, name: str = "tiny", content: bytes = b"a layer", architecture: str | None = None) -> Image:
    """Make an image of two layers, one of them gzipped."""
    with store.using():
        plain = store.put_blob(content, LAYER)
        packed = store.put_blob(gzip.compress(b"above", mtime=0), LAYER_GZIP)
        diff_ids = (plain.digest, "sha256:" + hashlib.sha256(b"above").hexdigest())
        config = Config(architecture=architecture or Platform.here().architecture, diff_ids=diff_ids, command=("/x",))
        return store.put_image(Reference.parse(name), [plain, packed], config)


def saved(store: ImageStore, *names: str, **options: Any) -> bytes:
    out = io.BytesIO()
    save(store, names, out, **options)
    return out.getvalue()


def unpacked(archive: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isreg()}  # type: ignore[union-attr]


def packed(files: Files, *more: tarfile.TarInfo, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in more:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def hexadecimal(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# --- there and back


def test_there_and_back(store: ImageStore, other: ImageStore) -> None:
    image = make(store)
    (found,) = load(other, io.BytesIO(saved(store, "tiny")))
    assert [str(name) for name in found.names] == ["tiny:latest"]
    assert other.find("tiny") == image
    assert find_damaged(other) == []


def test_the_same_images_are_the_same_bytes(store: ImageStore, other: ImageStore) -> None:
    make(store, "b"), make(store, "a", b"another")
    make(other, "a", b"another"), make(other, "b")
    assert saved(store, "a", "b") == saved(other, "b", "a")
    assert len(saved(store, "a")) % 10240 == 0


def test_what_is_in_an_archive(store: ImageStore) -> None:
    image = make(store, "localhost:5000/team/app:v1")
    files = unpacked(saved(store, image.name))
    assert [name for name in files if not name.startswith("blobs/")] == [
        "index.json",
        "manifest.json",
        "oci-layout",
        "repositories",
    ]
    (entry,) = json.loads(files["manifest.json"])
    assert entry["RepoTags"] == ["localhost:5000/team/app:v1"]
    assert files[entry["Config"]] == store.blobs.read(image.config_descriptor)
    assert [hexadecimal(files[name]) for name in entry["Layers"]] == [layer.digest[7:] for layer in image.layers]
    assert json.loads(files["repositories"]) == {"localhost:5000/team/app": {"v1": image.layers[1].digest[7:]}}
    assert "manifest.json" not in unpacked(saved(store, image.name, form="oci"))


def test_one_image_of_several_names_and_one_of_none(store: ImageStore, other: ImageStore) -> None:
    image = make(store)
    store.tag(Reference.parse("twin:v2"), image.descriptor)
    nameless = make(store, "nameless", b"a third")
    loaded = load(other, io.BytesIO(saved(store, "tiny", "twin:v2", nameless.id[7:19])))
    assert sorted(tuple(map(str, found.names)) for found in loaded) == [(), ("tiny:latest", "twin:v2")]
    assert other.find(nameless.id).id == nameless.id
    assert collect(other).blobs == 0
    other.tag(Reference.parse("named:now"), find(other, nameless.id).descriptor)
    assert sorted(entry.names for entry in entries(other)) == [("named:now",), ("tiny:latest", "twin:v2")]


def test_old_dockers_get_no_zstd(store: ImageStore, other: ImageStore) -> None:
    image = make(store)
    packed = store.put_blob(zstandard.compress(b"a layer"), LAYER_ZSTD)
    store.put_image(Reference.parse("tiny"), [packed, image.layers[1]], image.config)
    for form, media_types in (("oci", [LAYER_ZSTD, LAYER_GZIP]), ("docker", [LAYER, LAYER_GZIP])):
        load(other, io.BytesIO(saved(store, "tiny", form=form)))
        assert other.find("tiny").id == image.id
        assert [layer.media_type for layer in other.find("tiny").layers] == media_types


def test_an_image_for_several_machines(store: ImageStore, other: ImageStore) -> None:
    images = [make(store, name, name.encode(), name) for name in ("amd64", "arm64")]
    listed = [image.descriptor.replace(platform=image.config.platform) for image in images]
    index = store.put_blob(index_bytes(listed), INDEX)
    store.tag(Reference.parse("multi"), index)
    (found,) = load(other, io.BytesIO(saved(store, "multi")))
    assert (found.descriptor.digest, len(found.images)) == (index.digest, 2)
    for image in images:
        assert other.find("multi", image.config.platform).id == image.id
    assert other.find(images[1].id).config.architecture == "arm64"

    single = unpacked(saved(store, "multi", platform=Platform("linux", "arm64")))
    assert json.loads(single["index.json"])["manifests"][0]["digest"] == images[1].descriptor.digest
    with pytest.raises(LabcoreError, match="not made for linux/s390x"):
        saved(store, "multi", platform=Platform("linux", "s390x"))

    gone = {images[0].descriptor.digest[7:], images[0].layers[0].digest[7:]}
    files = unpacked(saved(other, "multi", form="oci"))
    part = packed({name: content for name, content in files.items() if hexadecimal(content) not in gone})
    fresh = ImageStore(store.directory.with_name("fresh"))
    (found,) = load(fresh, io.BytesIO(part))
    assert [image.config.architecture for image in found.images] == ["arm64"]


# --- what others write


def docker_of_old(image_files: Files) -> Files:
    """Return the archive as a Docker before 25 writes it: `ID/layer.tar` and `ID.json`, plain layers, no layout."""
    (entry,) = json.loads(image_files["manifest.json"])
    layers = [image_files[name] for name in entry["Layers"]]
    plain = [gzip.decompress(layer) if layer.startswith(b"\x1f\x8b") else layer for layer in layers]
    config = image_files[entry["Config"]]
    files = {f"{number:064x}/layer.tar": layer for number, layer in enumerate(plain)}
    about = {f"{number:064x}/{name}": b"{}" for number in range(len(plain)) for name in ("json", "VERSION")}
    listed = {"Config": f"{hexadecimal(config)}.json", "RepoTags": entry["RepoTags"], "Layers": list(files)}
    return {**about, **files, listed["Config"]: config, "manifest.json": json.dumps([listed]).encode()}


def test_dockers_old_archives(store: ImageStore, other: ImageStore) -> None:
    image = make(store)
    files = docker_of_old(unpacked(saved(store, "tiny")))
    load(other, io.BytesIO(packed({f"./{name}": content for name, content in files.items()})))
    loaded = other.find("tiny")
    assert loaded.id == image.id
    assert [layer.digest for layer in loaded.layers] == list(image.config.diff_ids)
    assert {layer.media_type for layer in loaded.layers} == {LAYER}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_layers_that_are_links(store: ImageStore, other: ImageStore, kind: bytes) -> None:
    make(store)
    files = docker_of_old(unpacked(saved(store, "tiny")))
    name = f"{0:064x}/layer.tar"
    files["f" * 64 + "/layer.tar"] = files.pop(name)
    target = "f" * 64 + "/layer.tar"
    load(other, io.BytesIO(packed(files, member(name, kind, f"../{target}" if kind == tarfile.SYMTYPE else target))))
    assert other.find("tiny").config.command == ("/x",)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "two streams": lambda content: gzip.compress(content[:700]) + gzip.compress(content[700:]) + bytes(100),
}


@pytest.mark.parametrize("how", COMPRESSORS)
def test_compressed_archives(store: ImageStore, other: ImageStore, how: str) -> None:
    image = make(store)
    archive = COMPRESSORS[how](saved(store, "tiny"))
    load(other, io.BytesIO(archive))
    assert other.find("tiny") == image
    fresh = ImageStore(store.directory.with_name("fresh"))
    for length in (len(archive) // 2, 40):
        with pytest.raises((StoreDamaged, InvalidInput)):
            load(fresh, io.BytesIO(archive[:length]))
    assert fresh.entries() == []


def test_a_layouts_directory(store: ImageStore, other: ImageStore) -> None:
    make(store)
    load(other, store.directory)
    assert other.find("tiny") == store.find("tiny")
    with pytest.raises(InvalidInput, match="no OCI layout"):
        load(other, store.directory / "blobs")
    blob = store.blob_path(store.find("tiny").layers[0])
    blob.rename(store.directory / "elsewhere")
    blob.symlink_to(store.directory / "elsewhere")
    fresh = ImageStore(store.directory.with_name("fresh"))
    with pytest.raises(StoreDamaged, match="cannot be read as a file of a layout"):
        load(fresh, store.directory)


def test_a_tag_without_a_name_names_nothing(store: ImageStore, other: ImageStore) -> None:
    make(store)
    files = unpacked(saved(store, "tiny", form="oci"))
    for name, names in (("latest", []), ("some/where", ["some/where:latest"]), ("a:1", ["a:1"])):
        index = json.loads(files["index.json"])
        index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": name}
        (found,) = load(other, io.BytesIO(packed(files | {"index.json": json.dumps(index).encode()})))
        assert [str(one) for one in found.names] == names


def test_long_names_and_headers_of_pax(store: ImageStore, other: ImageStore) -> None:
    make(store)
    files = unpacked(saved(store, "tiny")) | {"d" * 120 + "/" + "f" * 120: b"x"}
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert load(other, io.BytesIO(packed(files, form=form)))


# --- what other builders write


def of_other_builder(store: ImageStore, name: Callable[[str], str], said: Callable[[str], str] = str) -> tuple[Files, Files]:
    """Return the members of an archive, and the documents: layers are called `name` of their digest, and `said` of that."""
    make(store)
    files = unpacked(saved(store, "tiny"))
    (entry,) = json.loads(files["manifest.json"])
    called = {old: name(old.rpartition("/")[2]) for old in entry["Layers"]}
    blobs = {called[old]: files[old] for old in called} | {"config.json": files[entry["Config"]]}
    entry |= {"Config": said("config.json"), "Layers": [said(called[old]) for old in entry["Layers"]]}
    return blobs, {"manifest.json": json.dumps([entry]).encode()}


BUILDERS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "rules_oci": (lambda digest: f"blobs/sha256/{digest}.tar.gz", str),
    "pack": (lambda digest: f"/{digest}.tar", str),
    "names with a dot in front": (lambda digest: f"{digest}.tar", lambda name: f"./{name}"),
    "members with a dot in front": (lambda digest: f"./{digest}/layer.tar", lambda name: name.removeprefix("./")),
    "names with a slash in front": (lambda digest: f"{digest}.tar", lambda name: f"/{name}"),
}


@pytest.mark.parametrize("builder", BUILDERS)
def test_archives_of_other_builders(store: ImageStore, other: ImageStore, builder: str) -> None:
    blobs, documents = of_other_builder(store, *BUILDERS[builder])
    (found,) = load(other, io.BytesIO(packed(blobs | documents)))
    assert found.images[0].config == store.get(Reference.parse("tiny")).config
    assert other.names() == ["tiny:latest"]


def test_of_members_of_one_name_the_last_counts(store: ImageStore, other: ImageStore) -> None:
    blobs, documents = of_other_builder(store, lambda digest: digest)
    layer = next(iter(blobs))
    twice = packed({layer: b"first"})[:1024] + packed({"manifest.json": b"[]"})[:1024] + packed(blobs | documents)
    assert [str(name) for name in load(other, io.BytesIO(twice))[0].names] == ["tiny:latest"]


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_members(store: ImageStore, other: ImageStore, tmp_path: Path, form: str) -> None:
    """An archive that somebody has unpacked and packed again with `tar --sparse`."""
    content = bytes(1 << 20) + b"data" + bytes((1 << 20) + 5)
    image = make(store, content=content)
    for name, inside in unpacked(saved(store, "tiny")).items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(inside if len(inside) < len(content) else b"")
        if len(inside) == len(content):
            os.truncate(path, len(content))
            with path.open("r+b") as file:
                file.seek(1 << 20)
                file.write(b"data")
    command = ["tar", "-C", tmp_path / "files", "-S", f"--format={form}", "-cf", "-", "."]
    packed_again = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    assert len(packed_again) < len(content)
    assert load(other, io.BytesIO(packed_again))[0].images[0].id == image.id
    assert other.blob_path(image.layers[0]).read_bytes() == content


# --- what a layout holds beside images


def lists(files: Files, *more: dict[str, Any]) -> Files:
    """Return a layout whose index.json lists more."""
    index = json.loads(files["index.json"])
    index["manifests"] += more
    layout = {name: content for name, content in files.items() if name not in ("manifest.json", "repositories")}
    return layout | {"index.json": json.dumps(index).encode()}


def add_blob(files: Files, value: object, media_type: str = MANIFEST) -> dict[str, Any]:
    """Add a document to a layout and return its descriptor."""
    content = json.dumps(value).encode()
    files[f"blobs/sha256/{hexadecimal(content)}"] = content
    return {"mediaType": media_type, "digest": f"sha256:{hexadecimal(content)}", "size": len(content)}


def test_a_layout_of_an_image_and_what_is_said_about_it(store: ImageStore, other: ImageStore) -> None:
    make(store)
    files = unpacked(saved(store, "tiny"))
    nothing = add_blob(files, {}, "application/vnd.oci.empty.v1+json")
    bill = {"artifactType": "application/spdx+json", "config": nothing, "layers": [nothing | {"mediaType": "text/spdx"}]}
    signed = add_blob(files, {"architecture": "", "rootfs": {"diff_ids": ["sha256:" + "0" * 64]}}, CONFIG)
    signature = {"config": signed, "layers": [nothing | {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}]}
    named = {"annotations": {REF_NAME: "tiny:sha256-0.sig"}}
    more = [add_blob(files, bill), add_blob(files, signature) | named, add_blob(files, "?", "text/plain")]
    stray = {"blobs/sha256/.gitkeep": b"", "blobs/sha256/left.tmp": b"x", "README.md": b"x"}
    (found,) = load(other, io.BytesIO(packed(lists(files, *more) | stray)))
    assert [str(name) for name in found.names] == other.names() == ["tiny:latest"]
    with pytest.raises(ImageNotFound, match=r"artifact of kind 'application/spdx\+json'"):
        other.read(Descriptor(MANIFEST, more[0]["digest"], more[0]["size"]))


@pytest.mark.parametrize("lost", ["manifest", "config", "layer"])
def test_another_machines_image_that_is_not_whole(store: ImageStore, other: ImageStore, lost: str) -> None:
    """What can run here comes; nothing is said of the other afterwards, and the image can be saved again."""
    here, strange = make(store), make(store, "strange", b"another", architecture="strange")
    of_here = here.descriptor.replace(platform=here.config.platform)
    of_strange = strange.descriptor.replace(platform=strange.config.platform)
    with store.using():
        store.tag(Reference.parse("both"), store.put_blob(index_bytes([of_strange, of_here]), INDEX))
    gone = {"manifest": strange.descriptor, "config": strange.config_descriptor, "layer": strange.layers[0]}[lost]
    files = unpacked(saved(store, "both"))
    del files["blobs/" + gone.digest.replace(":", "/")]
    (found,) = load(other, io.BytesIO(packed(files)))
    assert [image.id for image in found.images] == [here.id] == [other.get(Reference.parse("both")).id]
    collect(other)
    assert find_damaged(other) == []
    assert unpacked(saved(other, "both")).keys() <= files.keys()
    lost_here = unpacked(saved(store, "both"))
    del lost_here["blobs/" + here.layers[0].digest.replace(":", "/")]
    with pytest.raises(StoreDamaged, match="lacks layer 1 of both:latest"):
        load(ImageStore(other.directory / "third"), io.BytesIO(packed(lost_here)))


def test_an_index_that_does_not_say_for_which_machine(store: ImageStore, other: ImageStore) -> None:
    """The configs say it."""
    strange, here = make(store, "strange", b"another", architecture="strange"), make(store)
    with store.using():
        store.tag(Reference.parse("both"), store.put_blob(index_bytes([strange.descriptor, here.descriptor]), INDEX))
    load(other, io.BytesIO(saved(store, "both")))
    assert other.get(Reference.parse("both")).id == here.id


@pytest.mark.parametrize("last", ["tiny", "strange"])
@pytest.mark.parametrize("form", ["oci", "docker"])
def test_one_name_for_an_image_of_each_machine(store: ImageStore, other: ImageStore, last: str, form: str) -> None:
    """The one that can run here has the name, wherever it stands; the other comes without."""
    here, strange = make(store), make(store, "strange", b"another", architecture="strange")
    files = unpacked(saved(store, "tiny", "strange"))
    index, manifest = json.loads(files.pop("index.json")), json.loads(files.pop("manifest.json"))
    index["manifests"].sort(key=lambda entry: last in str(entry["annotations"]))
    manifest.sort(key=lambda entry: last in str(entry["RepoTags"]))
    for entry in index["manifests"]:
        entry["annotations"] = {REF_NAME: "app:1"}
    for entry in manifest:
        entry["RepoTags"] = ["app:1"]
    document = {"index.json": index} if form == "oci" else {"manifest.json": manifest}
    archive = packed(files | {name: json.dumps(value).encode() for name, value in document.items()})
    loaded = {found.images[0].id: [str(name) for name in found.names] for found in load(other, io.BytesIO(archive))}
    assert loaded == {here.id: ["app:1"], strange.id: []}
    assert other.find("app:1").id == here.id
    load(other, io.BytesIO(archive), platform=strange.config.platform)
    assert other.find("app:1").id == strange.id


@pytest.mark.parametrize("said", [LAYER, LAYER_GZIP, LAYER_ZSTD])
@pytest.mark.parametrize("really", [bytes, gzip.compress, zstandard.compress])
def test_a_layer_is_what_its_bytes_are_whatever_is_said_of_it(
    store: ImageStore, other: ImageStore, said: str, really: Callable[[bytes], bytes]
) -> None:
    raw = b"said to be something else"
    with store.using():
        blob = store.put_blob(really(raw), said)
        config = Config(architecture=Platform.here().architecture, diff_ids=("sha256:" + hexadecimal(raw),), command=("/x",))
        store.put_image(Reference.parse("odd"), [blob], config)
    assert [str(name) for name in load(other, io.BytesIO(saved(store, "odd", form="oci")))[0].names] == ["odd:latest"]


def test_names_that_name_nothing(store: ImageStore, other: ImageStore) -> None:
    make(store)
    files = unpacked(saved(store, "tiny"))
    index, manifest = json.loads(files.pop("index.json")), json.loads(files.pop("manifest.json"))
    manifest[0]["RepoTags"] = ["<none>:<none>"]
    index["manifests"][0]["annotations"] = {REF_NAME: "Any Text/of grammar:1"}
    for documents in ({"manifest.json": manifest}, {"index.json": index}):
        archive = packed(files | {name: json.dumps(value).encode() for name, value in documents.items()})
        assert load(other, io.BytesIO(archive))[0].names == ()
    assert other.names() == []


def test_what_go_writes_for_nothing(store: ImageStore, other: ImageStore) -> None:
    """An image without layers: some tools write null for an empty list."""
    make(store)
    files = unpacked(saved(store, "tiny"))
    rootfs = {"type": "layers", "diff_ids": None}
    empty = {"architecture": Platform.here().architecture, "config": None, "history": None, "rootfs": rootfs}
    manifest = {"schemaVersion": 2, "config": add_blob(files, empty, CONFIG), "layers": None, "annotations": None}
    listed = add_blob(files, manifest) | {"annotations": None, "platform": None}
    (_, found) = load(other, io.BytesIO(packed(lists(files, listed))))
    assert found.images[0].layers == ()


# --- archives of strangers, which are not what they should be


class Endless(io.RawIOBase):
    """A stream that begins with something and never ends."""

    def __init__(self, head: bytes, rest: bytes) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._head.read(size) or (self._rest * (size // len(self._rest) + 1))[:size]


def changed(files: Files, name: str, change: Callable[[Any], Any]) -> bytes:
    """Return the archive with a JSON document changed in place."""
    value = json.loads(files[name])
    change(value)
    return packed(files | {name: json.dumps(value).encode()})


def first_blob(files: Files, what: str) -> str:
    """Return the name of the archive's config, manifest or first layer."""
    (entry,) = json.loads(files["manifest.json"])
    if what == "manifest":
        return "blobs/" + json.loads(files["index.json"])["manifests"][0]["digest"].replace(":", "/")
    return str(entry["Config"] if what == "config" else entry["Layers"][0])


def without(files: Files, what: str) -> bytes:
    return packed({name: content for name, content in files.items() if name != first_blob(files, what)})


def damaged(files: Files, what: str) -> bytes:
    name = first_blob(files, what)
    return packed(files | {name: files[name][:-1] + b"?"})


def other_layers(files: Files) -> bytes:
    """Return an old archive in which the layers have changed places."""
    old = docker_of_old(files)
    return changed(old, "manifest.json", lambda value: value[0]["Layers"].reverse())


def falsified(files: Files, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return a layout whose manifest was changed, and everything that leads to it with it."""
    files = {name: content for name, content in files.items() if name not in ("manifest.json", "repositories")}
    index = json.loads(files["index.json"])
    entry = index["manifests"][0]
    manifest = json.loads(files.pop("blobs/" + entry["digest"].replace(":", "/")))
    change(manifest)
    content = json.dumps(manifest).encode()
    entry |= {"digest": "sha256:" + hexadecimal(content), "size": len(content)}
    return packed(files | {f"blobs/sha256/{hexadecimal(content)}": content, "index.json": json.dumps(index).encode()})


def falsified_config(files: Files, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """Return a layout whose config was changed, and everything that leads to it; it has as many layers as the config says."""
    config = json.loads(files[first_blob(files, "config")])
    change(config)
    content = json.dumps(config).encode()

    def lead_to(manifest: dict[str, Any]) -> None:
        manifest["config"] |= {"digest": "sha256:" + hexadecimal(content), "size": len(content)}
        manifest["layers"] = [manifest["layers"][1]] * len(config["rootfs"]["diff_ids"])

    return falsified(files | {f"blobs/sha256/{hexadecimal(content)}": content}, lead_to)


def packed_otherwise(manifest: dict[str, Any]) -> None:
    manifest["layers"].reverse()
    for layer in manifest["layers"]:
        layer["mediaType"] = LAYER_GZIP


HUGE = member("blobs/sha256/" + "0" * 64)
HUGE.size = 1 << 60
LONG_NAME = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=0)
LONG_NAME.size = 1 << 40
DIRECTORY = member("d", tarfile.DIRTYPE).tobuf()
GLOBAL = member("pax", tarfile.XGLTYPE).tobuf()
ROOT = packed({"etc/passwd": b"root"})

HOSTILE: dict[str, tuple[Callable[[Files], Any], str]] = {
    "empty": (lambda files: b"", "neither manifest.json nor index.json"),
    "a root file system": (lambda files: ROOT, "`labcore import` makes an image of it"),
    "older than Docker 1.10": (lambda files: packed({"repositories": b"{}"}), "written by a Docker before 1.10"),
    "no archive": (lambda files: b"#!/bin/sh\n" * 200, "is no tar archive that can be read"),
    "shorter than a header": (lambda files: b"#!/bin/sh\n", "is cut off"),
    "cut off in a member": (lambda files: packed(files)[:700], "is cut off: it ends in the middle"),
    "a header with a wrong sum": (lambda files: b"x" + packed(files)[1:], "is no tar archive that can be read"),
    "a name that leads up": (lambda files: packed(files, member("a/../../b")), "a member 'a/../../b' that leads outside"),
    "a link that leads up": (
        lambda files: packed(files, member("a/b", tarfile.SYMTYPE, "../../etc/shadow")),
        "a link 'a/b' that leads outside, to '../../etc/shadow'",
    ),
    "a link to the root": (lambda files: packed(files, member("a", tarfile.SYMTYPE, "/etc/shadow")), "that leads outside"),
    "a hard link that leads up": (lambda files: packed(files, member("a", tarfile.LNKTYPE, "../x")), "that leads outside"),
    "a device": (lambda files: packed(files, member("sda", tarfile.BLKTYPE)), "a member 'sda' of a kind"),
    "two of one name, the last of them empty": (lambda files: packed(files, member("index.json")), "index.json is no JSON"),
    "two of one name, written otherwise": (lambda files: packed(files, member("/x/../index.json")), "index.json is no JSON"),
    "a link that leads to itself": (
        lambda files: changed(files | {"a": b""}, "manifest.json", lambda value: value[0].update(Config="b")),
        "lacks tiny:latest's config: there is no b",
    ),
    "a member larger than the disk": (lambda files: packed(files)[:-10240] + HUGE.tobuf(tarfile.GNU_FORMAT), "has place for"),
    "an endless name": (lambda files: Endless(LONG_NAME.tobuf(tarfile.GNU_FORMAT), b"a"), "a header of"),
    "endlessly many members": (lambda files: Endless(DIRECTORY, DIRECTORY), "more than"),
    "endlessly many headers": (lambda files: Endless(GLOBAL, GLOBAL), "more than 8 headers for one entry"),
    "endless zeros": (lambda files: Endless(bytes(1024), b"\0"), "neither manifest.json nor index.json"),
    "an endless document": (
        lambda files: packed(files | {"index.json": b" " * (5 << 20)}), "index.json has 5242880 bytes"
    ),
    "a blob of another digest": (lambda files: damaged(files, "layer"), "has the digest sha256:"),
    "a config of another digest": (lambda files: damaged(files, "config"), "has the digest sha256:"),
    "a manifest of another digest": (lambda files: damaged(files, "manifest"), "has the digest sha256:"),
    "a name with another image's digest": (
        lambda files: changed(
            files, "index.json",
            lambda value: value["manifests"][0].update(annotations={REF_NAME: "tiny@sha256:" + "0" * 64}),
        ),
        "that has the digest sha256:",
    ),
    "a signature alone": (
        lambda files: falsified(files, lambda value: value.update(layers=[value["layers"][0] | {"mediaType": "text/plain"}])),
        "the archive holds no image",
    ),
    "more layers than can be stacked": (
        lambda files: falsified_config(files, lambda value: value.update(
            rootfs={"diff_ids": [f"sha256:{number:064}" for number in range(501)]}
        )),
        "has 501 layers, and 500 are the most",
    ),
    "no layer": (lambda files: without(files, "layer"), "lacks layer 1 of tiny:latest: there is no blobs/sha256/"),
    "no config": (lambda files: without(files, "config"), "lacks config of tiny:latest"),
    "no manifest": (lambda files: without(files, "manifest"), "lacks manifest of tiny:latest"),
    "index.json is no JSON": (lambda files: packed(files | {"index.json": b"{"}), "index.json is no JSON"),
    "index.json is deep": (lambda files: packed(files | {"index.json": b"[" * 200_000}), "index.json is no JSON"),
    "index.json is no index": (lambda files: packed(files | {"index.json": b"[]"}), "index.json is no JSON object"),
    "index.json lists numbers": (lambda files: packed(files | {"index.json": b'{"manifests": [1]}'}), "is no image index"),
    "index.json lists nothing": (
        lambda files: packed({"index.json": b'{"manifests": []}'}), "there is no image in the archive"
    ),
    "annotations are a word": (
        lambda files: changed(files, "index.json", lambda value: value["manifests"][0].update(annotations="x")),
        "has annotations that are none",
    ),
    "another size": (
        lambda files: changed(files, "index.json", lambda value: value["manifests"][0].update(size=1)), "should have 1 bytes"
    ),
    "a digest that leads up": (
        lambda files: changed(files, "index.json", lambda value: value["manifests"][0].update(digest="sha256:../../x")),
        "is no digest",
    ),
    "a name that is none": (
        lambda files: changed(files, "manifest.json", lambda value: value[0].update(RepoTags=["UPPER"])), "is no image name"
    ),
    "names that are a number": (
        lambda files: changed(files, "manifest.json", lambda value: value[0].update(RepoTags=5)), "has names that are none"
    ),
    "manifest.json is an object": (lambda files: packed(files | {"manifest.json": b"{}"}), "is no list of images"),
    "manifest.json is no JSON": (lambda files: packed(files | {"manifest.json": b"]"}), "manifest.json is no JSON"),
    "layers in another order": (other_layers, "as its config says, and has sha256:"),
    "fewer layers than the config says": (
        lambda files: changed(docker_of_old(files), "manifest.json", lambda value: value[0]["Layers"].pop()),
        "has 1 layers, and 2 in its config",
    ),
    "a config called by another digest": (
        lambda files: changed(
            docker_of_old(files) | {"0" * 64 + ".json": b"{}"}, "manifest.json",
            lambda value: value[0].update(Config="0" * 64 + ".json"),
        ),
        "the archive was changed",
    ),
    "compressed layers in another order": (lambda files: falsified(files, packed_otherwise), "as its config says, and has"),
    "a layer that is no gzip after all": (
        lambda files: falsified(files, lambda value: value["layers"].reverse()), "as its config says, and has"
    ),
    "a manifest without layers": (lambda files: falsified(files, lambda value: value.pop("layers")), "is no image manifest"),
    "a manifest of Docker's schema 1": (
        lambda files: falsified(files, lambda value: value.update(schemaVersion=1)), "Docker's schema 1"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(store: ImageStore, other: ImageStore, name: str) -> None:
    make(store)
    make_hostile, said = HOSTILE[name]
    archive = make_hostile(unpacked(saved(store, "tiny")))
    with pytest.raises((StoreDamaged, InvalidInput)) as raised:
        load(other, io.BytesIO(archive) if isinstance(archive, bytes) else archive)
    assert said in str(raised.value)
    assert other.entries() == []
    collect(other)
    assert list(other.blobs.files()) == []


def test_one_bad_image_keeps_the_others_from_being_named(store: ImageStore, other: ImageStore) -> None:
    make(store), make(store, "bad", b"to be changed")
    files = unpacked(saved(store, "tiny", "bad"))
    files[f"blobs/sha256/{hexadecimal(b'to be changed')}"] = b"changed"
    with pytest.raises(StoreDamaged):
        load(other, io.BytesIO(packed(files)))
    assert other.entries() == []


def test_links_in_a_circle(store: ImageStore, other: ImageStore) -> None:
    make(store)
    old = docker_of_old(unpacked(saved(store, "tiny")))
    (entry,) = json.loads(old["manifest.json"])
    name = entry["Layers"][0]
    del old[name]
    circle = [member(name, tarfile.SYMTYPE, "../a"), member("a", tarfile.SYMTYPE, "b"), member("b", tarfile.LNKTYPE, "a")]
    with pytest.raises(StoreDamaged, match="leads to itself"):
        load(other, io.BytesIO(packed(old, *circle)))


def test_a_blob_that_was_changed_is_not_saved_silently(store: ImageStore) -> None:
    path = store.blob_path(make(store).layers[0])
    path.write_bytes(b"A layer")
    with pytest.raises(StoreDamaged, match="was changed on disk"):
        saved(store, "tiny")


def test_a_large_archive_through_a_pipe_takes_little_memory(tmp_path: Path) -> None:
    """300 MB of a layer, of which no two pieces are equal, come from a pipe: the process stays small."""
    script = (
        "import sys; from pathlib import Path; from labcore.engine.image.archives import load; "
        "from labcore.images import ImageStore; "
        f"print(load(ImageStore(Path({str(tmp_path)!r})), sys.stdin.buffer)[0].images[0].id); "
        "print(int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) // 1024)"  # its own, not its parent's
    )
    size, digest = 300 << 20, hashlib.sha256()

    def layer() -> Iterator[bytes]:
        for number in range(300):
            yield number.to_bytes(4) * (1 << 18)

    for piece in layer():
        digest.update(piece)
    diff_id = "sha256:" + digest.hexdigest()
    config = Config(architecture=Platform.here().architecture, diff_ids=(diff_id,)).to_bytes()
    listed = [{"Config": f"{hexadecimal(config)}.json", "RepoTags": ["large:1"], "Layers": ["x/layer.tar"]}]
    about = packed({f"{hexadecimal(config)}.json": config, "manifest.json": json.dumps(listed).encode()}).rstrip(b"\0")
    about += bytes(-len(about) % 512)
    head = member("x/layer.tar")
    head.size = size
    with Started([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as loading:
        assert loading.stdin
        assert loading.stdout
        loading.stdin.write(about + head.tobuf())
        for piece in layer():
            loading.stdin.write(piece)
        loading.stdin.write(bytes(10240))
        loading.stdin.close()
        identity, megabytes = loading.stdout.read().split()
    assert identity.decode() == f"sha256:{hexadecimal(config)}"
    assert int(megabytes) < 100


def test_import(store: ImageStore) -> None:
    root = packed({"bin/sh": b"#!", "etc/hostname": b"box"})

    def settings(config: Config) -> Config:
        return config.replace(command=("echo", "hi"), workdir="/srv")

    ids = set()
    for how, media_type in (("gzip", LAYER_GZIP), ("xz", LAYER), ("bzip2", LAYER)):
        name = Reference.parse(f"root:{how}")
        image = import_root(
            store, io.BytesIO(COMPRESSORS[how](root)), "root.tar", name=name, settings=settings, message="by hand"
        )
        assert image.config.diff_ids == ("sha256:" + hexadecimal(root),)
        assert image.layers[0].media_type == media_type
        assert store.find(f"root:{how}").config == image.config
        ids.add(image.config.replace(created="", history=()))
    (config,) = ids
    assert (config.command, config.workdir) == (("echo", "hi"), "/srv")
    assert image.config.history[0].comment == "by hand"


def test_settings_that_fail_leave_no_image(store: ImageStore) -> None:
    def settings(config: Config) -> Config:
        raise InvalidInput("FROM is not a valid change command")

    with pytest.raises(InvalidInput, match="FROM is not"):
        import_root(store, io.BytesIO(ROOT), "root.tar", settings=settings)
    assert store.entries() == []


def test_a_root_file_system_without_files(store: ImageStore) -> None:
    """`tar -c -T /dev/null | docker import -`: the way to an image with nothing in it."""
    image = import_root(store, io.BytesIO(packed({})), "empty.tar")
    assert image.config.diff_ids == (image.layers[0].digest,)


@pytest.mark.parametrize(
    "content",
    [b"", b"#!/bin/sh", b"x" * 2000, gzip.compress(ROOT)[:-4]],
    ids=["nothing", "a script", "no archive", "half a gzip"],
)
def test_what_is_no_root_file_system(store: ImageStore, content: bytes) -> None:
    with pytest.raises(StoreDamaged, match=r"root\.tar is"):
        import_root(store, io.BytesIO(content), "root.tar")
    assert store.entries() == []


def test_what_looks_like_a_layer_and_is_none_leaves_nothing(store: ImageStore, tmp_path: Path) -> None:
    """A tar that no image names is unpacked while it comes, for nobody knows yet; afterwards it is gone."""
    needs_root()
    plain, below = packed({"etc/named": b"x" * 200_000}), packed({"etc/below": b"y" * 200_000})
    diff_ids = tuple("sha256:" + hexadecimal(layer) for layer in (below, plain))
    parts = [store.put_blob(gzip.compress(below, 0), LAYER_GZIP), store.put_blob(plain, LAYER)]
    store.put_image(Reference.parse("tiny"), parts, Config(architecture=Platform.here().architecture, diff_ids=diff_ids))
    files = {"stray.tar": packed({"etc/stray": b"z" * 200_000}), **unpacked(saved(store, "tiny"))}
    layers = LayerStore(tmp_path / "storage")
    load(ImageStore(tmp_path / "other"), io.BytesIO(packed(files)), layers=layers)
    assert sorted(path.name for path in (tmp_path / "storage/layers").iterdir()) == sorted(map(layer_id, diff_ids))
