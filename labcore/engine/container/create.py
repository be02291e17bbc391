"""create: a container with its record, its directory, its upper directory and its volumes, all of them or none."""

import os
from contextlib import ExitStack, suppress
from typing import Final

from labcore.disk_space import room_for
from labcore.engine.container.events import log_container_event
from labcore.engine.container.links import named_container, resolved_links
from labcore.engine.container.state import upper_of
from labcore.engine.engine import BARE, Engine
from labcore.engine.records.ids import new_id
from labcore.engine.records.names import drawn_name
from labcore.engine.records.records import Container
from labcore.engine.spans import span
from labcore.engine.volume.objects import create_volume
from labcore.errors import InUse, InvalidInput, NotFound
from labcore.options.mounts import volumes_from
from labcore.spec import CreateOptions, Mount
from labcore.spec.network import EndpointOptions
from labcore.timestamps import now

NAMES_TRIED: Final = 20
HEXADECIMAL: Final = frozenset("0123456789abcdef")  # the digits of IDs


def create(engine: Engine, options: CreateOptions) -> Container:
    """Make a container, which is there whole or not at all, and return it. It is not started.

    Raises InUse if its name is another's; InvalidInput, ImageNotFound, StoreDamaged, StoreFull.
    """
    engine.container_dirs.sweep()
    inherited = _inherited(engine, options)
    options = options.replace(links=resolved_links(engine, options.links)) if options.links else options
    options = options.replace(networks=tuple(_by_name(engine, each) for each in options.networks))
    made = _described(engine, options, inherited)
    if options.auto_remove and options.restart.name != "no":
        raise InvalidInput("can't create 'AutoRemove' container with restart policy")
    drawn = sorted(set(made.anonymous_volumes()) - {mount.source for mount in inherited})
    with ExitStack() as held:  # until its record says what it needs
        held.enter_context(room_for(f"container {made.name or made.id[:12]}", engine.root))
        held.enter_context(engine.layers.using())
        held.enter_context(engine.container_dirs.made(made.id, drawn))
        if options.image:
            with span("images: find"):
                image = engine.images.find(options.image)
            with span("storage: layers"):
                made = made.replace(layers=tuple(engine.layers_of(image)))
            with span("storage: create the upper directory"):
                engine.uppers.create(upper_of(made))
        _check(engine, made)
        for mount in made.mounts:
            if mount.kind == "volume":
                with span(f"storage: volume {mount.source}"):
                    volume = create_volume(
                        engine,
                        mount.source,
                        anonymous=mount.source in drawn,
                        labels=mount.labels,
                        options=dict(mount.driver_options) or None,
                    )
                held.enter_context(engine.volumes.use(volume))
        with span("records: add"):
            made = _named(engine, made)
    log_container_event(engine, made, "create")
    return made


def _check(engine: Engine, made: Container) -> None:
    """Refuse options that no start could carry out. Raises InvalidInput, Unavailable, NotFound."""
    from labcore.engine.container.holding import root_of, spec_of
    from labcore.engine.volume.volumes import check_source

    for mount in made.options.mounts:
        if mount.kind == "bind":
            check_source(mount)
    for wanted in made.options.networks:
        if wanted.ipv4 or wanted.ipv6:
            with suppress(NotFound):  # it may yet be made, before a start
                engine.networks.check(wanted)
    made = made.replace(options=made.options.replace(devices=()))  # they may yet come, before a start
    spec_of(engine, made, root_of(engine, made), lambda _, name: named_container(engine, name).state.pid)


def _by_name(engine: Engine, wanted: EndpointOptions) -> EndpointOptions:
    """Return what is wanted of a network with that one's name, if it is called by its ID and is there."""
    if not HEXADECIMAL.issuperset(wanted.network):
        return wanted
    with suppress(NotFound):
        return wanted.replace(network=engine.networks.find(wanted.network).wanted.name)
    return wanted


def _inherited(engine: Engine, options: CreateOptions) -> tuple[Mount, ...]:
    """Return the mounts of the containers that `volumes_from` names, but for places where the options mount something."""
    taken = {os.path.normpath(mount.target) for mount in options.mounts}
    found: dict[str, Mount] = {}
    for text in options.volumes_from:
        name, is_read_only = volumes_from(text)
        for mount in named_container(engine, name).mounts:
            if mount.kind != "tmpfs" and os.path.normpath(mount.target) not in taken:
                found[os.path.normpath(mount.target)] = mount.replace(read_only=mount.read_only or is_read_only, mode="")
    return tuple(found.values())


def _described(engine: Engine, options: CreateOptions, inherited: tuple[Mount, ...]) -> Container:
    from labcore.engine.volume.volumes import completed, with_drawn_names, with_propagation
    from labcore.runtime.probe import confined
    from labcore.storage.driver import driver

    made = Container(new_id(), options.name, now(), options, BARE)
    wanted = (*(with_propagation(each, engine.root) for each in options.mounts), *inherited)
    if options.rootfs:
        return made.replace(mounts=with_drawn_names(completed(wanted, ())))
    found = engine.images.find(options.image)
    copied = driver(engine.layers.prepared()) == "copy"
    if copied and options.userns_remap:
        raise InvalidInput("--userns-remap needs overlayfs, which this machine does not have, or LABCORE_STORAGE turns off")
    return made.replace(
        image=options.image,
        image_id=found.id,
        config=found.config,
        mounts=with_drawn_names(completed(wanted, found.config.volumes)),
        copied=copied,
        user_attributes=bool(options.userns_remap) or confined(),
    )


def _named(engine: Engine, made: Container) -> Container:
    """Add the record, under a name that nobody has if none was asked for."""
    if made.name:
        engine.records.add(made)
        return made
    for attempt in range(NAMES_TRIED):
        with suppress(InUse):
            engine.records.add(named := made.replace(name=drawn_name(attempt)))
            return named
    engine.records.add(named := made.replace(name=made.id[:12]))
    return named
