"""Image events: what docker says of pull, push, tag, untag, delete, load, save, import and create, with the image's labels."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.engine.engine import Engine
    from labcore.images import Image


def log_image_event(engine: Engine, image: Image | None, action: str, *, name: str = "", id: str = "") -> None:
    """Publish what has happened to an image, which is None if it is no more.

    `id` is what docker calls it by, its ID unless it is a name; `name` is the same unless it is another.
    """
    if engine.events is not None:
        id = id or (image.id if image else "")
        labels = dict(image.config.labels) if image else {}
        engine.log_event("image", action, id, labels | {"name": name or id})
