"""Artifacts: manifests in an image's form for something else, such as signatures and charts (image-spec, manifest.md)."""

import json
from typing import Final

from labcore.errors import ImageNotFound
from labcore.images.model import Manifest
from labcore.spec.media import CONFIG, DOCKER_CONFIG

# Old registries and their clients wrote the last three where an image's config is meant; docker takes them for that, too.
CONFIGS: Final = (CONFIG, DOCKER_CONFIG, "application/octet-stream", "text/html", "")
LAYERS: Final = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.", "application/octet-stream")
ENCRYPTED: Final = "+encrypted"


def check_image(manifest: Manifest, content: bytes, name: str) -> None:
    """Raise ImageNotFound if a manifest, whose bytes are `content`, is an artifact's, or if its layers are encrypted."""
    kind = _kind_of_artifact(manifest, content)
    if kind:
        raise ImageNotFound(f"{name} is no image but an artifact of kind {kind[:200]!r}\n  cure: oras pull {name}")
    for layer in manifest.layers:
        if layer.media_type.endswith(ENCRYPTED):
            raise ImageNotFound(
                f"{name}: its layers are encrypted, and have to be decrypted elsewhere: {layer.media_type[:200]!r}"
            )


def _kind_of_artifact(manifest: Manifest, content: bytes) -> str:
    """Return an artifact's type; nothing for an image, which has an image's config and layers."""
    others = [layer.media_type for layer in manifest.layers if not layer.media_type.startswith(LAYERS)]
    if manifest.config.media_type in CONFIGS and not others:
        return ""
    said = json.loads(content).get("artifactType")
    if isinstance(said, str) and said:
        return said
    return manifest.config.media_type if manifest.config.media_type not in CONFIGS else others[0]
