"""Incoming directories: filled before they get their name, locked by their maker, and gone if that dies before."""

from __future__ import annotations

import os
from contextlib import contextmanager

from labcore.locks import Lock, is_at
from labcore.storage.directories import remove_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Final

INCOMING: Final = ".incoming-"
OPEN: Final = os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def incoming_directory(parent: Path) -> Iterator[Path]:
    """Yield a new directory in `parent`, locked; unless it has got another name by the block's end, it goes."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        place = incoming_name(parent)
        place.mkdir(mode=0o700)
        try:
            lock = Lock(place, OPEN).acquire()
        except FileNotFoundError:
            continue  # it was not locked yet, and taken for one that a killed maker has left
        with lock:
            if not is_at(lock, place):
                continue
            try:
                yield place
            finally:
                remove_tree(place)
            return


def incoming_name(parent: Path) -> Path:
    """Return a name that nobody else draws; what has it and is locked by nobody is swept away."""
    return parent / f"{INCOMING}{os.getpid()}-{os.urandom(6).hex()}"


def sweep_incoming(parent: Path) -> None:
    """Remove the incoming directories whose makers are no more."""
    for place in parent.glob(f"{INCOMING}*"):
        try:
            lock = Lock(place, OPEN)
        except FileNotFoundError:
            continue
        with lock:
            if lock.try_acquire():
                remove_tree(place)
