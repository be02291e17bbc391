"""Writing image archives (`docker save`): a tar that is an OCI layout and Docker's format at once.

::

    blobs/sha256/…   manifests, configs and layers, as they are in the store
    index.json       names -> manifests (image-spec, image-layout.md)
    manifest.json    for all versions of Docker: names, config and layers of each image
    oci-layout       the layout's version
    repositories     for Dockers before 1.10: names -> the topmost layer

The same images give the same bytes: members are sorted, belong to root, and have no time.
"""

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, Final

from labcore.errors import InvalidInput, StoreDamaged
from labcore.images.archive.reading import FULL_NAME
from labcore.images.archive.tar import BLOCK, CHUNK_SIZE
from labcore.images.layout import LAYOUT_VERSION
from labcore.images.model import REF_NAME, Descriptor, Image, Manifest
from labcore.images.resolve import find, image_here, is_called, parts
from labcore.images.store import ImageStore
from labcore.record import Record
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEX, INDEXES, LAYER, LAYER_ZSTD, MANIFEST
from labcore.tar import decompressed

FORMATS: Final = ("docker", "oci")
RECORD: Final = 20 * BLOCK  # what tar archives are a multiple of


class Selected(Record):
    """A manifest or an index to be saved, under these names, of which there may be none."""

    names: tuple[Reference, ...]
    descriptor: Descriptor


def save(
    store: ImageStore, images: Sequence[str], out: BinaryIO, *, platform: Platform | None = None, form: str = "docker"
) -> None:
    """Write images, given by name or ID, as an archive: `archive_chunks`."""
    for chunk in archive_chunks(store, images, platform=platform, form=form):
        out.write(chunk)


def archive_chunks(
    store: ImageStore, images: Sequence[str], *, platform: Platform | None = None, form: str = "docker"
) -> Iterator[bytes]:
    """Yield the bytes of an archive of images: `docker`, which is an OCI layout too, or `oci`, which is only that.

    Of an index all images that are here are written, or the one for the `platform`. Raises ImageNotFound, InvalidInput before
    the first; StoreDamaged, also when part of the archive was yielded already.
    """
    if form not in FORMATS:
        raise InvalidInput(f"no archive format {form!r}: there are {', '.join(FORMATS)}")
    with store.using():
        selected = _select(store, images, platform)
        if form == "docker":
            selected = [choice.replace(descriptor=_without_zstd(store, choice.descriptor)) for choice in selected]
        blobs = {part.digest: part for choice in selected for part in parts(store, choice.descriptor)}
        for part in blobs.values():
            store.blob_path(part)
        members: dict[str, Callable[[], Iterator[bytes]]] = {}
        sizes: dict[str, int] = {}
        for part in blobs.values():
            name = "blobs/" + part.digest.replace(":", "/")
            members[name], sizes[name] = lambda at=part: _blob(store, at), part.size  # type: ignore[misc]
        for name, content in _documents(store, selected, form).items():
            members[name], sizes[name] = lambda text=content: iter([text]), len(content)  # type: ignore[misc]
        yield from _tar([(name, sizes[name], members[name]) for name in sorted(members)])


def _select(store: ImageStore, images: Sequence[str], platform: Platform | None) -> list[Selected]:
    selected: dict[str, Selected] = {}
    for text in images:
        entry = find(store, text)
        descriptor = entry.descriptor.replace(platform=None)
        if platform:
            descriptor = store.find(text, platform).descriptor.replace(platform=None)
        known = selected.get(descriptor.digest, Selected((), descriptor))
        names = (*known.names, *(Reference.parse(name) for name in entry.names if is_called(text, name)))
        selected[descriptor.digest] = known.replace(names=tuple(sorted(set(names), key=str)))
    return sorted(selected.values(), key=lambda choice: (str(choice.names), choice.descriptor.digest))


def _without_zstd(store: ImageStore, descriptor: Descriptor) -> Descriptor:
    """Return a manifest of the same image with zstd layers decompressed, for Docker before 23 does not know zstd.

    The plain layers have no tag, and are removed by the next garbage collection. An index stays as it is.
    """
    image = None if descriptor.media_type in INDEXES else store.read(descriptor)
    if image is None or not any(layer.media_type == LAYER_ZSTD for layer in image.layers):
        return descriptor
    layers = tuple(_plain(store, layer) if layer.media_type == LAYER_ZSTD else layer for layer in image.layers)
    return store.put_blob(Manifest(image.config_descriptor, layers).to_bytes(), MANIFEST)


def _plain(store: ImageStore, layer: Descriptor) -> Descriptor:
    with store.blob_path(layer).open("rb") as file:
        return store.put_blob(decompressed(file, f"layer {layer.digest}"), LAYER)


def _documents(store: ImageStore, selected: Iterable[Selected], form: str) -> dict[str, bytes]:
    documents = {"oci-layout": {"imageLayoutVersion": LAYOUT_VERSION}, "index.json": _index(selected)}
    if form == "docker":
        here = [(choice, image) for choice in selected if (image := image_here(store, choice.descriptor))]
        documents |= {"manifest.json": _manifest(here), "repositories": _repositories(here)}  # type: ignore[dict-item]
    return {name: json.dumps(value, separators=(",", ":")).encode() + b"\n" for name, value in documents.items()}


def _index(selected: Iterable[Selected]) -> dict[str, Any]:
    entries = []
    for choice in selected:
        named: list[dict[str, Any]] = [
            {"annotations": {FULL_NAME: full_name(name), REF_NAME: name.tag or full_name(name)}} for name in choice.names
        ]
        entries += [choice.descriptor.to_json() | annotations for annotations in named or [{}]]
    return {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}


def _manifest(images: Iterable[tuple[Selected, Image]]) -> list[dict[str, Any]]:
    return [
        {
            "Config": _path(image.id),
            "RepoTags": [str(name) for name in choice.names if name.tag and not name.digest] or None,
            "Layers": [_path(layer.digest) for layer in image.layers],
        }
        for choice, image in images
    ]


def _repositories(images: Iterable[tuple[Selected, Image]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for choice, image in images:
        for name in choice.names:
            if name.tag and not name.digest and image.layers:
                repository = str(name).removesuffix(f":{name.tag}")
                found.setdefault(repository, {})[name.tag] = image.layers[-1].digest.partition(":")[2]
    return found


def full_name(reference: Reference) -> str:
    """Return the fully qualified name, as podman and containerd write it: `docker.io/library/busybox:latest`."""
    tag = f":{reference.tag}" if reference.tag else ""
    return f"{reference.registry}/{reference.repository}{tag}" + (f"@{reference.digest}" if reference.digest else "")


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _blob(store: ImageStore, descriptor: Descriptor) -> Iterator[bytes]:
    """Yield a blob's bytes. Raises StoreDamaged at the end if its digest is wrong."""
    digest = hashlib.new(descriptor.digest.partition(":")[0])
    with store.blob_path(descriptor).open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_SIZE):
            digest.update(chunk)
            yield chunk
    if digest.hexdigest() != descriptor.digest.partition(":")[2]:
        raise StoreDamaged(f"blob {descriptor.digest} was changed on disk; `labcore fsck --repair` puts it aside")


def _tar(members: Iterable[tuple[str, int, Callable[[], Iterator[bytes]]]]) -> Iterator[bytes]:
    written = 0
    for chunk in _blocks(members):
        yield chunk
        written += len(chunk)
    yield bytes(-written % RECORD)


def _blocks(members: Iterable[tuple[str, int, Callable[[], Iterator[bytes]]]]) -> Iterator[bytes]:
    above: set[str] = set()
    for name, size, content in members:
        parts = name.split("/")[:-1]
        for depth in range(len(parts)):
            directory = "/".join(parts[: depth + 1])
            if directory not in above:
                above.add(directory)
                yield _header(directory, 0o755, tarfile.DIRTYPE)
        yield _header(name, 0o644, tarfile.REGTYPE, size)
        yield from content()
        yield bytes(-size % BLOCK)
    yield bytes(2 * BLOCK)


def _header(name: str, mode: int, kind: bytes, size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.size = mode, kind, size
    return info.tobuf(tarfile.PAX_FORMAT)
