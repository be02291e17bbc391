"""Builtin images (`labcore seed`): built here from the machine's busybox or Debian's packages, without a registry."""

from labcore.images.builtin.busybox import find_busybox, is_static, seed_busybox, seed_hello_world
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
