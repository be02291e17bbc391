"""Reproducible layers and images: the same files give the same bytes and the same digest."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from labcore.images.config import Config, History
from labcore.images.model import Image
from labcore.images.store import ImageStore
from labcore.record import Record
from labcore.spec import DEFAULT_PATH, Platform, Reference
from labcore.spec.media import LAYER_GZIP

# gzip's head (RFC 1952) with no name, no time, and "unknown" for the system: what Python writes there differs from version to
# version.
GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
GZIP_LEVEL: Final = 6


class Entry(Record):
    """One file of a layer; `target` is a link's. `owner` is its user and group, by number."""

    path: str
    kind: bytes = tarfile.REGTYPE
    mode: int = 0o644
    content: bytes = b""
    target: str = ""
    owner: tuple[int, int] = (0, 0)
    time: int = 0

    def __post_init__(self) -> None:
        """Paths are relative, without `.` and `..`: one file has one name."""
        if self.path != str(PurePosixPath(self.path)) or self.path.startswith(("/", "..")) or "/../" in self.path:
            raise ValueError(f"{self.path!r} is no path in a layer")


class LayerWriter:
    """The files of a layer by path; a later one replaces an earlier one."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def directory(self, path: str, mode: int = 0o755) -> None:
        """Add a directory."""
        self.add(Entry(path, tarfile.DIRTYPE, mode))

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """Add a regular file."""
        self.add(Entry(path, tarfile.REGTYPE, mode, content))

    def link(self, path: str, target: str) -> None:
        """Add a hard link to a file of this layer."""
        self.add(Entry(path, tarfile.LNKTYPE, 0o755, target=target))

    def symlink(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.add(Entry(path, tarfile.SYMTYPE, 0o777, target=target))

    def add(self, entry: Entry) -> None:
        """Add an entry as it is."""
        self._entries[entry.path] = entry

    def remove(self, path: str) -> None:
        """Remove a file, or a directory recursively."""
        for name in [name for name in self._entries if name == path or name.startswith(path + "/")]:
            del self._entries[name]

    def read(self, path: str) -> bytes:
        """Return the content of a regular file of this layer. Raises KeyError."""
        return self._entries[path].content

    def paths(self) -> list[str]:
        """Return the paths of all entries, each after its directory's."""
        return sorted(self._entries, key=lambda path: path.split("/"))

    def newest(self) -> int:
        """Return the latest of its entries' times."""
        return max((entry.time for entry in self._entries.values()), default=0)

    def finish(self) -> bytes:
        """Return the layer, uncompressed."""
        buffer = io.BytesIO()
        with tarfile.TarFile(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for entry in self._in_order():
                info = tarfile.TarInfo(entry.path)
                info.type, info.mode, info.size, info.linkname = entry.kind, entry.mode, len(entry.content), entry.target
                info.mtime = entry.time
                info.uid, info.gid = entry.owner
                tar.addfile(info, io.BytesIO(entry.content))
        return buffer.getvalue()

    def _in_order(self) -> Iterator[Entry]:
        """Yield by path, hard links last, for their targets must come before them."""
        entries = [self._entries[path] for path in self.paths()]
        yield from (entry for entry in entries if entry.kind != tarfile.LNKTYPE)
        yield from (entry for entry in entries if entry.kind == tarfile.LNKTYPE)


def gzipped(layer: bytes) -> bytes:
    """Return it gzipped: the same bytes on all machines, which isal, three times as fast, does not promise."""
    deflate = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    tail = zlib.crc32(layer).to_bytes(4, "little") + (len(layer) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"".join((GZIP_HEAD, deflate.compress(layer), deflate.flush(), tail))


def write_image(
    store: ImageStore,
    name: str,
    layers: Sequence[bytes],
    *,
    command: tuple[str, ...],
    made_of: Sequence[str] = (),
    created: str = "",
    **settings: Any,
) -> Image:
    """Store an image of uncompressed layers, the lowest first, for this machine's architecture.

    `made_of` says for the history what is in each layer, `settings` are further fields of its Config. The image is tagged last:
    if anything fails, nothing is half made.
    """
    platform = Platform.here()
    steps = [f"labcore seed {name}{f': {each}' if each else ''}" for each in made_of or [""] * len(layers)]
    history = [History(created=created, created_by=step) for step in steps]
    history.append(History(created=created, created_by=f"CMD {json.dumps(command)}", empty_layer=True))
    config = Config(
        architecture=platform.architecture,
        variant=platform.variant,
        diff_ids=tuple("sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers),
        command=command,
        created=created,
        history=tuple(history),
        **{"environment": ("PATH=" + DEFAULT_PATH,)} | settings,
    )
    with store.using():
        descriptors = [store.put_blob(gzipped(layer), LAYER_GZIP) for layer in layers]
        return store.put_image(Reference.parse(name), descriptors, config)
