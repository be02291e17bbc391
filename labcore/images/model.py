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


class Descriptor(Record):
    """A pointer to a blob: what it is, its digest (`sha256:` and 64 hex digits), its size in bytes (descriptor.md)."""

    media_type: str
    digest: str
    size: int

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read a descriptor. Raises ValueError for a digest that is no sha256, for it becomes a file name."""
        digest = str(value["digest"])
        algorithm, _, encoded = digest.partition(":")
        if algorithm != "sha256" or len(encoded) != 64 or not set(encoded) <= set("0123456789abcdef"):
            raise ValueError(f"{digest!r} is no sha256 digest")
        return cls(str(value["mediaType"]), digest, int(value["size"]))

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
        """Read a config blob. Raises KeyError, TypeError or ValueError for what is no config."""
        run = value.get("config") or {}
        return cls(
            architecture=str(value["architecture"]),
            diff_ids=tuple(str(digest) for digest in value["rootfs"]["diff_ids"]),
            environment=tuple(run.get("Env") or ()),
            entrypoint=tuple(run.get("Entrypoint") or ()),
            command=tuple(run.get("Cmd") or ()),
            workdir=run.get("WorkingDir") or "/",
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
