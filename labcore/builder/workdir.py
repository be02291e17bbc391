"""WORKDIR's directory: a layer with it, root's, where the image has none."""

from __future__ import annotations

from labcore.builder.copying import layer_archive, select
from labcore.builder.layers import layer_of_archive
from labcore.builder.sources import InlineFiles
from labcore.errors import NotFound
from labcore.storage.files import of_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.builder.layers import NewLayer
    from labcore.builder.stage_build import StageBuild
    from labcore.storage.files import Files


def directory_layer(work: StageBuild, path: str) -> NewLayer | None:
    """Return the layer that makes a directory; None if there is one. Raises InvalidInput if something else is there."""
    engine = work.build.engine
    with engine.layers.using(), of_root(work.root()) as root:
        if _is_directory(root, path):
            return None
        empty = select(InlineFiles({}), ["."])
        return work.build.kept(
            layer_of_archive(engine, layer_archive([empty], root, f"{path}/", epoch=work.build.options.epoch))
        )


def _is_directory(root: Files, path: str) -> bool:
    try:
        with root.resolve(path, follow=True) as found:
            return found.is_directory
    except NotFound:
        return False
