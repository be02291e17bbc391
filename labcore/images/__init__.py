"""The content store, manifests, and (in `seeds`) images made on the spot. Needs neither root nor the C extension."""

from labcore.images.model import Config, Descriptor, Image
from labcore.images.store import ImageStore

__all__ = ["Config", "Descriptor", "Image", "ImageStore"]
