"""pull: an image from its registry into the store, its layers unpacked while they come (distribution-spec, pull)."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial

from labcore.engine.progress import Progress, Work, side_by_side
from labcore.engine.streaming_unpack import Arrival
from labcore.errors import StoreDamaged
from labcore.images import Config, Descriptor, Image, ImageStore
from labcore.images.index import manifest_for
from labcore.record import Record
from labcore.registry import credentials
from labcore.registry.credentials import Credentials
from labcore.registry.mirrors import Sources
from labcore.registry.transport import Endpoint
from labcore.spec import Platform, Reference
from labcore.spec.media import INDEXES, MANIFESTS
from labcore.storage import LayerStore
from labcore.tar import Chunk

ChunksFrom = Callable[[int], Iterator[Chunk]]
CredentialsOf = Callable[[str], Credentials | None]  # by the registry's name


class Pulled(Record):
    """What a pull has ended with: the image, the digest that its name has at the registry, and whether that was news here."""

    image: Image
    digest: str
    is_newer: bool


def pull(
    store: ImageStore,
    reference: Reference,
    where: Endpoint,
    *,
    layers: LayerStore | None = None,
    platform: Platform | None = None,
    find: CredentialsOf | None = None,
    on_cancel: Callable[[Callable[[], None]], None] = lambda _: None,
) -> Generator[Progress, None, Pulled]:
    """Get an image, unpack its layers if `layers` is a place for them, and name it, saying how far it is.

    What breaks off goes on the next time; until all is there, and is what it should be, the name is not given. Of an index, the
    image for the `platform` is got, this machine's if none is said. `find` returns a registry's credentials, in place of
    docker's config.json; `on_cancel` is given the function that ends it from another thread.
    Raises RegistryError, StoreDamaged; ImageNotFound if there is none for the platform.
    """
    find = find or partial(credentials.find, repository=reference.repository)
    reference = reference.replace(tag=None) if reference.digest else reference
    with closing(Sources(where, reference.repository, find)) as client, store.using():
        on_cancel(client.stop)
        fetch_config = _surely(client, partial(_get, store, client))
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
            diff_id = unpacked[part.digest]
            if layers is None or layers.has(diff_id):
                _get(store, client, part, tell)
                return
            with Arrival(lambda open_archive: layers.add(diff_id, open_archive)) as arrival:
                _fetch(store, client, part, tell, arrival.passing)
                tell(Progress(part.digest, "unpacks", part.size, part.size))
            if not arrival.done:
                layers.add(diff_id, lambda: store.blob_path(part).open("rb"))
            tell(Progress(part.digest, "done", part.size, part.size))

        rest = []
        for part in manifest.parts():
            if (diff_id := unpacked.get(part.digest)) is None:
                continue  # the config
            if store.has_blob(part.digest, part.size) and (layers is None or layers.has(diff_id)):
                yield Progress(part.digest, "is there", part.size, part.size, diff_id=diff_id)
            else:
                yield Progress(part.digest, "waits", 0, part.size, diff_id=diff_id)
                rest.append(part)
        yield from side_by_side(rest, _surely(client, get), client.stop)
        descriptor = store.put_blob(resolved.content, resolved.descriptor.media_type)
        before = store.entries()
        store.admit(reference, descriptor)
        by_digest = reference.replace(tag=None, digest=top.digest)
        if str(by_digest) != str(reference):
            store.tag(by_digest, descriptor)
    yield Progress(descriptor.digest, "done", descriptor.size, descriptor.size)
    image = store.read(descriptor, str(reference))
    return Pulled(image, top.digest, (str(reference), descriptor) not in before)


def _fetch(
    store: ImageStore,
    client: Sources,
    part: Descriptor,
    tell: Callable[[Progress], None],
    passing: Callable[[ChunksFrom], ChunksFrom] = lambda chunks_from: chunks_from,
) -> str:
    """Fetch a blob, and return what became of it: it is `done`, or `is there` already."""

    def chunks(offset: int) -> Iterator[Chunk]:
        come = offset
        for chunk in client.blob(part.digest, part.size, offset):
            come += len(chunk)
            tell(Progress(part.digest, "comes", come, part.size))
            yield chunk

    if not store.fetch_blob(part, passing(chunks)):
        return "is there"
    tell(Progress(part.digest, "came", part.size, part.size))
    return "done"


def _get(store: ImageStore, client: Sources, part: Descriptor, tell: Callable[[Progress], None]) -> None:
    tell(Progress(part.digest, _fetch(store, client, part, tell), part.size, part.size))


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
