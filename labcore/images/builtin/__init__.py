"""Images made on the spot: from this machine's busybox, or from its distribution's packages. No registry is needed."""

from labcore.images.builtin.busybox import find_busybox, is_static, seed_busybox, seed_hello_world
from labcore.images.builtin.catalogue import SEEDS, Seed, make
from labcore.images.builtin.layer import Entry, LayerWriter
from labcore.images.builtin.writing import write_image

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
