"""Storage: layers, upper directories and volumes, on overlayfs (docker's graph driver, containerd's snapshotter)."""

from __future__ import annotations

from labcore.lazy import lazy_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.layers import LayerStore
    from labcore.storage.upper import Upper, UpperStore

__all__ = ["LayerStore", "Upper", "UpperStore"]

__getattr__ = lazy_names(
    __name__,
    {
        "labcore.storage.layers": ("LayerStore",),
        "labcore.storage.upper": ("Upper", "UpperStore"),
    },
)
