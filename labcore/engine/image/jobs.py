"""Image jobs: pull, push, tag, load, save and import as the daemon's clients ask for them, with their events."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import BinaryIO

from labcore.engine.engine import Engine
from labcore.engine.image.archives import import_root, load
from labcore.engine.image.events import log_image_event
from labcore.engine.image.local_images import local_image, local_images
from labcore.engine.image.progress import Progress
from labcore.engine.image.pull import CredentialsOf, Pulled, pull
from labcore.engine.image.push import Pushed, push
from labcore.engine.image.registry_messages import in_dockers_words
from labcore.engine.prune import collected_on_failure
from labcore.errors import ImageNotFound, InvalidInput, StoreFull
from labcore.images import Config, Image
from labcore.images.archive.reading import ArchivedImage
from labcore.images.archive.writing import archive_chunks
from labcore.registry.mirrors import Sources
from labcore.spec import Platform, Reference
from labcore.timestamps import now

OnCancel = Callable[[Callable[[], None]], None]


def name_of(reference: Reference) -> str:
    """Return a reference without tag and digest, as it is shown: docker's familiar name."""
    return str(reference.replace(tag=None, digest=None))


def pull_image(
    engine: Engine, reference: Reference, *, platform: Platform | None, find: CredentialsOf, on_cancel: OnCancel
) -> Generator[Progress, None, Pulled]:
    """Pull and unpack an image: `labcore.engine.image.pull`. What the registry refuses is raised in docker's words.

    The next try goes on where this one fails, unless it was for want of room.
    """
    with in_dockers_words(reference), collected_on_failure(engine, StoreFull):
        pulled = yield from pull(
            engine.images,
            reference,
            engine.endpoint(reference.registry),
            layers=engine.layers,
            platform=platform,
            find=find,
            on_cancel=on_cancel,
        )
    log_image_event(engine, pulled.image, "pull", id=str(reference), name=name_of(reference))
    return pulled


def tags_of(engine: Engine, reference: Reference, find: CredentialsOf) -> list[Reference]:
    """Return a reference for each tag of a repository at its registry. Raises ImageNotFound, RegistryError."""
    sources = Sources(engine.endpoint(reference.registry), reference.repository, find)
    with closing(sources) as client, in_dockers_words(reference):
        return [reference.replace(tag=tag) for tag in client.tags()]


def pushable(engine: Engine, reference: Reference) -> list[Reference]:
    """Return what a push of a reference means: itself, or without a tag all tags of its repository. Raises ImageNotFound."""
    tags = [tag for local in local_images(engine.images).values() for tag in local.tags]
    mine = [each for each in map(Reference.parse, tags) if name_of(each) == name_of(reference)]
    if not mine:
        raise ImageNotFound(f"An image does not exist locally with the tag: {name_of(reference)}")
    if reference.tag is None:
        return mine
    if reference not in mine:
        raise ImageNotFound(f"tag does not exist: {reference}")
    return [reference]


def push_image(
    engine: Engine, reference: Reference, *, platform: Platform | None, find: CredentialsOf, on_cancel: OnCancel
) -> Generator[Progress, None, Pushed]:
    """Push an image: `labcore.engine.image.push`. Raises what that raises, Unauthorized in docker's words."""
    with in_dockers_words(reference):
        return (
            yield from push(
                engine.images,
                reference,
                engine.endpoint(reference.registry),
                platform=platform,
                find=find,
                on_cancel=on_cancel,
            )
        )


def log_push(engine: Engine, reference: Reference) -> None:
    """Publish that a reference was pushed, or all tags of its repository."""
    image = local_image(engine.images, str(pushable(engine, reference)[0])).image
    log_image_event(engine, image, "push", id=str(reference), name=name_of(reference))


def tag_image(engine: Engine, text: str, reference: Reference) -> None:
    """Give an image another name. Raises ImageNotFound, InvalidInput."""
    if reference.digest:
        raise InvalidInput("cannot import digest reference")
    if str(reference).startswith("sha256:"):  # which would be read as an ID
        raise InvalidInput("refusing to create an ambiguous tag using digest algorithm as name")
    local = local_image(engine.images, text)
    engine.images.tag(reference, local.image.descriptor, at=now())
    log_image_event(engine, local.image, "tag", name=str(reference))


def load_images(
    engine: Engine, source: BinaryIO, *, platform: Platform | None = None
) -> tuple[Sequence[ArchivedImage], list[Image]]:
    """Load an archive's images: `labcore.engine.image.archives.load`; return them, and those of them that were not here."""
    here = local_images(engine.images).keys()
    with collected_on_failure(engine):
        loaded = load(engine.images, source, platform=platform, layers=engine.layers)
    for entry in loaded:
        log_image_event(engine, entry.images[0], "load")
    return loaded, [image for entry in loaded for image in entry.images[:1] if image.id not in here]


def save_images(engine: Engine, names: Sequence[str], *, platform: Platform | None = None) -> Iterator[bytes]:
    """Yield the bytes of an archive; a name without a tag means all images that bear it. Raises ImageNotFound, StoreDamaged."""
    everything = local_images(engine.images)
    selected = [name for text in names for name in _meant(text, (tag for local in everything.values() for tag in local.tags))]
    for image in [local_image(engine.images, name, platform).image for name in selected]:
        log_image_event(engine, image, "save")
    yield from archive_chunks(engine.images, selected, platform=platform)


def _meant(text: str, tags: Iterable[str]) -> list[str]:
    try:
        reference = Reference.parse(text)
    except InvalidInput:  # an ID
        return [text]
    if reference.digest or text.endswith(f":{reference.tag}"):
        return [text]
    return [tag for tag in tags if name_of(Reference.parse(tag)) == name_of(reference)] or [text]


def import_image(
    engine: Engine,
    source: BinaryIO,
    what: str,
    *,
    name: Reference | None,
    settings: Callable[[Config], Config],
    message: str,
    platform: Platform | None,
) -> Image:
    """Make an image of a root file system's archive: `labcore.engine.image.archives.import_root`."""
    with collected_on_failure(engine):
        image = import_root(
            engine.images,
            source,
            what,
            name=name,
            settings=settings,
            message=message,
            platform=platform,
            layers=engine.layers,
        )
    if name:
        log_image_event(engine, image, "tag", name=str(name))
    log_image_event(engine, image, "import")
    return image
