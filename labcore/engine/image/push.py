"""push: an image from the store to its registry; what is there already stays where it is (distribution-spec, push)."""

from collections.abc import Callable, Generator
from contextlib import closing, suppress
from functools import partial

from labcore.engine.image.progress import Progress, Status, Tell, side_by_side
from labcore.engine.image.pull import CredentialsOf
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images import Descriptor, Image, ImageStore, Manifest
from labcore.images.compressing import compressed
from labcore.record import Record
from labcore.registry import credentials
from labcore.registry.client import Client
from labcore.registry.transport import Endpoint, Transport
from labcore.spec import Platform, Reference


class Pushed(Record):
    """What a push has ended with: the image as it was sent, whose plain layers are compressed."""

    image: Image


def push(
    store: ImageStore,
    reference: Reference,
    where: Endpoint,
    *,
    platform: Platform | None = None,
    find: CredentialsOf | None = None,
    on_cancel: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Generator[Progress, None, Pushed]:
    """Send an image to the registry of its name, saying how far it is; of an index the one for the platform.

    `find` and `on_cancel` are `pull`'s.
    Raises ImageNotFound, RegistryError.
    """
    found = (find or partial(credentials.find, repository=reference.repository))(reference.registry)
    with closing(Transport(where, found)) as transport, store.using():
        on_cancel(transport.stop)
        image = compressed(store, reference, platform)
        content = store.blobs.read(image.descriptor)
        client = Client(transport, reference.repository)
        parts = list(Manifest.parse(content, str(reference)).parts())
        near = _near(store, reference)
        unpacked = dict(zip((layer.digest for layer in image.layers), image.config.diff_ids, strict=True))
        for part in parts:
            yield Progress(part.digest, "waiting", 0, part.size, diff_id=unpacked.get(part.digest, ""))
        yield from side_by_side(
            parts, lambda part, tell: _send(store, client, part, near.get(part.digest), tell), transport.stop
        )
        client.push_manifest(reference.tag or image.descriptor.digest, content, image.descriptor.media_type)
        store.tag(reference.replace(tag=None, digest=image.descriptor.digest), image.descriptor)
    yield Progress(image.descriptor.digest, "done", len(content), len(content))
    return Pushed(image)


def _send(store: ImageStore, client: Client, part: Descriptor, source: str | None, tell: Tell) -> None:
    path = store.blob_path(part)

    def gone(size: int) -> None:
        tell(Progress(part.digest, "uploading", size, part.size))

    how = client.push_blob(part.digest, part.size, lambda: path.open("rb"), source=source, tell=gone)
    status: Status = "done" if how == "sent" else "mounted" if how == "mounted" else "exists"
    tell(Progress(part.digest, status, part.size, part.size, source or ""))


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
