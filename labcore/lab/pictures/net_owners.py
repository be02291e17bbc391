"""Owners of networks that are drawn: this machine's engine, a lesson's daemon, the miniature daemon, the lab host."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from labcore.engine import Engine
from labcore.lab.daemons import RunningDaemon
from labcore.lab.miniature.serving import Served
from labcore.lab.pictures.net_namespaces import below, connected

Owner: TypeAlias = RunningDaemon | Served | int
Found = list[tuple[int, str]]


def owned(of: Owner | None) -> tuple[Engine, int | None, Callable[[], Found]]:
    """Return the engine, the process whose namespace stands for the host's (None: the engine's), how all containers are found.

    Each is a process with its name. Raises NotFound.
    """
    if isinstance(of, int):
        return Engine(), of, list
    if isinstance(of, Served):
        host, found = below(of.pid)
        return Engine(), host, lambda: found
    engine = Engine(Path(of.root)) if of else Engine()
    return engine, None, partial(connected, engine)
