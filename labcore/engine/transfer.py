"""pull and push: images between a registry and the store, the only place where those two rooms meet."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from labcore.engine.progress import Progress, Work, side_by_side
from labcore.engine.streaming_unpack import Arrival
from labcore.errors import ImageNotFound, StoreDamaged
from labcore.images import Config, Descriptor, ImageStore, Manifest
from labcore.images.compressing import compressed
from labcore.images.index import manifest_for
from labcore.registry import credentials
from labcore.registry.client import Client
from labcore.registry.mirrors import Sources
from labcore.registry.registries import configured_endpoint
from labcore.registry.transport import Endpoint, Transport
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEXES, MANIFESTS
from labcore.storage import LayerStore
from labcore.tar import Chunk

ChunksFrom = Callable[[int], Iterator[Chunk]]


def endpoint(
    reference: Reference, *, insecure: bool | None = None, authority: Path | None = None, root: Path | None = None
) -> Endpoint:  # fmt: skip
    """Return where an image's registry is, as `registries.toml` below a state root says; what is given here overrules it.

    One on this machine's loopback is spoken to without TLS, unless told otherwise.
    """
    return configured_endpoint(reference.registry, root and root / "registries.toml", insecure=insecure, authority=authority)


def pull(
    store: ImageStore,
    reference: Reference,
    where: Endpoint,
    *,
    layers: LayerStore | None = None,
    platform: Platform | None = None,
) -> Iterator[Progress]:
    """Get an image, unpack its layers if `layers` is a place for them, and name it, saying how far it is.

    What breaks off goes on the next time; until all is there, and is what it should be, the name is not given. Of an index, the
    image for the `platform` is got, this machine's if none is said.
    Raises RegistryError, StoreDamaged; ImageNotFound if there is none for the platform.
    """
    find = partial(credentials.find, repository=reference.repository)
    with closing(Sources(where, reference.repository, find)) as client, store.using():
        fetch_config = _surely(client, lambda part, tell: _fetch(store, client, part, tell))
        offered = client.manifest(reference.digest or reference.tag or "latest")
        top = Descriptor(offered.media_type, offered.digest, len(offered.content))

        def read(part: Descriptor) -> bytes:
            if part.digest == top.digest:
                return offered.content
            if part.media_type in (*MANIFESTS, *INDEXES):
                return client.manifest(part.digest).content
            fetch_config(part, lambda _: None)
            return store.blobs.read(part)

        resolved = manifest_for(platform or Platform.here(), top, read, str(reference))
        manifest = resolved.manifest
        yield from side_by_side([manifest.config], fetch_config, client.stop)
        config = Config.parse(store.blobs.read(manifest.config), f"{reference}: {manifest.config.digest}")
        manifest.check_layers(config, str(reference))
        unpacked = dict(zip((layer.digest for layer in manifest.layers), config.diff_ids, strict=True))

        def get(part: Descriptor, tell: Callable[[Progress], None]) -> None:
            if layers and not layers.has(diff_id := unpacked[part.digest]):
                with Arrival(lambda open_archive: layers.add(diff_id, open_archive)) as arrival:
                    _fetch(store, client, part, tell, arrival.passing)
                if not arrival.done:
                    layers.add(diff_id, lambda: store.blob_path(part).open("rb"))
            else:
                _fetch(store, client, part, tell)

        rest = [part for part in manifest.parts() if part != manifest.config]
        yield from side_by_side(rest, _surely(client, get), client.stop)
        descriptor = store.put_blob(resolved.content, resolved.descriptor.media_type)
        store.admit(reference, descriptor)
    yield Progress(descriptor.digest, "done", descriptor.size, descriptor.size)


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


def _fetch(
    store: ImageStore,
    client: Sources,
    part: Descriptor,
    tell: Callable[[Progress], None],
    passing: Callable[[ChunksFrom], ChunksFrom] = lambda chunks_from: chunks_from,
) -> None:
    def chunks(offset: int) -> Iterator[Chunk]:
        come = offset
        for chunk in client.blob(part.digest, part.size, offset):
            come += len(chunk)
            tell(Progress(part.digest, "comes", come, part.size))
            yield chunk

    got = store.fetch_blob(part, passing(chunks))
    tell(Progress(part.digest, "done" if got else "is there", part.size, part.size))


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


def _surely(client: Sources, work: Work) -> Work:
    """Return work that is done anew, with what another source gives, when what came was not what was asked for."""

    def surely(part: Descriptor, tell: Callable[[Progress], None]) -> None:
        while True:
            try:
                return work(part, tell)
            except StoreDamaged:
                if not client.doubt(part.digest):
                    raise

    return surely
