"""A container's mounts from outside: volumes, binds and tmpfs, with the volumes held as long as they are needed."""

from __future__ import annotations

from contextlib import contextmanager

from labcore.engine.create import with_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from labcore.engine.engine import Engine
    from labcore.images import Config
    from labcore.spec import ContainerSpec, CreateOptions, Mount


@contextmanager
def mounted(engine: Engine, options: CreateOptions, spec: ContainerSpec, config: Config) -> Iterator[ContainerSpec]:
    """Yield the spec with the options' mounts, and the volumes that the image wants, which are held inside the block."""
    if not (options.mounts or config.volumes):
        yield spec
        return
    from labcore.engine.volume.volumes import attached, completed  # most containers have none

    wanted = completed(options.mounts, config.volumes)
    with (
        _named(engine, wanted) as named,
        attached(
            engine.volumes, engine.records, named, spec.root, mapped=bool(spec.uid_map), devices=options.privileged
        ) as mounts,
    ):
        yield with_mounts(spec, mounts)


@contextmanager
def _named(engine: Engine, mounts: Sequence[Mount]) -> Iterator[Sequence[Mount]]:
    """Yield mounts whose volumes have names. Those drawn here are gone after the block, also if its process is killed."""
    from labcore.engine.records.ids import new_id
    from labcore.engine.volume.volumes import with_drawn_names

    named = with_drawn_names(mounts)
    drawn = [each.source for each in named if each not in mounts]
    if not drawn:
        yield named
        return
    engine.container_dirs.sweep()
    with engine.container_dirs.temporary(new_id(), drawn):
        for name in drawn:
            engine.volumes.create(name, anonymous=True)
        yield named
