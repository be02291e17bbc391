"""Images: content store, manifests, configs, archives, and images built on the spot. Needs neither root nor C.

Names are loaded when they are first used: containers' records need the configs alone.
"""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.images.config import Config, History
    from labcore.images.model import Descriptor, Image, Manifest
    from labcore.images.store import ImageStore

__all__ = ["Config", "Descriptor", "History", "Image", "ImageStore", "Manifest"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.images.config": ("Config", "History"),
        "labcore.images.model": ("Descriptor", "Image", "Manifest"),
        "labcore.images.store": ("ImageStore",),
    },
)
