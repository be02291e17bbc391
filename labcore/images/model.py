"""Image model: descriptor, manifest, index (OCI image-spec, and Docker's schema 2, which differs in media types only)."""

from __future__ import annotations

from labcore.errors import ImageNotFound, InvalidInput, StoreDamaged
from labcore.json_codec import dumps, loads
from labcore.record import Record
from labcore.spec import Platform, checked_digest
from labcore.spec.media import CONFIGS, ENCRYPTED, INDEX, LAYERS_BEGIN, MANIFEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final, Self

    from labcore.images.config import Config

REF_NAME: Final = "org.opencontainers.image.ref.name"
LAYERS_MAX: Final = 500  # that overlayfs stacks: OVL_MAX_STACK in the kernel


class Descriptor(Record):
    """A blob's media type, digest and size in bytes (descriptor.md); `platform` in an index only."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a descriptor. Raises ValueError, TypeError or KeyError."""
        platform = Platform.from_json(value["platform"]) if value.get("platform") else None
        size, media_type = value["size"], value["mediaType"]
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise ValueError(f"{size!r} is no size in bytes")
        if not isinstance(media_type, str):
            raise TypeError(f"{media_type!r} is no media type")
        return cls(media_type, checked_digest(value["digest"]), size, platform)

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as it stands in manifests and indexes."""
        plain: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.platform:
            plain["platform"] = {name: value for name, value in self.platform.as_dict().items() if value}
        return plain


class Manifest(Record):
    """An image's parts: its config, and its layers from the lowest up (manifest.md; Docker's image manifest, schema 2)."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = MANIFEST
    artifact_type: str = ""

    @classmethod
    def parse(cls, content: bytes, what: str) -> Self:
        """Read a manifest's bytes; `what` names it in errors. Raises StoreDamaged."""
        value = _document(content, what)
        try:
            return cls(
                config=Descriptor.from_json(value["config"]),
                layers=tuple(Descriptor.from_json(layer) for layer in value["layers"] or ()),
                media_type=str(value.get("mediaType") or MANIFEST),
                artifact_type=kind if isinstance(kind := value.get("artifactType"), str) else "",
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreDamaged(f"{what} is no image manifest that can be read: {error!r}") from error

    def to_bytes(self) -> bytes:
        """Return its bytes, the same for the same parts."""
        value = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        return dumps(value).encode()

    @property
    def artifact(self) -> str:
        """An artifact's type (signature, SBOM, chart: manifest.md, artifacts); empty where config and layers are an image's."""
        others = [layer.media_type for layer in self.layers if not layer.media_type.startswith(LAYERS_BEGIN)]
        if self.config.media_type in CONFIGS and not others:
            return ""
        return self.artifact_type or (self.config.media_type if self.config.media_type not in CONFIGS else others[0])

    def check_image(self, name: str) -> None:
        """Raise ImageNotFound if this is an artifact's manifest, or if the layers are encrypted."""
        if kind := self.artifact:
            raise ImageNotFound(f"{name} is no image but an artifact of kind {kind[:200]!r}\n  cure: oras pull {name}")
        for layer in self.layers:
            if layer.media_type.endswith(ENCRYPTED):
                kind = layer.media_type[:200]
                raise ImageNotFound(f"{name}: its layers are encrypted, and have to be decrypted elsewhere: {kind!r}")

    def check_layers(self, config: Config, what: str) -> None:
        """Check that the config has as many layers, and that overlayfs can stack them. Raises StoreDamaged, InvalidInput."""
        if len(self.layers) != len(config.diff_ids):
            raise StoreDamaged(f"{what} has {len(self.layers)} layers, and {len(config.diff_ids)} in its config")
        if (number := len(set(config.diff_ids))) > LAYERS_MAX:
            raise InvalidInput(
                f"{what} has {number} layers, and {LAYERS_MAX} are the most: build it with fewer, or squash them"
            )

    def parts(self) -> tuple[Descriptor, ...]:
        """Return the config and the layers, each once."""
        return tuple({part.digest: part for part in (self.config, *self.layers)}.values())


def read_index(content: bytes, what: str) -> tuple[Descriptor, ...]:
    """Return the manifests that an index lists (image-index.md; Docker's manifest list). Raises StoreDamaged."""
    value = _document(content, what)
    try:
        return tuple(Descriptor.from_json(entry) for entry in value["manifests"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreDamaged(f"{what} is no image index that can be read: {error!r}") from error


def index_bytes(manifests: Sequence[Descriptor]) -> bytes:
    """Return an index of these manifests."""
    entries = [manifest.to_json() for manifest in manifests]
    return dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


def _document(content: bytes, what: str) -> dict[str, Any]:
    try:
        value = loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise StoreDamaged(f"{what} is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise StoreDamaged(f"{what} is no JSON object")
    if value.get("schemaVersion") == 1:
        raise StoreDamaged(f"{what} is of Docker's schema 1, which is given up: have the image pushed anew, by a current tool")
    return value


class Image(Record):
    """A named image: its manifest's descriptor, its layers from the lowest up, its config, and the config's descriptor."""

    name: str
    descriptor: Descriptor
    layers: tuple[Descriptor, ...]
    config: Config
    config_descriptor: Descriptor

    @property
    def id(self) -> str:
        """The image's ID: the digest of its config, which stays the same however its layers are compressed."""
        return self.config_descriptor.digest

    @property
    def size(self) -> int:
        """The bytes of its layers, as they are kept."""
        return sum(layer.size for layer in self.layers)
