"""Cgroups of a learner's stages in a daemon: containers are in them, and outlive it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.runtime.cgroups import Cgroup

VARIABLE: Final = "LABCORE_CGROUP"  # below which `labcore.lab.cgroup` makes cgroups, and removes none


@contextmanager
def stage_cgroups(daemon_id: str) -> Iterator[None]:
    """Have the cgroups that stages make lie in one of the daemon's; at the end those go in which no container is."""
    home = _home(daemon_id)
    with suppress(PermissionError):  # an ordinary user's stages are told so when they make one
        home.make()
    os.environ[VARIABLE] = home.path
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        remove_stage_cgroups(daemon_id)


def remove_stage_cgroups(daemon_id: str) -> None:
    """Remove those of a daemon's in which no container is; once it has ended, too, and its containers have gone."""
    for directory in _home(daemon_id).entrances():
        _remove_empty(Path(directory))


def _home(daemon_id: str) -> Cgroup:
    return Cgroup.near_own(f"labcore-stages-{daemon_id}")


def _remove_empty(directory: Path) -> None:
    for each in (*directory.glob("*/"), directory):
        with suppress(OSError):  # EBUSY: a container runs in it
            each.rmdir()
