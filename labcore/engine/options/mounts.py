"""A container's mounts from outside: volumes, binds and tmpfs, with the volumes held as long as they are needed."""

from __future__ import annotations

from contextlib import contextmanager

from labcore.engine.create import with_mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.engine.engine import Engine
    from labcore.images import Config
    from labcore.spec import ContainerSpec, CreateOptions


@contextmanager
def mounted(engine: Engine, options: CreateOptions, spec: ContainerSpec, config: Config) -> Iterator[ContainerSpec]:
    """Yield the spec with the options' mounts, and the volumes that the image wants, which are held inside the block."""
    if not (options.mounts or config.volumes):
        yield spec
        return
    from labcore.engine.volume.volumes import attached, completed  # most containers have none

    wanted = completed(options.mounts, config.volumes)
    with attached(engine.volumes, wanted, spec.root, mapped=bool(spec.uid_map), devices=options.privileged) as mounts:
        yield with_mounts(spec, mounts)
