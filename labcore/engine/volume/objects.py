"""Volumes as objects: made, removed and pruned, with the events that say so."""

from __future__ import annotations

from contextlib import suppress

from labcore.engine.volume.local_driver import DRIVER, check_options
from labcore.errors import InUse, InvalidInput, NotFound
from labcore.storage.directories import NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from labcore.engine.engine import Engine
    from labcore.storage.volumes import Volume


def create_volume(
    engine: Engine,
    name: str | None = None,
    *,
    anonymous: bool = False,
    labels: Sequence[tuple[str, str]] = (),
    options: Mapping[str, str] | None = None,
) -> Volume:
    """Make a volume, or return the one of that name. Raises InvalidInput, StoreFull."""
    if name is not None:
        with suppress(NotFound):
            return engine.volumes.get(name)
        if not NAME.fullmatch(name):
            raise InvalidInput(
                f'create {name:.140}: "{name:.140}" includes invalid characters for a local volume name, only '
                '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path'
            )
    check_options(name or "", options or {})
    kept = None if options is None else tuple(sorted(options.items()))
    volume = engine.volumes.create(name, anonymous=anonymous, labels=labels, options=kept)
    _log(engine, volume.name, "create")
    return volume


def remove_volume(engine: Engine, name: str) -> None:
    """Remove a volume that no container has. Raises NotFound, InUse."""
    users = engine.records.volume_users().get(name)
    if users:
        raise InUse(f"remove {name}: volume is in use - [{', '.join(users)}]: remove that first")
    engine.volumes.remove(name)
    _log(engine, name, "destroy")


def prune_volumes(
    engine: Engine, *, named: bool = False, wanted: Callable[[Volume], bool] = lambda _: True
) -> tuple[list[Volume], int]:
    """Remove the `wanted` anonymous volumes that no container has, and with `named` the others too.

    Those with options stay, as docker has it: what they name is not labcore's own.
    Returns them, and the bytes on disk that they took. Raises StoreDamaged.
    """
    users, removed, size = engine.records.volume_users(), [], 0
    for volume in engine.volumes.readable():
        if (volume.anonymous or named) and not volume.options and volume.name not in users and wanted(volume):
            taken = engine.volumes.usage(volume.name)
            with suppress(InUse, NotFound):
                engine.volumes.remove(volume.name)
                removed.append(volume)
                size += taken
                _log(engine, volume.name, "destroy")
    engine.log_event("volume", "prune", "", {"reclaimed": str(size)})
    return removed, size


def _log(engine: Engine, name: str, action: str) -> None:
    engine.log_event("volume", action, name, {"driver": DRIVER})
