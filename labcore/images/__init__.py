"""Images: content store, manifests, configs, archives, and images built on the spot. Needs neither root nor C."""

from __future__ import annotations

from labcore.images.config import Config, History
from labcore.images.model import Descriptor, Image, Manifest
from labcore.images.store import ImageStore

__all__ = ["Config", "Descriptor", "History", "Image", "ImageStore", "Manifest"]
