"""The content store, manifests, and (in `seeds`) images made on the spot. Needs neither root nor the C extension."""

from labcore.images.config import Config, History
from labcore.images.model import Descriptor, Image, Manifest
from labcore.images.store import ImageStore

__all__ = ["Config", "Descriptor", "History", "Image", "ImageStore", "Manifest"]
