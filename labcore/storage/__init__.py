"""Storage: layers, snapshots and volumes, on overlayfs (docker's graph driver, containerd's snapshotter)."""

from labcore.lazy import lazy_names

TYPE_CHECKING = False  # `run` uses single modules: the names below are loaded when they are first used
if TYPE_CHECKING:
    from labcore.storage.layers import LayerStore
    from labcore.storage.snapshots import Snapshot, SnapshotStore

__all__ = ["LayerStore", "Snapshot", "SnapshotStore"]

__getattr__ = lazy_names(
    __name__, {"labcore.storage.layers": ("LayerStore",), "labcore.storage.snapshots": ("Snapshot", "SnapshotStore")}
)
