"""Origins of RUN's mounts: the files of the context, a stage or an image, from which a part is mounted."""

from __future__ import annotations

import os
from contextlib import contextmanager

from labcore.builder.layers import upper_on
from labcore.errors import NotFound
from labcore.native import Resolve
from labcore.record import Record
from labcore.spec import OverlayRoot
from labcore.storage import overlay
from labcore.storage.driver import driver
from labcore.storage.files import Files
from labcore.storage.layers import unrepeated
from labcore.storage.tree import open_beneath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.engine.engine import Engine

SEARCH: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
INSIDE: Final = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS


class MountOrigin(Record):
    """Where a mount's files come from: a `directory` of labcore's own, or `layers` from the lowest up, without a fixup layer.

    `name` is for errors: the build context, stage build. `key` tells files from others, for caches that begin with them.
    """

    name: str
    directory: str = ""
    layers: tuple[str, ...] = ()
    key: str = ""


class OpenedOrigin(Record):
    """An origin's files, held: an open directory, and its path on the machine; empty for a detached mount."""

    fd: int
    path: str
    name: str

    def find(self, source: str) -> str:
        """Return the path of a file in it, from its top on and without links; empty for the top. Raises NotFound.

        Links are resolved inside: none leads out, nor does `..`.
        """
        try:
            fd = open_beneath(self.fd, source, os.O_PATH | os.O_CLOEXEC, INSIDE)
        except OSError as error:
            raise NotFound(f'failed to mount "{source}" of {self.name}: {error.strerror}: name what is there') from None
        try:
            path = Files(self.fd, self.name).path_of(fd)
            return "" if path == "/" else path
        finally:
            os.close(fd)


@contextmanager
def opened_origin(engine: Engine, origin: MountOrigin, *, writable: bool) -> Iterator[OpenedOrigin]:
    """Yield an origin's files; what is written to them, if they are `writable`, goes at the block's end.

    Raises NotFound, StoreFull, SystemCallError.
    """
    if origin.directory and not writable:
        with _opened(os.path.realpath(origin.directory), origin.name) as found:
            yield found
        return
    layers = _layers(engine, origin)
    if not writable and driver(engine.layers.prepared()) == "overlay":
        with engine.layers.using():
            ids = engine.layers.with_fixup(layers)
            storage = str(engine.layers.directory)
            root = OverlayRoot(storage, tuple(f"layers/{each}" for each in reversed(ids)), "scratch")
            merged = overlay.merged(root, writable=False)
            fd = merged.__enter__()
        try:
            yield OpenedOrigin(fd, "", origin.name)
        finally:
            merged.__exit__(None, None, None)
        return
    with upper_on(engine, layers) as upper:
        root_of_upper = engine.uppers.root(upper)
        if isinstance(root_of_upper, OverlayRoot):
            with overlay.merged(root_of_upper, writable=True) as fd:
                yield OpenedOrigin(fd, "", origin.name)
        else:
            with _opened(os.path.realpath(root_of_upper.directory), origin.name) as found:
                yield found


def _layers(engine: Engine, origin: MountOrigin) -> list[str]:
    """Return an origin as layers: a directory is one, by its path from those that have IDs."""
    if origin.directory:
        return [os.path.relpath(os.path.realpath(origin.directory), os.path.realpath(engine.layers.directory / "layers"))]
    return unrepeated(origin.layers) or [engine.layers.add_empty()]


@contextmanager
def _opened(path: str, name: str) -> Iterator[OpenedOrigin]:
    fd = os.open(path, SEARCH)
    try:
        yield OpenedOrigin(fd, path, name)
    finally:
        os.close(fd)
