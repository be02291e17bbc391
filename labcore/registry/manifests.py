"""Manifests at the registry: validation, parts, `subject`, and descriptors for lists of referrers."""

import hashlib
import json
from typing import Any, Final

from labcore.record import Record
from labcore.registry import errors
from labcore.registry.names import DIGEST, MEDIA_TYPE, TAG
from labcore.registry.store import Files
from labcore.spec.media import MANIFEST, MANIFESTS, SCHEMA_1

FOREIGN: Final = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


class Manifest(Record):
    """A pushed manifest: its digest, its tags, the digests of its parts, and of its subject."""

    digest: str
    media_type: str
    tags: tuple[str, ...]
    blobs: tuple[str, ...]
    subject: str | None

    def check_parts(self, files: Files, name: str) -> None:
        """Raise ManifestBlobUnknown for a part that the repository does not have."""
        for digest in self.blobs:
            try:
                files.blob(name, digest)
            except errors.BlobUnknown:
                raise errors.ManifestBlobUnknown(digest) from None


def read_manifest(content: bytes, content_type: str, reference: str, tags: tuple[str, ...] = ()) -> Manifest:
    """Parse a manifest that is pushed by tag, or by digest with `tags`. Raises ManifestInvalid, DigestInvalid."""
    value = _object(content)
    media_type = content_type.partition(";")[0].strip() or str(value.get("mediaType") or "")
    if media_type.startswith(SCHEMA_1) or value.get("schemaVersion") == 1:
        raise errors.ManifestInvalid("schema 1 is not taken: push the image anew with a current tool")
    if not MEDIA_TYPE.fullmatch(media_type):
        raise errors.ManifestInvalid(f"{media_type!r} is no media type: it stands in Content-Type, or in mediaType")
    if value.get("mediaType") not in (None, media_type):
        raise errors.ManifestInvalid(f"Content-Type says {media_type}, the manifest {value['mediaType']}")
    subject = value.get("subject")
    return Manifest(
        digest=_digest_of(reference, content),
        media_type=media_type,
        tags=_tags(reference, tags),
        blobs=tuple(_parts(value, media_type)),
        subject=_digest(subject, "subject") if subject is not None else None,
    )


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise errors.ManifestInvalid("it is no JSON") from None
    if not isinstance(value, dict):
        raise errors.ManifestInvalid("it is no JSON object")
    return value


def _digest_of(reference: str, content: bytes) -> str:
    """Return the digest, which must be the reference's if that is one."""
    algorithm = reference.partition(":")[0] if DIGEST.fullmatch(reference) else "sha256"
    found = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    if ":" in reference and found != reference:
        raise errors.DigestInvalid(reference, f"the bytes have the digest {found}")
    return found


def _tags(reference: str, more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tags that a manifest gets: the reference, unless that is a digest, which may come with tags beside it."""
    tags = more if ":" in reference else (reference,)
    for tag in tags:
        if not TAG.fullmatch(tag):
            raise errors.ManifestInvalid(f"{tag!r} is no tag", "letters, digits, . _ - and at most 128 of them are wanted")
    return tuple(dict.fromkeys(tags))


def _parts(value: dict[str, Any], media_type: str) -> list[str]:
    """Return the digests of a manifest's blobs, without foreign layers, which need not be here."""
    if media_type not in MANIFESTS:
        return []
    layers = value.get("layers")
    if not isinstance(layers, list):
        raise errors.ManifestInvalid("layers: a list is wanted")
    found = [_digest(value.get("config"), "config")]
    for number, layer in enumerate(layers):
        digest = _digest(layer, f"layers[{number}]")
        if not layer.get("urls") and not str(layer.get("mediaType")).startswith(FOREIGN):
            found.append(digest)
    return found


def _digest(descriptor: Any, where: str) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise errors.ManifestInvalid(f"{where}: a descriptor with a digest is wanted")
    return digest


def describe(digest: str, media_type: str, content: bytes) -> dict[str, Any]:
    """Return a manifest's descriptor for a list of referrers."""
    value = _object(content)
    artifact, annotations = value.get("artifactType"), value.get("annotations")
    if not artifact and media_type == MANIFEST and isinstance(value.get("config"), dict):
        artifact = value["config"].get("mediaType")
    described: dict[str, Any] = {"mediaType": media_type, "digest": digest, "size": len(content)}
    if artifact and isinstance(artifact, str):
        described["artifactType"] = artifact
    if annotations and isinstance(annotations, dict) and all(isinstance(text, str) for text in annotations.values()):
        described["annotations"] = annotations
    return described
