"""Layers as directories, stacked by overlayfs: the graph driver. And volumes."""

from labcore.storage.layers import LayerStore
from labcore.storage.snapshots import Snapshot, SnapshotStore

__all__ = ["LayerStore", "Snapshot", "SnapshotStore"]
