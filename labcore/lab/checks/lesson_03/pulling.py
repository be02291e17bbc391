"""Check of `pull`: an image from an honest registry, and from registries that lie about one part of it."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from labcore.engine.image.endpoint import endpoint
from labcore.engine.image.pull import pull as engine_pull
from labcore.engine.image.push import push as engine_push
from labcore.images import Descriptor, ImageStore
from labcore.lab.checks.drawn_images import descriptors, make_image, store_of
from labcore.lab.checks.image_claims import SHOWN
from labcore.lab.checks.scenario import Draw, Scenario
from labcore.lab.checks.tripwires import Target
from labcore.lab.checks.verdict import Claim, equal
from labcore.lab.messages import say
from labcore.lab.registries import LessonRegistry
from labcore.registry.client import Client
from labcore.registry.mirrors import Sources
from labcore.registry.transport import Transport
from labcore.spec import Reference

PULLING: Final[tuple[Target, ...]] = (engine_pull, engine_push, Client, Transport, Sources)


@contextmanager
def _registries(draw: Draw) -> Iterator[None]:
    """Serve the image that was drawn: by an honest registry, and by one that lies about one part of it, another each time."""
    source = Path(draw.root, "source")
    with LessonRegistry(Path(draw.root, "registry")) as honest:
        name = Reference.parse(f"{honest.address}/{draw.hostname}/app:{draw.mark}")
        manifest = make_image(source, draw, str(name))
        for _ in engine_push(ImageStore(source), name, endpoint(name)):
            pass
        honest.access_log()
        draw.keep("pushed", (honest, manifest, ImageStore(source).get(name).descriptor.digest))
        tampering = [honest.tampering(part.digest) for part in descriptors(manifest)]
        try:
            for store in (store_of(draw), *_other_stores(draw, len(tampering))):
                (store / "blobs" / "sha256").mkdir(parents=True)
            _bare_store(draw).mkdir()
            draw.hand_in("pull", [name.repository, name.tag, [server.url for server in (honest, *tampering)]])
            yield
        finally:
            for each in tampering:
                each.close()


def _other_stores(draw: Draw, count: int) -> list[Path]:
    """Return where what comes from each registry that lies is to be put."""
    return [Path(draw.root, f"store{number}") for number in range(count)]


def _bare_store(draw: Draw) -> Path:
    """Return a store that has no directory for blobs."""
    return Path(draw.root, "bare")


def _perform_pull(mine: ModuleType, draw: Draw) -> dict[str, Any]:
    repository, tag, (honest, *tampering) = draw.handed_in("pull")
    returned = mine.pull(honest, repository, tag, str(store_of(draw)))
    refused = []
    for url, store in zip(tampering, _other_stores(draw, len(tampering)), strict=True):
        try:
            mine.pull(url, repository, tag, str(store))
            refused.append("")
        except Exception as error:
            refused.append(type(error).__name__)
    with suppress(Exception):  # there is no place for blobs: an error is as good as making one
        mine.pull(honest, repository, tag, str(_bare_store(draw)))
    return {"manifest": returned, "refused": refused}


def _conclude_pull(returned: Any, draw: Draw) -> Iterator[Claim]:
    honest, manifest, digest = draw.kept("pushed")
    asked = [row.request for row in honest.access_log().rows]
    yield Claim(say("the manifest was asked for by its tag"), any(draw.mark in request for request in asked))
    yield Claim(say("the manifest came back"), returned["manifest"] == manifest)
    parts = descriptors(manifest)
    missing = _missing(store_of(draw), parts)
    yield Claim(say("config and layers lie in the store, each under its digest"), not missing, " ".join(missing))
    yield from _named(draw, digest)
    yield from _refused(draw, returned["refused"])
    named = list(ImageStore(_bare_store(draw)).names()) if _missing(_bare_store(draw), parts) else []
    yield Claim(say("nor where its parts could not be kept"), not named, " ".join(named))


def _missing(store: Path, parts: Iterable[Descriptor]) -> list[str]:
    """Return the parts of an image that are not in a store, as the beginnings of their digests."""
    blobs = store / "blobs" / "sha256"
    return [part.digest[7 : 7 + SHOWN] for part in parts if _digest_of(blobs / part.digest[7:]) != part.digest]


def _named(draw: Draw, digest: str) -> Iterator[Claim]:
    name = str(Reference.parse(f"{draw.hostname}/app:{draw.mark}"))
    known = {name: descriptor.digest for name, descriptor in ImageStore(store_of(draw)).entries() if name}
    yield Claim(say("the image has its name there, {name}", name=name), name in known, " ".join(known) or say("none"))
    if name in known:
        yield equal(say("the digest of the manifest that has that name"), str(digest), str(known[name]))


def _refused(draw: Draw, refused: list[str]) -> Iterator[Claim]:
    for number, what in enumerate((say("the config"), say("the lowest layer"), say("a layer"), say("the topmost layer"))):
        yield Claim(say("{what}: other bytes than were asked for are refused", what=what), refused[number] != "")
    stores = _other_stores(draw, len(refused))
    wrong = [path for store in stores for path in _falsely_named(store)]
    yield Claim(say("and not kept"), not wrong, " ".join(path.name[:SHOWN] for path in wrong[:3]))
    named = [name for store in stores for name in ImageStore(store).names()]
    yield Claim(say("nor has an image a name there whose parts did not all come"), not named, " ".join(named[:1]))


def _falsely_named(store: Path) -> list[Path]:
    return [path for path in (store / "blobs" / "sha256").iterdir() if _digest_of(path) != f"sha256:{path.name}"]


def _digest_of(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else ""


PULL = Scenario(_perform_pull, None, _conclude_pull, None, prepare=_registries, forbidden=PULLING)
