"""What an image is made of: the values of the OCI image specification that the lab uses."""

from typing import Any, Final, Self

from labcore.record import Record

MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
REF_NAME: Final = "org.opencontainers.image.ref.name"

# uname's machine -> the architecture's name in images (which is Go's)
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def checked_digest(value: object) -> str:
    """Return a digest, `sha256:` and 64 hex digits. Raises ValueError for anything else: it becomes a file's name."""
    algorithm, _, encoded = str(value).partition(":")
    if algorithm != "sha256" or len(encoded) != 64 or not set(encoded) <= set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no sha256 digest")
    return str(value)


def _words(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"{value!r} is no list of strings")
    return tuple(value)


class Descriptor(Record):
    """A pointer to a blob: what it is, its digest (`sha256:` and 64 hex digits), its size in bytes (descriptor.md)."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a descriptor. Raises ValueError, TypeError or KeyError for what is none."""
        return cls(str(value["mediaType"]), checked_digest(value["digest"]), int(value["size"]))

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as it stands in manifests and indexes."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


class Config(Record):
    """How an image wants to be run (config.md): what `docker inspect` shows as its Config, and its layers' digests."""

    architecture: str
    diff_ids: tuple[str, ...]
    environment: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    workdir: str = "/"

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a config blob. Raises KeyError, TypeError, ValueError or AttributeError for what is no config."""
        run = value.get("config") or {}
        return cls(
            architecture=str(value["architecture"]),
            diff_ids=tuple(checked_digest(digest) for digest in value["rootfs"]["diff_ids"]),
            environment=_words(run.get("Env")),
            entrypoint=_words(run.get("Entrypoint")),
            command=_words(run.get("Cmd")),
            workdir=str(run.get("WorkingDir") or "/"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the config as a blob's JSON. It carries no time: the same content has the same digest."""
        run = {
            "Env": list(self.environment),
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "WorkingDir": self.workdir,
        }
        return {
            "architecture": self.architecture,
            "os": "linux",
            "config": {key: item for key, item in run.items() if item},
            "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
        }


class Image(Record):
    """A named image: its manifest's descriptor, its layers from the lowest up, its config."""

    name: str
    descriptor: Descriptor
    layers: tuple[Descriptor, ...]
    config: Config
