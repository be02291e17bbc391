"""A statically linked busybox of this machine."""

import shutil
from pathlib import Path
from typing import Final

from labcore.elf import HEAD_SIZE, read_program
from labcore.errors import Unavailable

BUSYBOX_PLACES: Final = ("/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox", "/sbin/busybox")


def find_busybox() -> str:
    """Return the path of a statically linked busybox. Raises Unavailable, naming the package that has one."""
    places = [*BUSYBOX_PLACES, shutil.which("busybox") or ""]
    for place in places:
        if place and Path(place).is_file() and is_static(Path(place)):
            return place
    raise Unavailable("no statically linked busybox on this machine: apt-get install busybox-static")


def is_static(path: Path) -> bool:
    """Is this program statically linked?"""
    with path.open("rb") as file:
        program = read_program(file.read(HEAD_SIZE))
    return program is not None and program.loader is None
