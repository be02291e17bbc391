"""Snapshots of images, for containers whose writable layer stays."""

import json

from labcore.engine.engine import Engine
from labcore.errors import InvalidInput, NotFound
from labcore.runtime.probe import confined
from labcore.spec import CreateOptions
from labcore.storage.driver import driver
from labcore.storage.snapshots import Snapshot


def snapshot_for(engine: Engine, name: str, options: CreateOptions) -> Snapshot:
    """Return the snapshot of that name; if there is none, make it of the image. Raises InvalidInput if they do not fit."""
    try:
        there = engine.snapshots.get(name)
    except NotFound:
        if not options.image:
            raise
        try:
            return made(engine, name, options)
        except InvalidInput:
            if name not in engine.snapshots.names():
                raise
            return engine.snapshots.get(name)  # somebody else was faster
    if options.image and engine.layers_of(engine.images.find(options.image)) != list(there.layers):
        raise InvalidInput(f"snapshot {name} was made of {there.image}, and {options.image} is another image now: leave it out")
    return there


def made(engine: Engine, name: str, options: CreateOptions, *, throw_away: bool = False) -> Snapshot:
    """Make a snapshot of the options' image."""
    found = engine.images.find(options.image)
    copied = driver(engine.layers.prepared()) == "copy"
    if copied and options.userns_remap:
        raise InvalidInput("--userns-remap needs overlayfs, which this machine does not have, or LABCORE_STORAGE turns off")
    snapshot = Snapshot(
        name=name,
        layers=tuple(engine.layers_of(found)),
        image=found.name,
        config=json.dumps(found.config.to_json()),
        user_attributes=bool(options.userns_remap) or confined(),
        copied=copied,
        throw_away=throw_away,
    )
    return engine.snapshots.create(snapshot)
