"""Caches that images carry: their configs say which keys their layers have (`--cache-from`, `--cache-to`)."""

from __future__ import annotations

from labcore.engine.build_cache import CacheRecord
from labcore.engine.image.jobs import push_image
from labcore.errors import InvalidInput, LabcoreError
from labcore.images import Config
from labcore.spec import Reference
from labcore.timestamps import now

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from labcore.builder.bases import Bases
    from labcore.builder.state import State
    from labcore.engine.engine import Engine
    from labcore.engine.image.jobs import OnCancel
    from labcore.engine.image.progress import Progress
    from labcore.engine.image.pull import CredentialsOf
    from labcore.images import Image

REFERENCE = "ref="


def imported(bases: Bases, names: Iterable[str], warn: Callable[[str], None]) -> dict[str, CacheRecord]:
    """Return the records of the layers that images offer, by their keys; an image that cannot be had is warned of."""
    found: dict[str, CacheRecord] = {}
    for name in names:
        try:
            image = bases.image(reference_in(name), None, lambda _: None)
        except LabcoreError as error:
            warn(f"importing cache from {name}: {error}")
            continue
        found |= {record.key: record for record in _records(image)}
    return found


def _records(image: Image) -> Iterator[CacheRecord]:
    config = image.config
    made_by = [entry for entry in config.history if not entry.empty_layer]
    said = zip(config.cache_keys, image.layers, config.diff_ids, strict=False)
    for place, (key, layer, diff_id) in enumerate(said):
        if key:
            entry = made_by[place] if place < len(made_by) else None
            yield CacheRecord(
                key=key,
                parent_key="",
                layer=layer,
                diff_id=diff_id,
                description=entry.created_by if entry else f"of {image.name}",
                created=entry.created if entry else config.created,
                size=layer.size,
            )


def reference_in(text: str) -> str:
    """Return the image that `--cache-from` or `--cache-to` names: itself, or `type=registry,ref=IMAGE`. Raises InvalidInput."""
    if "=" not in text:
        return text
    pairs = dict(part.partition("=")[::2] for part in text.split(","))
    if pairs.get("type", "registry") != "registry" or not pairs.get("ref"):
        raise InvalidInput(f"cache {text}: type=registry,ref=IMAGE is wanted; for --cache-to also type=inline")
    return pairs["ref"]


def export(
    engine: Engine, text: str, states: Iterable[State], *, find: CredentialsOf, on_cancel: OnCancel
) -> Iterator[Progress]:
    """Push the layers of stages as an image that a later build can take them from. Raises InvalidInput, RegistryError."""
    reference = Reference.parse(reference_in(text))
    layers = {
        key: (layer, diff_id, entry)
        for state in states
        for key, layer, diff_id, entry in zip(
            state.keys,
            state.layers,
            state.config.diff_ids,
            [entry for entry in state.config.history if not entry.empty_layer],
            strict=False,
        )
        if key
    }
    some = next(iter(states)).config
    config = Config(
        some.architecture,
        tuple(diff_id for _, diff_id, _ in layers.values()),
        os=some.os,
        history=tuple(entry for _, _, entry in layers.values()),
        cache_keys=tuple(layers),
    )
    engine.images.put_image(reference, [layer for layer, _, _ in layers.values()], config, at=now())
    yield from push_image(engine, reference, platform=None, find=find, on_cancel=on_cancel)
