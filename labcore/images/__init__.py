"""References, the content store, manifests, seeds. Needs neither root nor the C extension."""

from labcore.images.model import Config, Descriptor, Image
from labcore.images.seeds import find_busybox, seed_busybox, seed_hello_world
from labcore.images.store import ImageStore

__all__ = ["Config", "Descriptor", "Image", "ImageStore", "find_busybox", "seed_busybox", "seed_hello_world"]
