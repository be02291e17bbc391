"""New layers: what a step has written, or an archive of files, as a blob in the image store and unpacked in the layer store."""

from __future__ import annotations

import io
from contextlib import ExitStack, contextmanager
from itertools import chain

from labcore.record import Record
from labcore.runtime.probe import confined, kernel_version
from labcore.spec.media import LAYER
from labcore.storage.driver import driver
from labcore.storage.layers import layer_id, unrepeated
from labcore.storage.upper import Upper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO, Final

    from labcore.engine.engine import Engine
    from labcore.images.model import Descriptor
    from labcore.storage.unpack import UnpackedLayer

SECOND: Final = 10**9  # in nanoseconds
AT_ONCE: Final = 1 << 20  # bytes of an archive for which a second thread is not worth while
VOLATILE: Final = (5, 10)  # the first Linux that need not sync what an overlay writes


class NewLayer(Record):
    """A layer that was made: its blob, which is not compressed, its diff_id, and how long its files are together, in bytes."""

    descriptor: Descriptor
    diff_id: str
    size: int = 0


@contextmanager
def upper_on(engine: Engine, layers: Sequence[str]) -> Iterator[Upper]:
    """Yield a new upper directory on a stack, which goes at the block's end, or with its maker, unless it becomes a layer.

    `layers` are given from the lowest up, by the IDs that `LayerStore.add` returns, without a fixup layer; none are an empty
    one. The caller keeps them from going. Raises NotFound for one that is not here, StoreFull.
    """
    with ExitStack() as undo:
        with engine.layers.using():
            copied = driver(engine.layers.directory) == "copy"
            volatile = not copied and kernel_version() >= VOLATILE
            ids = engine.layers.with_fixup(unrepeated(layers) or [engine.layers.add_empty()])
            wanted = Upper("", tuple(ids), user_attributes=confined(), copied=copied, volatile=volatile)
            upper = undo.enter_context(engine.uppers.temporary(wanted))
        yield upper


def layer_of_upper(engine: Engine, upper: Upper, epoch: int | None = None) -> NewLayer | None:
    """Make a layer of an upper directory that nobody uses any more; return None if nothing was changed.

    The directory itself becomes the unpacked layer, by a rename, unless it is a copy of all files, or times have to change:
    with `epoch`, in seconds, no file's is later. A layer of that ID that is there already stays, and the upper directory the
    caller's. The caller keeps the blob and the layer from going: `ImageStore.using`, `LayerStore.using`.
    Raises InvalidInput for a file whose name says, in a layer, that another is deleted; StoreFull.
    """
    if engine.uppers.is_unchanged(upper):
        return None
    latest = None if epoch is None else epoch * SECOND
    settling = None if upper.copied else engine.uppers.settling(upper)
    archive = engine.uppers.layer(upper, latest=latest, settling=settling)
    if settling is None or latest is not None:
        return layer_of_archive(engine, archive)
    engine.images.prepare()
    synced = engine.images.directory.stat().st_dev == engine.layers.directory.stat().st_dev  # both by the commit
    descriptor = engine.images.put_blob(archive, LAYER, durable=not synced)
    engine.uppers.commit(upper, layer_id(descriptor.digest))
    return NewLayer(descriptor, descriptor.digest, settling.size)


def layer_of_archive(engine: Engine, chunks: Iterable[bytes]) -> NewLayer:
    """Make a layer of a tar archive that is not compressed, which is stored and unpacked in one pass.

    The caller keeps both from going, as above. Raises StoreDamaged if it is no layer's archive; StoreFull.
    """
    pieces = filter(None, chunks)  # an empty one would end the stream
    first = _head(pieces)
    if len(first) < AT_ONCE:
        descriptor = engine.images.put_blob(first, LAYER)
        engine.layers.add(descriptor.digest, lambda: io.BytesIO(first))
    else:
        descriptor = _streamed(engine, chain([first], pieces))
    return NewLayer(descriptor, descriptor.digest, engine.layers.size(descriptor.digest) or 0)


def _head(pieces: Iterator[bytes]) -> bytes:
    """Return what comes first, to the end if that comes soon."""
    head = bytearray()
    for piece in pieces:
        head += piece
        if len(head) >= AT_ONCE:
            break
    return bytes(head)


def _streamed(engine: Engine, chunks: Iterator[bytes]) -> Descriptor:
    from labcore.engine.image.streaming_unpack import StreamingUnpack  # with threads, for what takes longer

    unpacked: list[UnpackedLayer] = []
    with ExitStack() as undo:

        def unpack(open_archive: Callable[[], BinaryIO]) -> None:
            unpacked.append(undo.enter_context(engine.layers.unpacked(open_archive)))

        with StreamingUnpack(unpack) as beside:
            descriptor = engine.images.put_blob(beside.passing(lambda _: chunks)(0), LAYER)
        unpacked[0].commit(layer_id(descriptor.digest))
    return descriptor
