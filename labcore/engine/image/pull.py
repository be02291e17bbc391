"""pull: an image from its registry into the store, its layers unpacked while they come (distribution-spec, pull)."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial

from labcore.engine.image.progress import Progress, Status, Tell, Work, side_by_side
from labcore.engine.image.streaming_unpack import StreamingUnpack
from labcore.engine.spans import span
from labcore.errors import StoreDamaged
from labcore.images import Config, Descriptor, Image, ImageStore, Manifest
from labcore.images.index import Resolved, manifest_for
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
    with closing(Sources(where, reference.repository, find)) as sources, store.using():
        on_cancel(sources.stop)
        puller = _Puller(store, sources, layers, str(reference))
        offered, resolved = puller.resolve(reference.digest or reference.tag or "latest", platform or Platform.here())
        config = yield from puller.config(resolved.manifest)
        yield from puller.layers(resolved.manifest, config)
        descriptor = store.put_blob(resolved.content, resolved.descriptor.media_type)
        before = store.entries()
        with span("images: admit"):
            store.admit(reference, descriptor)
        by_digest = reference.replace(tag=None, digest=offered.digest)
        if str(by_digest) != str(reference):
            store.tag(by_digest, descriptor)
    yield Progress(descriptor.digest, "done", descriptor.size, descriptor.size)
    image = store.read(descriptor, str(reference))
    return Pulled(image, offered.digest, (str(reference), descriptor) not in before)


def _short(part: Descriptor) -> str:
    return part.digest.partition(":")[2][:12]


class _Puller:
    """The parts of one image, from where a registry's content comes (`sources`) to the store and the place for layers."""

    def __init__(self, store: ImageStore, sources: Sources, layers: LayerStore | None, name: str) -> None:
        self._store = store
        self._sources = sources
        self._layers = layers
        self._name = name  # the image's, in errors
        self._fetch_config = self._retried(self._fetched)

    def resolve(self, tag_or_digest: str, platform: Platform) -> tuple[Descriptor, Resolved]:
        """Return what the registry has under that name, a manifest or an index, and the platform's manifest."""
        with span(f"registry: manifest of {self._name}"):
            offered = self._sources.manifest(tag_or_digest)
        top = Descriptor(offered.media_type, offered.digest, len(offered.content))

        def read(part: Descriptor) -> bytes:
            if part.digest == top.digest:
                return offered.content
            if part.media_type in (*MANIFESTS, *INDEXES):
                return self._sources.manifest(part.digest).content
            self._fetch_config(part, lambda _: None)
            return self._store.blobs.read(part)

        return top, manifest_for(platform, top, read, self._name)

    def config(self, manifest: Manifest) -> Generator[Progress, None, Config]:
        """Get the config, which says what the layers unpack to. Raises StoreDamaged if it does not fit the manifest."""
        yield from side_by_side([manifest.config], self._fetch_config, self._sources.stop)
        config = Config.parse(self._store.blobs.read(manifest.config), f"{self._name}: {manifest.config.digest}")
        manifest.check_layers(config, self._name)
        return config

    def layers(self, manifest: Manifest, config: Config) -> Iterator[Progress]:
        """Get the layers that are missing, a few at a time, and unpack them."""
        diff_ids = dict(zip((layer.digest for layer in manifest.layers), config.diff_ids, strict=True))
        missing = []
        for part in manifest.parts():
            if (diff_id := diff_ids.get(part.digest)) is None:
                continue  # the config
            if self._store.has_blob(part.digest, part.size) and (self._layers is None or self._layers.has(diff_id)):
                yield Progress(part.digest, "exists", part.size, part.size, diff_id=diff_id)
            else:
                yield Progress(part.digest, "waiting", 0, part.size, diff_id=diff_id)
                missing.append(part)

        def get(part: Descriptor, tell: Tell) -> None:
            diff_id = diff_ids[part.digest]
            if self._layers is None or self._layers.has(diff_id):
                self._fetched(part, tell)
            else:
                self._unpacked(self._layers, part, diff_id, tell)

        yield from side_by_side(missing, self._retried(get), self._sources.stop)

    def _unpacked(self, layers: LayerStore, part: Descriptor, diff_id: str, tell: Tell) -> None:
        """Fetch a layer, and unpack it while it comes; if it was there in part, when it is whole."""
        unpacks = f"storage: unpack {_short(part)} as it comes"
        with span(unpacks), StreamingUnpack(lambda open_archive: layers.add(diff_id, open_archive)) as unpack:
            self._fetch(part, tell, unpack.passing)
            tell(Progress(part.digest, "extracting", part.size, part.size))
        if not unpack.done:
            layers.add(diff_id, lambda: self._store.blob_path(part).open("rb"))
        tell(Progress(part.digest, "done", part.size, part.size))

    def _fetched(self, part: Descriptor, tell: Tell) -> None:
        status: Status = "done" if self._fetch(part, tell) else "exists"
        tell(Progress(part.digest, status, part.size, part.size))

    def _fetch(
        self,
        part: Descriptor,
        tell: Tell,
        passing: Callable[[ChunksFrom], ChunksFrom] = lambda chunks_from: chunks_from,
    ) -> bool:
        """Fetch a blob into the store, and return whether anything had to come."""

        def chunks(offset: int) -> Iterator[Chunk]:
            come = offset
            for chunk in self._sources.blob(part.digest, part.size, offset):
                come += len(chunk)
                tell(Progress(part.digest, "downloading", come, part.size))
                yield chunk

        with span(f"registry: fetch {_short(part)}, {part.size} bytes"):
            is_new = self._store.fetch_blob(part, passing(chunks))
        if not is_new:
            return False
        tell(Progress(part.digest, "downloaded", part.size, part.size))
        return True

    def _retried(self, work: Work) -> Work:
        """Return work that is done anew, with what another source gives, when what came was not what was asked for."""

        def retried(part: Descriptor, tell: Tell) -> None:
            while True:
                try:
                    return work(part, tell)
                except StoreDamaged:
                    if not self._sources.doubt(part.digest):
                        raise

        return retried
