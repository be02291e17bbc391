"""The image store without the engine, which imports the runtime: `labcore images` starts in half of the time."""

from __future__ import annotations

from labcore.images import ImageStore
from labcore.paths import default_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def image_store(root: Path | None) -> ImageStore:
    """Return `Engine(root).images`."""
    return ImageStore((root or default_root()) / "images")
