"""pull: an image from its registry into the store, its layers unpacked while they come (distribution-spec, pull)."""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

from labcore.engine.progress import Progress, Work, side_by_side
from labcore.engine.streaming_unpack import Arrival
from labcore.errors import StoreDamaged
from labcore.images import Config, Descriptor, ImageStore
from labcore.images.index import manifest_for
from labcore.registry import credentials
from labcore.registry.mirrors import Sources
from labcore.registry.transport import Endpoint
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEXES, MANIFESTS
from labcore.storage import LayerStore
from labcore.tar import Chunk

ChunksFrom = Callable[[int], Iterator[Chunk]]


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
