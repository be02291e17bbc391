"""RUN --mount: cache, bind, tmpfs and secret, as mounts of the step's container."""

from __future__ import annotations

from labcore.record import Record
from labcore.spec import MountPoint


class PreparedMount(Record):
    """A mount that is ready, as long as who has prepared it holds it; `environment` are lines that come with it."""

    point: MountPoint
    environment: tuple[str, ...] = ()
