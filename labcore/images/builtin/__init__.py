"""Builtin images (`labcore seed`): built here from the machine's busybox or Debian's packages, without a registry.

Names are loaded when they are first used: who looks for a busybox needs no image.
"""

from typing import TYPE_CHECKING

from labcore.lazy import lazy_names

if TYPE_CHECKING:
    from labcore.images.builtin.busybox import seed_busybox, seed_hello_world
    from labcore.images.builtin.busybox_program import find_busybox, is_static
    from labcore.images.builtin.catalogue import SEEDS, Seed, make
    from labcore.images.builtin.layer import Entry, LayerWriter, write_image

__all__ = [
    "SEEDS",
    "Entry",
    "LayerWriter",
    "Seed",
    "find_busybox",
    "is_static",
    "make",
    "seed_busybox",
    "seed_hello_world",
    "write_image",
]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.images.builtin.busybox": ("seed_busybox", "seed_hello_world"),
        "labcore.images.builtin.busybox_program": ("find_busybox", "is_static"),
        "labcore.images.builtin.catalogue": ("SEEDS", "Seed", "make"),
        "labcore.images.builtin.layer": ("Entry", "LayerWriter", "write_image"),
    },
)
