"""Garbage collection of blobs that neither a tag nor a lease refers to; and a check of all blobs (`fsck`)."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from labcore.atomic import INCOMING, remove_if_abandoned
from labcore.errors import LabcoreError, StoreDamaged
from labcore.images.blobs import PARTIAL
from labcore.images.model import Descriptor, Manifest, read_index
from labcore.images.store import ImageStore
from labcore.locks import Lock
from labcore.record import Record
from labcore.spec.media import INDEXES, MANIFESTS


class Collected(Record):
    """How many blobs were removed, and their size in bytes."""

    blobs: int
    size: int


class Damage(Record):
    """A blob that is missing or does not have its digest; `images` are the tags that refer to it."""

    digest: str
    what: str
    images: tuple[str, ...]


def collect(store: ImageStore, needed: Callable[[], set[str]] = set) -> Collected:
    """Remove the blobs that no tag and no lease refers to, and temporary files of writers that were killed.

    The blobs of the digests that `needed` returns stay too; it is asked while nobody takes a lease.
    New leases wait meanwhile, for as long as reading each manifest takes. Raises StoreDamaged if a manifest cannot be read:
    what it refers to is not known then, and nothing is removed.
    """
    if not store.directory.exists():
        return Collected(0, 0)
    removed: list[int] = []
    with Lock(store.directory).acquire():
        kept = {digest for _, descriptor in store.entries() for digest in reachable(store, descriptor)}
        kept |= needed()
        kept |= {digest for noted in store.leases.noted() for digest in _from_lease(store, noted)}
        for path in list(store.blobs.files()):
            if path.name.startswith((PARTIAL, INCOMING)):
                removed += filter(None, [remove_if_abandoned(path)])
            elif f"{path.parent.name}:{path.name}" not in kept:
                removed.append(path.stat().st_size)
                path.unlink()
    return Collected(len(removed), sum(removed))


def reachable(store: ImageStore, descriptor: Descriptor) -> Iterator[str]:
    """Yield the digests of all blobs that a manifest or index refers to, its own first. Missing ones are no error."""
    yield descriptor.digest
    if descriptor.media_type not in (*MANIFESTS, *INDEXES) or not store.blobs.place(descriptor.digest).exists():
        return
    content = store.blobs.read(descriptor)
    if descriptor.media_type in INDEXES:
        listed = read_index(content, descriptor.digest)
        here = [entry for entry in listed if store.blobs.place(entry.digest).exists()]
        for entry in here or listed:  # other machines' images need not be here, but one must be
            yield from reachable(store, entry)
    else:
        yield from (part.digest for part in Manifest.parse(content, descriptor.digest).parts())


def _from_lease(store: ImageStore, digest: str) -> Iterator[str]:
    """Yield a leased digest, and all that it refers to if it is a manifest's: a lease does not say what kind it is."""
    yield digest
    path = store.blobs.place(digest)
    if not path.exists() or path.stat().st_size > _MANIFEST_MAX:
        return
    for kind in (MANIFESTS[0], INDEXES[0]):
        try:
            yield from reachable(store, Descriptor(kind, digest, path.stat().st_size))
        except StoreDamaged:
            continue


_MANIFEST_MAX = 4 << 20


def find_damaged(store: ImageStore, progress: Callable[[str], None] = lambda _: None) -> list[Damage]:
    """Read every blob and return those that are damaged or missing; `progress` is called with each digest.

    Raises StoreDamaged if the index itself cannot be read.
    """
    users: dict[str, set[str]] = {}
    for name, descriptor in store.entries():
        for digest in reachable_readable(store, descriptor):
            users.setdefault(digest, set()).add(name or "(no name)")
    found = {}
    for digest in sorted({*store.blobs.digests(), *users}):
        progress(digest)
        if what := _problem(store, digest):
            found[digest] = what
    return [Damage(digest, what, tuple(sorted(users.get(digest, ())))) for digest, what in found.items()]


def quarantine_blobs(store: ImageStore, damaged: Iterable[Damage]) -> Path:
    """Move damaged blobs to the store's `quarantine`; return that directory.

    The tags stay: a pull of the image gets what is missing, and nothing else.
    """
    quarantine = store.directory / "quarantine"
    quarantine.mkdir(parents=True, exist_ok=True)
    with Lock(store.directory).acquire():
        for damage in damaged:
            path = store.blobs.place(damage.digest)
            if path.exists() and _problem(store, damage.digest):  # nobody has mended it meanwhile
                path.rename(quarantine / damage.digest.replace(":", "-"))
    return quarantine


def reachable_readable(store: ImageStore, descriptor: Descriptor) -> Iterator[str]:
    """Yield what `reachable` does, up to the first damaged blob."""
    try:
        yield from reachable(store, descriptor)
    except LabcoreError:
        return


def _problem(store: ImageStore, digest: str) -> str:
    """Return what is wrong with a blob, an empty text if nothing is."""
    path = store.blobs.place(digest)
    algorithm, _, name = digest.partition(":")
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
    except FileNotFoundError:
        return "it is missing"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"
    return "" if found == name else f"its bytes have the digest {algorithm}:{found}"
