"""Volumes as objects: made, removed and pruned, with the events that say so; and the options of docker's driver `local`."""

from __future__ import annotations

import os
from contextlib import suppress

from labcore.errors import InUse, InvalidInput, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.storage.volumes import Volume

DRIVER: Final = "local"
OPTIONS: Final = ("type", "o", "device", "size")  # of the driver
BIND: Final = ("bind", "rbind", "rw")  # words of `o` that mean what is done anyway


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
    check_options(name or "", options or {})
    kept = None if options is None else tuple(sorted(options.items()))
    volume = engine.volumes.create(name, anonymous=anonymous, labels=labels, options=kept)
    _log(engine, volume.name, "create")
    return volume


def check_options(name: str, options: Mapping[str, str]) -> None:
    """Refuse options of the driver that cannot be carried out: only a directory of the host is mounted as a volume.

    Raises InvalidInput.
    """
    for option in options:
        if option not in OPTIONS:
            raise InvalidInput(f'create {name}: invalid option: "{option:.80}"')
    if "size" in options:
        raise InvalidInput(f"create {name}: quota size requested but no quota support")
    for option in ("device", "type") if options else ():
        if not options.get(option):
            raise InvalidInput(f'create {name}: missing required option: "{option}"')
    if not options:
        return
    words = options.get("o", "").split(",")
    unknown = [word for word in words if word and word not in BIND]
    if options["type"] not in ("none", "bind") or not {"bind", "rbind"} & {*words} or unknown:
        asked = f"type={options['type']}" + (f", o={options['o']}" if options.get("o") else "")
        raise InvalidInput(
            f"create {name}: {asked}: file systems are not mounted as volumes here, but for a directory of the host: mount it "
            "yourself, and use type=none, o=bind, device=DIRECTORY; or mount a tmpfs with --tmpfs"
        )
    if not os.path.isabs(options["device"]):  # noqa: PTH117
        raise InvalidInput(f"create {name}: device {options['device']:.80}: write it as an absolute path")


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

    Those with options stay, as docker has it: they are not more than a name for a directory of the host.
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
