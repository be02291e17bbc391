"""WORKDIR's directory: a layer with it, its user's, as BuildKit makes it, where the image has none."""

from __future__ import annotations

from labcore.builder.copy.archive import layer_archive
from labcore.builder.copy.selection import select
from labcore.builder.copy.sources import InlineFiles
from labcore.builder.layers import layer_of_archive
from labcore.errors import NotFound
from labcore.storage.files import of_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.builder.layers import NewLayer
    from labcore.builder.parser.instructions import Workdir
    from labcore.builder.stage_work import StageWork
    from labcore.storage.files import Files


def make_workdir(work: StageWork, instruction: Workdir) -> bool:
    """Add the layer of the directory that the state's config names; return whether that was in the cache."""
    path, user = work.state.config.workdir, work.state.config.user
    epoch = work.shared.options.epoch
    key = work.key(instruction, "workdir", [path, user, epoch], beside=[path, user, epoch])
    return work.add_layer(key, f"WORKDIR {path}", lambda: _layer(work, path, user))


def _layer(work: StageWork, path: str, user: str) -> NewLayer | None:
    """Return the layer that makes a directory; None if there is one. Raises InvalidInput if something else is there."""
    engine = work.shared.engine
    with engine.layers.using(), of_root(work.root()) as root:
        if _is_directory(root, path):
            return None
        empty = select(InlineFiles({}), ["."])
        archive = layer_archive([empty], root, f"{path}/", owner=user, epoch=work.shared.options.epoch, command="WORKDIR")
        return work.shared.kept(layer_of_archive(engine, archive))


def _is_directory(root: Files, path: str) -> bool:
    try:
        with root.resolve(path, follow=True) as found:
            return found.is_directory
    except NotFound:
        return False
