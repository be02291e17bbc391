"""push: an image from the store to its registry; what is there already stays where it is (distribution-spec, push)."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress

from labcore.engine.progress import Progress, side_by_side
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images import Descriptor, ImageStore, Manifest
from labcore.images.compressing import compressed
from labcore.registry import credentials
from labcore.registry.client import Client
from labcore.registry.transport import Endpoint, Transport
from labcore.spec import Reference


def push(store: ImageStore, reference: Reference, where: Endpoint) -> Iterator[Progress]:
    """Send an image to the registry of its name, saying how far it is. Raises ImageNotFound, RegistryError."""
    found = credentials.find(reference.registry, repository=reference.repository)
    with closing(Transport(where, found)) as transport, store.using():
        image = compressed(store, reference)
        content = store.blobs.read(image.descriptor)
        client = Client(transport, reference.repository)
        parts = list(Manifest.parse(content, str(reference)).parts())
        near = _near(store, reference)
        yield from side_by_side(
            parts, lambda part, tell: _send(store, client, part, near.get(part.digest), tell), transport.stop
        )
        client.push_manifest(reference.tag or image.descriptor.digest, content, image.descriptor.media_type)
    yield Progress(image.descriptor.digest, "done", len(content), len(content))


def _send(
    store: ImageStore, client: Client, part: Descriptor, source: str | None, tell: Callable[[Progress], None]
) -> None:  # fmt: skip
    path = store.blob_path(part)

    def gone(size: int) -> None:
        tell(Progress(part.digest, "goes", size, part.size))

    how = client.push_blob(part.digest, part.size, lambda: path.open("rb"), source=source, tell=gone)
    tell(Progress(part.digest, "done" if how == "sent" else "is there", part.size, part.size))


def _near(store: ImageStore, reference: Reference) -> dict[str, str]:
    """Return in which other repository of the registry a blob may be: by its digest, a repository with an image that has it."""
    found: dict[str, str] = {}
    for other in map(Reference.parse, store.names()):
        if other.registry == reference.registry and other.repository != reference.repository:
            with suppress(ImageNotFound, StoreDamaged):
                image = store.get(other)
                for part in (image.config_descriptor, *image.layers):
                    found[part.digest] = other.repository
    return found
