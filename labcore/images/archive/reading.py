"""Reading image archives into the store (`docker load`): OCI layouts, Docker's format, and archives that are both.

OCI layouts (image-spec, image-layout.md) have an `index.json` that lists manifests; Docker's archives a `manifest.json` that
names the parts of each image. In old ones layers have names of their own, some are links to others; their digests are computed.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from labcore.errors import InvalidInput, StoreDamaged
from labcore.images.archive.contents import BlobTee, Contents, PartMissing
from labcore.images.archive.source import Members
from labcore.images.archive.tar import CHUNK_SIZE
from labcore.images.config import Config
from labcore.images.index import DEPTH_MAX
from labcore.images.model import REF_NAME, Descriptor, Image, Manifest, read_index
from labcore.images.store import ImageStore
from labcore.record import Record
from labcore.spec import Platform, Reference
from labcore.spec.media import CONFIG, INDEXES, MANIFEST, MANIFESTS
from labcore.tar.decompressing import decompressed

FULL_NAME: Final = "io.containerd.image.name"  # Docker's and containerd's annotation: the image's whole name


class ArchivedImage(Record):
    """An image in an archive, or an index of several, with its names, of which there may be none."""

    names: tuple[Reference, ...]
    descriptor: Descriptor
    images: tuple[Image, ...]


def read(store: ImageStore, archive: Members, tee: BlobTee | None = None) -> list[ArchivedImage]:
    """Store an archive's blobs, and return its images, which have no tags yet: call it inside `using`.

    The digests of all blobs are verified, and the diff_ids of plain layers. Those of compressed layers are not yet: unpacking
    does that, or `check_content`. The bytes of each blob pass `tee`. Raises StoreDamaged, InvalidInput.
    """
    contents = Contents(store, archive, tee)
    if "manifest.json" not in contents.documents and "index.json" not in contents.documents:
        raise InvalidInput(_what_it_is(contents))
    found = list(_oci(contents)) if "index.json" in contents.documents else []
    if "manifest.json" in contents.documents:
        _add_docker(contents, found)
    if not found:
        raise StoreDamaged("there is no image in the archive")
    return found


def check_content(store: ImageStore, image: Image) -> None:
    """Verify the diff_ids of compressed layers. Raises StoreDamaged."""
    for layer, diff_id in zip(image.layers, image.config.diff_ids, strict=True):
        if layer.digest == diff_id:
            continue
        algorithm, _, _ = diff_id.partition(":")
        digest = hashlib.new(algorithm)
        with store.blob_path(layer).open("rb") as file:
            plain = decompressed(file, f"layer {layer.digest}")
            while chunk := plain.read(CHUNK_SIZE):
                digest.update(chunk)
        if f"{algorithm}:{digest.hexdigest()}" != diff_id:
            raise StoreDamaged(_other_layer(image.name, diff_id, f"{algorithm}:{digest.hexdigest()}"))


# --- Docker's format


def _add_docker(contents: Contents, found: list[ArchivedImage]) -> None:
    """Add the images of manifest.json; of those that are in the index too, the names."""
    entries = _json(contents.documents["manifest.json"], "manifest.json")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StoreDamaged("the archive's manifest.json is no list of images")
    for number, entry in enumerate(entries, 1):
        names = tuple(name for name in _references(entry.get("RepoTags")) if not name.digest)  # whose digest is nobody's here
        what = str(names[0]) if names else f"image {number}"
        config = contents.part(entry.get("Config"), f"{what}'s config", CONFIG)
        _check_config_name(str(entry.get("Config")), config, what)
        for place, known in enumerate(found):
            if config.digest in (image.id for image in known.images):
                found[place] = known.replace(names=tuple(dict.fromkeys([*known.names, *names])))
                break
        else:
            found.append(_docker_image(contents, names, what, config, entry.get("Layers") or []))


def _docker_image(
    contents: Contents, names: tuple[Reference, ...], what: str, config: Descriptor, layers: object
) -> ArchivedImage:
    if not isinstance(layers, list):
        raise StoreDamaged(f"the archive's manifest.json has no list of layers for {what}")
    parts = [contents.part(name, f"{what}'s layer {place}") for place, name in enumerate(layers, 1)]
    manifest = Manifest(config, tuple(parts))
    descriptor = contents.store.put_blob(manifest.to_bytes(), MANIFEST)
    return ArchivedImage(names, descriptor, (_image(contents, what, descriptor, manifest),))


def _check_config_name(name: str, config: Descriptor, what: str) -> None:
    """Verify the digest that an old archive's config has as its name. Raises StoreDamaged."""
    called = name.removesuffix(".json")
    if len(called) == 64 and set(called) <= set("0123456789abcdef") and f"sha256:{called}" != config.digest:
        raise StoreDamaged(f"{what}'s config {name} has the digest {config.digest}: the archive was changed")


# --- OCI layouts


def _oci(contents: Contents) -> Iterator[ArchivedImage]:
    content = contents.documents["index.json"]
    entries: dict[str, ArchivedImage] = {}
    artifacts: list[str] = []
    for descriptor, annotations in _entries(content):
        names = _references([annotations.get(FULL_NAME) or annotations.get(REF_NAME)], strict=False)
        if descriptor.digest in entries:
            names = tuple(dict.fromkeys([*entries[descriptor.digest].names, *names]))
            entries[descriptor.digest] = entries[descriptor.digest].replace(names=names)
            continue
        what = str(names[0]) if names else descriptor.digest[:19]
        if any(name.digest not in (None, descriptor.digest) for name in names):
            raise StoreDamaged(f"the archive calls an image {what} that has the digest {descriptor.digest}: it was changed")
        images = tuple(_images(contents, descriptor, what))
        if images:
            entries[descriptor.digest] = ArchivedImage(names, descriptor.replace(platform=None), images)
        elif descriptor.media_type in INDEXES:
            raise StoreDamaged(f"the archive's {what} is an index, and it has none of the images that are listed there")
        else:
            artifacts.append(what)
    if artifacts and not entries and "manifest.json" not in contents.documents:
        raise InvalidInput(
            f"the archive holds no image: what it holds, {', '.join(artifacts)}, is a signature or another artifact"
        )
    yield from entries.values()


def _entries(content: bytes) -> Iterator[tuple[Descriptor, dict[str, Any]]]:
    descriptors = read_index(content, "the archive's index.json")
    for descriptor, entry in zip(descriptors, json.loads(content)["manifests"], strict=True):
        annotations = entry.get("annotations") or {}
        if not isinstance(annotations, dict):
            raise StoreDamaged("the archive's index.json has annotations that are none")
        yield descriptor, annotations


def _images(contents: Contents, descriptor: Descriptor, what: str, depth: int = 0) -> Iterator[Image]:
    """Yield the image of a manifest, or those of an index, without attestations and other artifacts.

    Manifests of an index may be missing; so may the parts of another platform's image.
    """
    if depth == DEPTH_MAX:
        raise StoreDamaged(f"{what}: an index leads to an index, {DEPTH_MAX} times")
    if descriptor.media_type not in (*MANIFESTS, *INDEXES):
        return
    contents.blob(descriptor, f"manifest of {what}")
    content = contents.document(descriptor, f"manifest of {what}")
    if descriptor.media_type not in INDEXES:
        manifest = Manifest.parse(content, f"the archive's {what}: {descriptor.digest}")
        if not manifest.artifact:
            yield _whole_image(contents, what, descriptor, manifest)
        return
    for entry in read_index(content, f"the archive's {what}: {descriptor.digest}"):
        unknown = entry.platform is not None and entry.platform.os == "unknown"  # a statement about an image, and none itself
        if contents.has(entry) and not unknown:
            try:
                yield from _images(contents, entry, f"{what} for {entry.platform or 'any machine'}", depth + 1)
            except PartMissing:
                if entry.platform is None or entry.platform.suits(Platform.here()):
                    raise
                contents.forget(entry)


def _whole_image(contents: Contents, what: str, descriptor: Descriptor, manifest: Manifest) -> Image:
    contents.blob(manifest.config, f"config of {what}")
    for place, layer in enumerate(manifest.layers, 1):
        contents.blob(layer, f"layer {place} of {what}")
    return _image(contents, what, descriptor, manifest)


def _image(contents: Contents, what: str, descriptor: Descriptor, manifest: Manifest) -> Image:
    content = contents.document(manifest.config, f"config of {what}")
    config = Config.parse(content, f"the archive's {what}: {manifest.config.digest}")
    manifest.check_layers(config, f"the archive's {what}")
    for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True):
        if layer.digest != diff_id and not contents.compression(layer):
            raise StoreDamaged(_other_layer(what, diff_id, layer.digest))
    return Image(what, descriptor, manifest.layers, config, manifest.config)


# --- names, and what is none


def _references(names: object, *, strict: bool = True) -> tuple[Reference, ...]:
    """Return references. A layout may have any text there, such as a tag without a name; unless `strict` it is ignored.

    `<none>:<none>` is how Docker writes that there is none.
    """
    if names is None:
        return ()
    if not isinstance(names, list):
        raise StoreDamaged(f"the archive's manifest.json has names that are none: {names!r}")
    found = []
    for name in filter(None, names):
        if name == "<none>:<none>":
            continue
        if not strict and not (isinstance(name, str) and (":" in name or "/" in name)):
            continue
        try:
            found.append(Reference.parse(str(name)))
        except InvalidInput as error:
            if not strict:
                continue
            raise StoreDamaged(f"the archive names an image so: {error}") from None
    return tuple(found)


def _json(content: bytes, what: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StoreDamaged(f"the archive's {what} is no JSON: {error}") from None


def _other_layer(what: str, wanted: str, found: str) -> str:
    return f"{what}: a layer should have the digest {wanted}, as its config says, and has {found}: the archive was changed"


def _what_it_is(contents: Contents) -> str:
    if "repositories" in contents.documents:
        return "the archive has no manifest.json: it was written by a Docker before 1.10; load and save it with a newer one"
    return (
        "this is no archive of images: it has neither manifest.json nor index.json; if it is a root file system, "
        "`labcore import` makes an image of it"
    )
