"""Media types of images: OCI's (image-spec, media-types.md) and Docker's, schema 2."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
INDEX: Final = "application/vnd.oci.image.index.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"
LAYER_TYPES: Final = {"": LAYER, "gzip": LAYER_GZIP, "zstd": LAYER_ZSTD}  # by the compression

DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"

SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1"  # given up; how its two types begin

MANIFESTS: Final = (MANIFEST, DOCKER_MANIFEST)
INDEXES: Final = (INDEX, DOCKER_INDEX)
# Old registries and their clients wrote the last three where an image's config is meant; docker takes them for that, too.
CONFIGS: Final = (CONFIG, DOCKER_CONFIG, "application/octet-stream", "text/html", "")
# How layers' types begin, of any compression.
LAYERS_BEGIN: Final = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.", "application/octet-stream")
ENCRYPTED: Final = "+encrypted"  # how those of encrypted layers end
