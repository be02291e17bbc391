"""Layers as directories, stacked by overlayfs: the graph driver."""

from labcore.storage.layers import LayerStore

__all__ = ["LayerStore"]
