"""The content store: an OCI image layout on disk (image-spec, image-layout.md).

    ROOT/images/oci-layout      the format's version
                index.json      names -> manifests
                blobs/sha256/…  everything else, each file under the digest of its bytes

Other tools read it as it is: `skopeo inspect oci:ROOT/images:busybox:latest`.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images.model import REF_NAME, Config, Descriptor, Image
from labcore.spec import Reference

LAYOUT_VERSION = "1.0.0"
INDEX = "application/vnd.oci.image.index.v1+json"


# Images that were read and checked, as long as the index that led to them has not been replaced.
_FOUND: dict[tuple[str, tuple[int, int, int], str], Image] = {}


class ImageStore:
    """Images by name, blobs by digest."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._blobs = directory / "blobs" / "sha256"

    # --- blobs

    def put_blob(self, content: bytes | BinaryIO, media_type: str) -> Descriptor:
        """Store a blob and return its descriptor. It appears whole, and under its own digest, or not at all."""
        self._prepare()
        digest, size = hashlib.sha256(), 0
        with _incoming(self._blobs) as (file, keep_as):
            for chunk in _chunks(content):
                digest.update(chunk)
                size += file.write(chunk)
            keep_as(digest.hexdigest())
        return Descriptor(media_type, f"sha256:{digest.hexdigest()}", size)

    def fetch_blob(self, descriptor: Descriptor, chunks_from: Callable[[int], Iterable[bytes]]) -> bool:
        """Get a blob from elsewhere: `chunks_from(offset)` yields its bytes from there on. Return whether it had to be got.

        What has come stays when the rest does not, and is gone on with the next time; whoever wants the same blob meanwhile
        waits for this one. Raises StoreDamaged if other bytes come than the descriptor says.
        """
        self._prepare()
        name = descriptor.digest.removeprefix("sha256:")
        target, partial = self._blobs / name, self._blobs / f".partial-{name}"
        if _has(target, descriptor.size):
            return False
        with partial.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _has(target, descriptor.size):  # somebody else was faster
                return False
            if not partial.exists():  # … and failed; its file is not this one
                partial.touch()
                return self.fetch_blob(descriptor, chunks_from)
            _complete(file, descriptor, chunks_from)
            partial.rename(target)
            _sync_directory(self._blobs)
        return True

    def blob_path(self, descriptor: Descriptor) -> Path:
        """Return where a blob lies. Raises StoreDamaged if it does not, or has another size."""
        path = self._blobs / descriptor.digest.removeprefix("sha256:")
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise StoreDamaged(
                f"blob {descriptor.digest} is missing from {self.directory}: make or pull the image anew"
            ) from None
        if size != descriptor.size:
            raise StoreDamaged(f"blob {descriptor.digest} has {size} bytes and should have {descriptor.size}: {path}")
        return path

    def read_json(self, descriptor: Descriptor) -> Any:
        """Return a blob that is JSON, after checking it against its digest. Raises StoreDamaged."""
        content = self.blob_path(descriptor).read_bytes()
        found = "sha256:" + hashlib.sha256(content).hexdigest()
        if found != descriptor.digest:
            raise StoreDamaged(f"blob {descriptor.digest} was changed on disk: its bytes have the digest {found}")
        return json.loads(content)

    # --- names

    def tag(self, reference: Reference, manifest: Descriptor) -> None:
        """Give a manifest a name; the name's former image loses it."""
        self._prepare()
        with self._locked():
            self._entries()  # refuses an index that is damaged
            index = self._index()
            others = [entry for entry in index["manifests"] if (entry.get("annotations") or {}).get(REF_NAME) != str(reference)]
            index["manifests"] = [*others, manifest.to_json() | {"annotations": {REF_NAME: str(reference)}}]
            _write_whole(self.directory / "index.json", json.dumps(index, indent=1).encode())

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted(name for name, _ in self._entries() if name)

    def get(self, reference: Reference) -> Image:
        """Return the image of that name. Raises ImageNotFound, StoreDamaged."""
        try:
            status = (self.directory / "index.json").stat()
        except FileNotFoundError:
            return self._find(reference)
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        key = (str(self.directory), version, str(reference))
        if key not in _FOUND:
            if len(_FOUND) > 64:
                _FOUND.clear()
            _FOUND[key] = self._find(reference)
        return _FOUND[key]

    def _find(self, reference: Reference) -> Image:
        for name, descriptor in self._entries():
            by_digest = reference.digest is not None and descriptor.digest == reference.digest
            if by_digest or name == str(reference):
                return self._load(reference, descriptor)
        known = ", ".join(self.names()) or "none"
        raise ImageNotFound(
            f"no image {reference} in {self.directory} (there: {known}); `labcore seed` makes busybox and hello-world"
        )

    def _load(self, reference: Reference, descriptor: Descriptor) -> Image:
        try:
            manifest = self.read_json(descriptor)
            layers = tuple(Descriptor.from_json(layer) for layer in manifest["layers"])
            config = Config.from_json(self.read_json(Descriptor.from_json(manifest["config"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(f"{reference}: {descriptor.digest} is no image manifest that can be read: {error!r}") from error
        if len(layers) != len(config.diff_ids):
            raise StoreDamaged(f"{reference}: {len(layers)} layers in the manifest, {len(config.diff_ids)} in the config")
        return Image(str(reference), descriptor, layers, config)

    # --- files

    def _prepare(self) -> None:
        self._blobs.mkdir(parents=True, exist_ok=True)
        layout = self.directory / "oci-layout"
        if not layout.exists():
            _write_whole(layout, json.dumps({"imageLayoutVersion": LAYOUT_VERSION}).encode())

    def _index(self) -> Any:
        try:
            return json.loads((self.directory / "index.json").read_bytes())
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        except ValueError as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no JSON: {error}") from error

    def _entries(self) -> list[tuple[str | None, Descriptor]]:
        """Return the index as names with descriptors; an entry may have no name."""
        try:
            return [
                ((entry.get("annotations") or {}).get(REF_NAME), Descriptor.from_json(entry))
                for entry in self._index()["manifests"]
            ]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(f"{self.directory / 'index.json'} is no image index: {error!r}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from changing the index meanwhile: flock(2) on the directory."""
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def _has(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size == size


def _complete(file: BinaryIO, descriptor: Descriptor, chunks_from: Callable[[int], Iterable[bytes]]) -> None:
    """Append what a file lacks of a blob. Raises StoreDamaged, and empties the file, if the whole is not the blob."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
    begun = size = file.tell()
    if size < descriptor.size or not size:
        for chunk in chunks_from(size):
            digest.update(chunk)
            size += file.write(chunk)
    found = f"sha256:{digest.hexdigest()}"
    if found != descriptor.digest or size != descriptor.size:
        file.truncate(0)
        if begun:  # what was there before may have been the part that is wrong
            _complete(file, descriptor, chunks_from)
            return
        raise StoreDamaged(
            f"blob {descriptor.digest} of {descriptor.size} bytes was asked for, and {found} of {size} bytes came: "
            "try again, and if it stays so, ask whoever runs the registry"
        )
    file.flush()
    os.fsync(file.fileno())


def _chunks(content: bytes | BinaryIO) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    while chunk := content.read(1 << 20):
        yield chunk


@contextmanager
def _incoming(directory: Path) -> Iterator[tuple[BinaryIO, Callable[[str], None]]]:
    """Yield a new file and the function that gives it its name, in one step: a reader, or a crash, sees all of it or none."""
    path = directory / f".incoming-{os.getpid()}-{os.urandom(6).hex()}"
    try:
        with path.open("xb") as file:

            def keep_as(name: str) -> None:
                file.flush()
                os.fsync(file.fileno())
                path.rename(directory / name)
                _sync_directory(directory)

            yield file, keep_as
    finally:
        path.unlink(missing_ok=True)


def _write_whole(path: Path, content: bytes) -> None:
    with _incoming(path.parent) as (file, keep_as):
        file.write(content)
        keep_as(path.name)


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
