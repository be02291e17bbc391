"""Registry store: blobs, manifests, tags and referrers on disk.

    ROOT/format                             the version of what lies here
         lock                               shared by requests that link or promise blobs, exclusive for garbage collection
         blobs/sha256/DIGEST                everything that was pushed, each file under the digest of its bytes
         uploads/ID                         what is being pushed
         repositories/NAME/_blobs/DIGEST    (an empty file) the repository has this blob
                           _manifests/DIGEST   and this manifest: its media type
                           _tags/TAG        a manifest's digest
                           _referrers/SUBJECT/DIGEST   a manifest that says it is about another one

A blob belongs to no repository but is reached only through one that has it. Files appear whole or not at all: they are written
beside their place, and renamed.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Final

from labcore.atomic import atomic_write, sync_directory
from labcore.errors import StoreDamaged
from labcore.locks import Lock
from labcore.registry.errors import BlobUnknown, ManifestUnknown, NameInvalid, NameUnknown, UploadUnknown
from labcore.registry.names import DIGEST, NAME, NAME_MAX, TAG, checked
from labcore.registry.upload_store import Upload

FORMAT: Final = "1"
FRESH: Final = 600.0  # seconds: a blob that somebody asked for is marked as young no more often than that


class Files:
    """A registry's files below one directory. All names that come in are checked here, before they become paths."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads = root / "uploads"
        for directory in (root / "blobs", self.uploads, root / "repositories"):
            directory.mkdir(parents=True, exist_ok=True)
        lock = root / "lock"
        if not lock.exists():
            lock.touch()
        version = root / "format"
        if not version.exists():
            _write(version, FORMAT.encode())
        elif (found := version.read_text(encoding="utf-8").strip()) != FORMAT:
            raise StoreDamaged(f"{root} has format {found!r}, and this labcore knows {FORMAT}")

    @contextmanager
    def changing(self, *, alone: bool = False) -> Iterator[None]:
        """Hold the store's lock: shared while blobs are linked or promised, exclusive (`alone`) while they are removed."""
        flags = os.O_RDWR if alone else 0  # what may not be written to can be served
        with Lock(self.root / "lock", flags).acquire(shared=not alone):
            yield

    # --- repositories

    def repository(self, name: str) -> Path:
        """Return a repository's directory, which need not exist. Raises NameInvalid."""
        if len(name) > NAME_MAX or not NAME.fullmatch(name):
            raise NameInvalid(name[:NAME_MAX])
        return self.root / "repositories" / name

    def known(self, name: str) -> Path:
        """Return the directory of an existing repository. Raises NameUnknown."""
        directory = self.repository(name)
        if not (directory / "_manifests").is_dir() and not (directory / "_blobs").is_dir():
            raise NameUnknown(name)
        return directory

    def directories(self) -> Iterator[Path]:
        """Yield the directories of all repositories, and those above them."""
        for place, below, _ in os.walk(self.root / "repositories"):
            below[:] = [name for name in below if not name.startswith("_")]
            yield Path(place)

    def repositories(self) -> list[str]:
        """Return the names of all repositories that have a manifest, sorted."""
        base = self.root / "repositories"
        return sorted(str(path.relative_to(base)) for path in self.directories() if _entries(path / "_manifests", DIGEST))

    # --- blobs

    def blob(self, name: str, digest: str) -> Path:
        """Return a blob's file. Raises BlobUnknown if the repository does not have it."""
        link = self.repository(name) / "_blobs" / checked(digest)
        path = self.blob_path(digest)
        if not link.exists() or not path.exists():
            raise BlobUnknown(digest)
        return path

    def open_blob(self, name: str, digest: str) -> FileIO:
        """Open a blob, which can then be read to its end even if it is deleted meanwhile. Raises BlobUnknown."""
        with self.changing():  # else it could be removed before it is young, and would have been promised in vain
            try:
                file = self.blob(name, digest).open("rb", buffering=0)
            except FileNotFoundError:
                raise BlobUnknown(digest) from None
            self._refresh(file)
        return file

    def _refresh(self, file: FileIO) -> None:
        """Renew a blob's time, which garbage collection spares: a client that was told of the blob will not push it."""
        if time.time() - os.fstat(file.fileno()).st_mtime > FRESH:
            with suppress(OSError):
                os.utime(file.fileno())

    def blob_path(self, digest: str) -> Path:
        """Return a blob's path, whichever repository has it."""
        algorithm, _, encoded = checked(digest).partition(":")
        return self.root / "blobs" / algorithm / encoded

    def mount_blob(self, name: str, digest: str, source: str = "") -> bool:
        """Link a blob of `source`, or of any repository without one, into a repository; return whether it exists."""
        with self.changing():
            directories = [self.repository(source)] if source else self.directories()
            if not self.blob_path(digest).exists() or not any((path / "_blobs" / digest).exists() for path in directories):
                return False
            os.utime(self.blob_path(digest))
            _write(self.repository(name) / "_blobs" / digest, b"")
            return True

    def keep_blob(self, upload: Upload, digest: str) -> None:
        """Turn a verified upload into a blob of its repository. Raises UploadUnknown if it was cancelled."""
        try:
            self.adopt_blob(upload.name, digest, upload.path)
        except FileNotFoundError:
            raise UploadUnknown(upload.number) from None

    def adopt_blob(self, name: str, digest: str, file: Path) -> None:
        """Turn a verified file into a blob of a repository. Raises FileNotFoundError."""
        place, link = self.blob_path(digest), self.repository(name) / "_blobs" / digest
        place.parent.mkdir(parents=True, exist_ok=True)
        with self.changing(), ExitStack() as undo:
            os.utime(file)
            if not link.exists():
                undo.callback(link.unlink, missing_ok=True)
            _write(link, b"")  # first: a blob that is there is always somebody's
            file.rename(place)
            sync_directory(place.parent)
            undo.pop_all()

    def unlink_blob(self, name: str, digest: str) -> None:
        """Unlink a blob from a repository. Raises BlobUnknown."""
        self.blob(name, digest)
        (self.repository(name) / "_blobs" / digest).unlink(missing_ok=True)

    # --- manifests and tags

    def manifest(self, name: str, reference: str) -> tuple[str, str, bytes]:
        """Return a manifest's digest, media type and bytes, by its tag or digest. Raises ManifestUnknown, NameUnknown."""
        directory = self.known(name)
        digest = reference if ":" in reference else self.tagged(name, reference)
        try:
            media_type = (directory / "_manifests" / checked(digest)).read_text(encoding="utf-8")
            return digest, media_type, self.blob_path(digest).read_bytes()
        except FileNotFoundError:
            raise ManifestUnknown(reference) from None

    def put_manifest(self, name: str, digest: str, media_type: str, content: bytes) -> None:
        """Store a manifest under its digest."""
        _write(self.blob_path(digest), content)
        _write(self.repository(name) / "_manifests" / digest, media_type.encode())

    def delete_manifest(self, name: str, digest: str) -> None:
        """Delete a manifest, its tags, and its entry as a referrer. Raises ManifestUnknown."""
        directory = self.known(name)
        entry = directory / "_manifests" / checked(digest)
        if not entry.exists():
            raise ManifestUnknown(digest)
        for tag in self.tags(name):
            with suppress(ManifestUnknown):
                if self.tagged(name, tag) == digest:
                    (directory / "_tags" / tag).unlink(missing_ok=True)
        for link in directory.glob(f"_referrers/*/{digest}"):
            link.unlink(missing_ok=True)
        entry.unlink(missing_ok=True)

    def tags(self, name: str) -> list[str]:
        """Return a repository's tags, in the order of their bytes. Raises NameUnknown."""
        return _entries(self.known(name) / "_tags", TAG)

    def tagged(self, name: str, tag: str) -> str:
        """Return a tag's digest. Raises ManifestUnknown."""
        if not TAG.fullmatch(tag):
            raise ManifestUnknown(tag)
        try:
            return (self.repository(name) / "_tags" / tag).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ManifestUnknown(tag) from None

    def tag(self, name: str, tag: str, digest: str) -> None:
        """Tag a manifest."""
        _write(self.repository(name) / "_tags" / tag, digest.encode())

    def untag(self, name: str, tag: str) -> None:
        """Delete a tag. Raises ManifestUnknown."""
        self.tagged(name, tag)
        (self.repository(name) / "_tags" / tag).unlink(missing_ok=True)

    def refer(self, name: str, subject: str, digest: str) -> None:
        """Record a manifest as a referrer of its subject, which need not exist yet."""
        _write(self.repository(name) / "_referrers" / checked(subject) / digest, b"")

    def referrers(self, name: str, subject: str) -> list[str]:
        """Return the digests of a subject's referrers."""
        return _entries(self.repository(name) / "_referrers" / checked(subject), DIGEST)

    # --- uploads

    def begin_upload(self, name: str) -> Upload:
        """Begin an upload to a repository."""
        upload = Upload(self.uploads, name, secrets.token_hex(16))
        upload.path.write_bytes(b"")
        return upload

    def upload(self, name: str, number: str) -> Upload:
        """Return an upload by its number. Raises UploadUnknown."""
        self.repository(name)
        upload = Upload(self.uploads, name, number)
        if not re.fullmatch(r"[0-9a-f]{32}", number) or not upload.path.exists():
            raise UploadUnknown(number)
        return upload


def _entries(directory: Path, wanted: re.Pattern[str]) -> list[str]:
    """Return the names in a directory without temporary ones, sorted; none if it does not exist."""
    try:
        return sorted(path.name for path in directory.iterdir() if wanted.fullmatch(path.name))
    except FileNotFoundError:
        return []


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically and durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, content)
