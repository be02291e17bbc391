"""Blobs: content-addressable storage (umoci's and containerd's CAS).

::

    DIRECTORY/blobs/sha256/HEX             a blob
                           .partial-HEX    an incomplete one, to be resumed
                           .incoming-…     one whose digest is not known yet
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from labcore.atomic import PendingFile, sync_directory
from labcore.disk_space import room_for
from labcore.errors import StoreDamaged
from labcore.images.model import Descriptor
from labcore.locks import flock, is_at
from labcore.spec import checked_digest
from labcore.spec.digest import digest_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import BinaryIO, Final

    from labcore.tar import Chunk

CHUNK_SIZE: Final = 1 << 20
PARTIAL: Final = ".partial-"


class Blobs:
    """The blobs below one directory. `note` is called with each digest before it is looked up or written: a lease."""

    def __init__(self, directory: Path, note: Callable[[str], None]) -> None:
        self.directory = directory
        self._note = note

    def put(
        self,
        content: bytes | BinaryIO | Iterator[Chunk],
        media_type: str,
        wanted: str | None = None,
        *,
        durable: bool = True,
    ) -> Descriptor:
        """Store a blob atomically and return its descriptor; bytes that are here already are not written again.

        One that is not `durable` the caller syncs to the disk before anything refers to it.
        Raises StoreDamaged if its digest is not the `wanted` one.
        """
        import hashlib  # which takes 3 ms to load, and a start of a container writes no blob

        algorithm = wanted.partition(":")[0] if wanted else "sha256"
        digest, size = hashlib.new(algorithm), 0
        place = self._folder(algorithm)
        if isinstance(content, bytes) and not wanted:
            name = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
            if self.has(name, len(content)) and self.place(name).read_bytes() == content:
                return Descriptor(media_type, name, len(content))
        with room_for("a blob", self.directory), PendingFile(place, durable=durable) as pending:
            for chunk in _chunks(content):
                digest.update(chunk)
                size += pending.file.write(chunk)
            name = f"{algorithm}:{digest.hexdigest()}"
            if wanted not in (None, name):
                raise StoreDamaged(
                    f"a blob called {wanted} has the digest {name}: what it comes from was changed, or is damaged"
                )
            self._note(name)
            pending.commit(digest.hexdigest())
        return Descriptor(media_type, name, size)

    def has(self, digest: str, size: int) -> bool:
        """Is a blob of that digest and size here? It is leased before the look."""
        self._note(digest)
        return _has(self.place(digest), size)

    def fetch(self, descriptor: Descriptor, chunks_from: Callable[[int], Iterable[Chunk]]) -> bool:
        """Download a blob unless it is here: `chunks_from(offset)` yields its bytes from there on. Return whether it was not.

        A download that breaks off is resumed by the next call; concurrent calls for one blob wait for the first. Raises
        StoreDamaged if the bytes do not have the descriptor's digest.
        """
        algorithm, _, name = descriptor.digest.partition(":")
        place = self._folder(algorithm)
        target, partial = place / name, place / f"{PARTIAL}{name}"
        self._note(descriptor.digest)
        if _has(target, descriptor.size):
            return False
        with room_for(f"blob {descriptor.digest}", self.directory), partial.open("a+b") as file:
            flock(file)
            if _has(target, descriptor.size):  # somebody else was faster
                return False
            if not is_at(file, partial):  # … and failed; this file has no name any more
                return self.fetch(descriptor, chunks_from)
            _complete(file, descriptor, chunks_from)
            partial.rename(target)
            sync_directory(place)
        return True

    def path(self, descriptor: Descriptor) -> Path:
        """Return a blob's path. Raises StoreDamaged if it is missing, or has another size."""
        path = self.place(descriptor.digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise StoreDamaged(
                f"blob {descriptor.digest} is missing from {self.directory}: make or pull the image anew"
            ) from None
        if size != descriptor.size:
            raise StoreDamaged(
                f"blob {descriptor.digest} has {size} bytes and should have {descriptor.size}: {path} is damaged; "
                "`labcore fsck --repair` puts it aside, then make or pull the image anew"
            )
        return path

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a blob's bytes, after checking them against its digest. Raises StoreDamaged. For manifests and configs."""
        content = self.path(descriptor).read_bytes()
        found = digest_of(content, descriptor.digest.partition(":")[0])
        if found != descriptor.digest:
            raise StoreDamaged(
                f"blob {descriptor.digest} was changed on disk: its bytes have the digest {found}; "
                "`labcore fsck --repair` puts it aside, then make or pull the image anew"
            )
        return content

    def place(self, digest: str) -> Path:
        """Return the path that a blob of that digest has or would have."""
        algorithm, _, name = checked_digest(digest).partition(":")
        return self.directory / "blobs" / algorithm / name

    def digests(self) -> Iterator[str]:
        """Yield the digests of all blobs; files with other names are skipped."""
        for path in self.files():
            with suppress(ValueError):
                yield checked_digest(f"{path.parent.name}:{path.name}")

    def files(self) -> Iterator[Path]:
        """Yield all files, incomplete ones too."""
        for algorithm in sorted((self.directory / "blobs").glob("sha*")):
            yield from sorted(path for path in algorithm.iterdir() if path.is_file())

    def _folder(self, algorithm: str) -> Path:
        path = self.directory / "blobs" / algorithm
        path.mkdir(parents=True, exist_ok=True)
        return path


def _has(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _complete(file: BinaryIO, descriptor: Descriptor, chunks_from: Callable[[int], Iterable[Chunk]]) -> None:
    """Append the rest of a blob to a partial file. Raises StoreDamaged, and truncates the file, if the digest is wrong."""
    import hashlib  # as above

    file.seek(0)
    algorithm = descriptor.digest.partition(":")[0]
    digest = hashlib.file_digest(file, algorithm)  # type: ignore[arg-type]
    begun = size = file.tell()
    if size < descriptor.size or not size:
        for chunk in chunks_from(size):
            digest.update(chunk)
            size += file.write(chunk)
    found = f"{algorithm}:{digest.hexdigest()}"
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


def _chunks(content: bytes | BinaryIO | Iterator[Chunk]) -> Iterator[Chunk]:
    if isinstance(content, bytes):
        yield content
    elif isinstance(content, Iterator) and not hasattr(content, "read"):
        yield from content
    else:
        yield from iter(lambda: content.read(CHUNK_SIZE), b"")
