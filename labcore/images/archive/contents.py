"""Contents of an image archive, stored in one pass: JSON documents in memory, everything else as blobs."""

import shutil
from collections.abc import Iterator
from typing import Final, Protocol

from labcore.errors import StoreDamaged
from labcore.images.archive.source import Members
from labcore.images.archive.tar import FILE, LINK, Member
from labcore.images.model import Descriptor
from labcore.images.store import ImageStore
from labcore.spec import checked_digest
from labcore.spec.media import LAYER, LAYER_TYPES
from labcore.tar import Chunk
from labcore.tar.decompressing import LONGEST, compression

DOCUMENTS: Final = ("index.json", "manifest.json", "oci-layout", "repositories")
DOCUMENT_MAX: Final = 4 << 20
LINKS_MAX: Final = 16


class PartMissing(StoreDamaged):
    """A part of an image is missing from the archive."""


class BlobTee(Protocol):
    """A tee for blobs: sees their bytes while they are stored."""

    def passing(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass a blob's chunks on."""

    def kept(self, blob: Descriptor) -> None:
        """Learn the descriptor of the blob that has passed last."""


class Contents:
    """The members of an archive: documents in memory, the rest as blobs of the store, which pass `tee`."""

    def __init__(self, store: ImageStore, archive: Members, tee: BlobTee | None) -> None:
        self.store = store
        self._tee = tee
        self.documents: dict[str, bytes] = {}
        self._blobs: dict[str, Descriptor] = {}
        self._links: dict[str, str] = {}
        for member in archive.members():
            self._links.pop(member.name, None)  # of two of one name the last counts
            if member.kind == LINK:
                self._blobs.pop(member.name, None)
                self._links[member.name] = member.target
            elif member.kind == FILE:
                self._add(member, archive)

    def _add(self, member: Member, archive: Members) -> None:
        above, _, base = member.name.rpartition("/")
        if member.name in DOCUMENTS:
            if member.size > DOCUMENT_MAX:
                raise StoreDamaged(f"the archive's {member.name} has {member.size} bytes, and {DOCUMENT_MAX} are the most")
            self.documents[member.name] = b"".join(archive.content())
        elif base not in ("json", "VERSION"):  # which Docker's archives have in each layer's directory, for dockers of 2015
            wanted = _digest_in(above, base)
            free = shutil.disk_usage(self.store.directory).free
            if member.size > free:
                raise StoreDamaged(
                    f"the archive's {member.name} has {member.size} bytes, and the store has place for {free}: "
                    "no space left on device"
                )
            if wanted and self.store.has_blob(wanted, member.size):
                self._blobs[member.name] = Descriptor(LAYER, wanted, member.size)
            else:
                chunks = self._tee.passing(archive.content()) if self._tee else archive.content()
                self._blobs[member.name] = self.store.put_blob(chunks, LAYER, wanted)
                if self._tee:
                    self._tee.kept(self._blobs[member.name])

    def part(self, name: object, what: str, media_type: str = "") -> Descriptor:
        """Return the blob of a member, following links. Raises StoreDamaged; `what` says in it which part is missing."""
        found = "/".join(part for part in str(name).split("/") if part not in ("", "."))
        for _ in range(LINKS_MAX):
            if found in self._blobs:
                return self._blobs[found].replace(media_type=media_type or self._layer_type(found))
            if found not in self._links:
                raise PartMissing(f"the archive lacks {what}: there is no {found or name}")
            found = self._links[found]
        raise StoreDamaged(f"the archive lacks {what}: {name} is a link that leads to itself")

    def blob(self, wanted: Descriptor, what: str) -> Descriptor:
        """Check that a layout's blob came or was here, and return it. Raises StoreDamaged; `what` names the missing part."""
        if not self.has(wanted) and self.store.has_blob(wanted.digest, wanted.size):
            return wanted
        found = self.part("blobs/" + wanted.digest.replace(":", "/"), what, wanted.media_type)
        if found.size != wanted.size:
            raise StoreDamaged(f"the archive's {what} should have {wanted.size} bytes and has {found.size}: {wanted.digest}")
        return wanted

    def has(self, wanted: Descriptor) -> bool:
        """Is this blob in the archive?"""
        return "blobs/" + wanted.digest.replace(":", "/") in self._blobs

    def forget(self, manifest: Descriptor) -> None:
        """Remove the manifest of an incomplete image: those of an index are stored with all their parts, or not at all."""
        self.store.blobs.place(manifest.digest).unlink(missing_ok=True)

    def document(self, descriptor: Descriptor, what: str) -> bytes:
        """Return the bytes of a manifest, an index or a config. Raises StoreDamaged."""
        if descriptor.size > DOCUMENT_MAX:
            raise StoreDamaged(f"the archive's {what} has {descriptor.size} bytes, and {DOCUMENT_MAX} are the most")
        return self.store.blobs.read(descriptor)

    def compression(self, blob: Descriptor) -> str:
        """Return the compression of a stored blob, whatever its media type says; an empty text if it has none."""
        with self.store.blob_path(blob).open("rb") as file:
            return compression(file.read(LONGEST))

    def _layer_type(self, name: str) -> str:
        kind = self.compression(self._blobs[name])
        if kind not in LAYER_TYPES:
            raise StoreDamaged(f"the archive's {name} is compressed by {kind}, which layers cannot be")
        return LAYER_TYPES[kind]


def _digest_in(above: str, base: str) -> str | None:
    """Return the digest in a blob's name in a layout; None for other files, which readers of layouts ignore."""
    if not above.startswith("blobs/"):
        return None
    try:
        return checked_digest(f"{above.removeprefix('blobs/')}:{base}")
    except ValueError:
        return None
