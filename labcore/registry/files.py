"""What a registry keeps, on disk.

    ROOT/format                             the version of what lies here
         blobs/sha256/DIGEST                everything that was pushed, each file under the digest of its bytes
         uploads/ID                         what is being pushed
         repositories/NAME/_blobs/DIGEST    (an empty file) the repository has this blob
                           _manifests/DIGEST   and this manifest: its media type
                           _tags/TAG        a manifest's digest
                           _referrers/SUBJECT/DIGEST   a manifest that says it is about another one

A blob belongs to no repository but is reached only through one that has it. Files appear whole or not at all: they are written
beside their place, and renamed.
"""

import fcntl
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from labcore.errors import StoreDamaged
from labcore.registry.problems import BlobUnknown, DigestInvalid, ManifestUnknown, NameInvalid, NameUnknown, UploadUnknown

FORMAT: Final = "1"
NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
ABANDONED: Final = 24 * 3600  # seconds after which an upload that nobody went on with is dropped
NAME_MAX: Final = 255


class Files:
    """A registry's files below one directory. All names that come in are checked here, before they become paths."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads = root / "uploads"
        for directory in (root / "blobs", self.uploads, root / "repositories"):
            directory.mkdir(parents=True, exist_ok=True)
        version = root / "format"
        if not version.exists():
            _write(version, FORMAT.encode())
        elif (found := version.read_text().strip()) != FORMAT:
            raise StoreDamaged(f"{root} has format {found!r}, and this labcore knows {FORMAT}")

    # --- repositories

    def repository(self, name: str) -> Path:
        """Return a repository's directory, which need not be there. Raises NameInvalid."""
        if not NAME.fullmatch(name) or len(name) > NAME_MAX:
            raise NameInvalid(name)
        return self.root / "repositories" / name

    def known(self, name: str) -> Path:
        """Return the directory of a repository that something was pushed to. Raises NameUnknown."""
        directory = self.repository(name)
        if not (directory / "_manifests").is_dir() and not (directory / "_blobs").is_dir():
            raise NameUnknown(name)
        return directory

    def repositories(self) -> list[str]:
        """Return the names of all repositories that have a manifest, sorted."""
        base = self.root / "repositories"
        found = (path.parent for path in base.glob("**/_manifests") if any(path.iterdir()))
        return sorted(str(path.relative_to(base)) for path in found)

    # --- blobs

    def blob(self, name: str, digest: str) -> Path:
        """Return a blob's file. Raises BlobUnknown if the repository does not have it."""
        link = self.repository(name) / "_blobs" / checked(digest)
        path = self.blob_path(digest)
        if not link.exists() or not path.exists():
            raise BlobUnknown(digest)
        return path

    def blob_path(self, digest: str) -> Path:
        """Return where a blob lies, whoever has it."""
        algorithm, _, encoded = checked(digest).partition(":")
        return self.root / "blobs" / algorithm / encoded

    def link_blob(self, name: str, digest: str) -> None:
        """Let a repository have a blob that is there."""
        _write(self.repository(name) / "_blobs" / digest, b"")

    def unlink_blob(self, name: str, digest: str) -> None:
        """Take a blob from a repository. Raises BlobUnknown."""
        self.blob(name, digest)
        (self.repository(name) / "_blobs" / digest).unlink(missing_ok=True)

    # --- manifests and tags

    def manifest(self, name: str, reference: str) -> tuple[str, str, bytes]:
        """Return a manifest's digest, media type and bytes, by its tag or digest. Raises ManifestUnknown, NameUnknown."""
        directory = self.known(name)
        digest = reference if ":" in reference else self.tagged(name, reference)
        try:
            media_type = (directory / "_manifests" / checked(digest)).read_text()
            return digest, media_type, self.blob_path(digest).read_bytes()
        except FileNotFoundError:
            raise ManifestUnknown(reference) from None

    def put_manifest(self, name: str, digest: str, media_type: str, content: bytes) -> None:
        """Store a manifest under its digest."""
        _write(self.blob_path(digest), content)
        _write(self.repository(name) / "_manifests" / digest, media_type.encode())

    def delete_manifest(self, name: str, digest: str) -> None:
        """Forget a manifest, the tags that name it, and what it said of another. Raises ManifestUnknown."""
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
        directory = self.known(name) / "_tags"
        return sorted(path.name for path in directory.iterdir() if TAG.fullmatch(path.name)) if directory.is_dir() else []

    def tagged(self, name: str, tag: str) -> str:
        """Return the digest that a tag stands for. Raises ManifestUnknown."""
        if not TAG.fullmatch(tag):
            raise ManifestUnknown(tag)
        try:
            return (self.repository(name) / "_tags" / tag).read_text()
        except FileNotFoundError:
            raise ManifestUnknown(tag) from None

    def tag(self, name: str, tag: str, digest: str) -> None:
        """Let a tag stand for a manifest."""
        _write(self.repository(name) / "_tags" / tag, digest.encode())

    def untag(self, name: str, tag: str) -> None:
        """Forget a tag. Raises ManifestUnknown."""
        self.tagged(name, tag)
        (self.repository(name) / "_tags" / tag).unlink(missing_ok=True)

    def refer(self, name: str, subject: str, digest: str) -> None:
        """Remember that a manifest is about another one, which need not be there yet."""
        _write(self.repository(name) / "_referrers" / checked(subject) / digest, b"")

    def referrers(self, name: str, subject: str) -> list[str]:
        """Return the digests of the manifests that are about one."""
        directory = self.repository(name) / "_referrers" / checked(subject)
        return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []

    # --- uploads

    def begin_upload(self, name: str) -> "Upload":
        """Begin an upload to a repository."""
        upload = Upload(self, name, secrets.token_hex(16))
        upload.path.write_bytes(b"")
        return upload

    def upload(self, name: str, number: str) -> "Upload":
        """Return an upload that goes on. Raises UploadUnknown."""
        upload = Upload(self, name, number)
        if not re.fullmatch(r"[0-9a-f]{32}", number) or not upload.path.exists():
            raise UploadUnknown(number)
        return upload


class Upload:
    """Bytes on their way into a repository."""

    def __init__(self, files: Files, name: str, number: str) -> None:
        self._files = files
        self.name = name
        self.number = number
        owner = hashlib.sha256(files.repository(name).name.encode() + name.encode()).hexdigest()[:8]
        self.path = files.uploads / f"{number}-{owner}"

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self.path.stat().st_size

    @contextmanager
    def appending(self) -> Iterator[BinaryIO]:
        """Open it to be written to at its end, by one at a time; what an error leaves half written is cut off."""
        with self.path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = os.fstat(file.fileno()).st_size
            try:
                yield file
            except BaseException:
                file.flush()
                os.ftruncate(file.fileno(), before)
                raise

    def finish(self, digest: str) -> None:
        """Make it a blob of its repository. Raises DigestInvalid if its bytes have another digest."""
        algorithm = checked(digest).partition(":")[0]
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, algorithm).hexdigest()
            os.fsync(file.fileno())
        if f"{algorithm}:{found}" != digest:
            raise DigestInvalid(digest, f"the bytes have the digest {algorithm}:{found}")
        place = self._files.blob_path(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(place)
        self._files.link_blob(self.name, digest)

    def cut(self, size: int) -> None:
        """Drop what has come beyond this many bytes."""
        os.truncate(self.path, size)

    def cancel(self) -> None:
        """Drop it."""
        self.path.unlink(missing_ok=True)


def checked(digest: str) -> str:
    """Return a digest. Raises DigestInvalid for what is none."""
    if not DIGEST.fullmatch(digest):
        raise DigestInvalid(digest, "it is sha256: and 64 hex digits, or sha512: and 128")
    return digest


def drop_abandoned(files: Files) -> None:
    """Drop uploads that nobody goes on with."""
    for path in files.uploads.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f".{secrets.token_hex(8)}")
    with incoming.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    incoming.rename(path)
