"""The index of an archive: each file in it, where its content is, and the content's digest; read in one pass, and bounded."""

from __future__ import annotations

import errno
import os
from hashlib import sha256

from labcore.builder.copy.sources import IMPLIED, NAME_MAX, Item
from labcore.errors import InvalidInput, StoreDamaged, StoreFull
from labcore.storage.copy_in import ALLOWED_XATTRS, OVERLAY_XATTRS
from labcore.storage.tree import MAX_PATH_BYTES
from labcore.tar import Archive, BadArchive, decompressed
from labcore.tar.reading import BLOCK_DEVICE, CHARACTER, DIRECTORY, FIFO, FILE, HARD_LINK, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Final

    from labcore.tar import Entry

CHUNK_SIZE: Final = 1 << 18
ENTRIES_MAX: Final = 1 << 20
NAMES_MAX: Final = 128 << 20  # bytes of all paths, links and attributes: this much of an archive is kept in memory
HOLES_MAX: Final = 16 << 20  # bytes of a sparse file's holes: one with more is hashed once it is selected
ZEROS: Final = bytes(1 << 16)
DEVICES: Final = (CHARACTER, BLOCK_DEVICE)
TOP: Final = Item(DIRECTORY, 0o755)


def zeros(count: int) -> Iterator[bytes]:
    """Yield that many zeros."""
    while count > 0:
        yield ZEROS[:count]
        count -= len(ZEROS)


class Index:
    """Reads an archive once: keeps it in a file, and where in it each file's content is."""

    def __init__(self, name: str, *, keeps_owners: bool = False, hashes: bool = True) -> None:
        self.items: dict[bytes, Item] = {b"": TOP}
        self.name = name
        self._keeps_owners = keeps_owners
        self._hashes = hashes
        self._directory = b""  # the one of the latest entry, which is there
        self._size = 0  # of all names
        self._file = -1

    def read(self, stream: BinaryIO, file: int) -> None:
        """Read it to its end. Raises InvalidInput."""
        self._file = file
        plain = decompressed(stream, self.name)
        archive = Archive(self._kept(iter(lambda: plain.read(CHUNK_SIZE), b"")))
        try:
            for entry in archive:
                self._add(entry, archive)
            self._file = -1
            archive.drain()  # only at its end it is seen whether it came whole
        except (BadArchive, StoreDamaged) as error:
            raise InvalidInput(f"{self.name} is no tar archive that can be read: {error}") from None

    def _kept(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            left = memoryview(chunk)
            while left and self._file >= 0:
                left = left[os.write(self._file, left) :]
            yield chunk

    def _add(self, entry: Entry, archive: Archive) -> None:
        path, kind = self._path(entry.name), entry.kind
        if not path and kind != DIRECTORY:
            raise InvalidInput(f"{self.name} has something else in the place of its top directory")
        if kind == HARD_LINK:
            self._add_link(path, self._path(entry.link))
            return
        if kind in DEVICES and not self._keeps_owners:
            raise InvalidInput(f"{os.fsdecode(path)} in {self.name} is a device: there can be none")
        if kind not in (FILE, DIRECTORY, SYMLINK, FIFO, *DEVICES):
            raise InvalidInput(f"{os.fsdecode(path)} in {self.name} is of a kind that cannot be copied: {kind!r}")
        mode = 0o777 if kind == SYMLINK else entry.mode  # that of a link means nothing
        place = (archive.position, entry.sparse) if kind == FILE else None
        if entry.sparse is not None:
            self._check_room(entry)
        is_hashed = self._hashes and kind == FILE and entry.real_size - entry.size < HOLES_MAX
        digest = self._digest(entry, archive) if is_hashed else b""
        attributes = {
            key: value for key, value in entry.xattrs.items()
            if key.startswith(ALLOWED_XATTRS) and not key.startswith(OVERLAY_XATTRS)
        } if entry.xattrs else entry.xattrs  # fmt: skip
        self._put(path, Item(
            kind, mode, (entry.uid, entry.gid) if self._keeps_owners else (0, 0), entry.mtime, entry.real_size,
            entry.link if kind == SYMLINK else b"", attributes, (entry.major, entry.minor), digest, place,
        ))  # fmt: skip

    def _put(self, path: bytes, item: Item) -> None:
        above = path.rpartition(b"/")[0]
        if above != self._directory:
            self._have_directory(above, item.mtime)
            self._directory = above
        if len(self.items) == 1 and path:
            self.items[b""] = TOP._replace(mtime=item.mtime)
        old = self.items.get(path)
        if old is not None and old.kind == DIRECTORY and item.kind != DIRECTORY:
            self._remove_below(path)
        self.items[path] = item
        self._size += len(path) + len(item.link)
        if item.attributes:
            self._size += sum(map(len, item.attributes.values()))
        if len(self.items) > ENTRIES_MAX or self._size > NAMES_MAX:
            raise InvalidInput(
                f"{self.name} has more than {ENTRIES_MAX} files, or {NAMES_MAX >> 20} MiB of names: "
                "leave some out in .dockerignore"
            )

    def _add_link(self, path: bytes, target: bytes) -> None:
        """Add another name of a file: both have its identity, which is the place of its content."""
        item = self.items.get(target)
        if item is None or item.kind == DIRECTORY:
            raise InvalidInput(
                f"{os.fsdecode(path)} in {self.name} is a link to {os.fsdecode(target)!r}, which is no file in it"
            )
        if item.identity is None:
            item = self.items[target] = item._replace(identity=target)
        if path != target:
            self._put(path, item)

    def _have_directory(self, path: bytes, mtime: int) -> None:
        """Have a directory that the archive may have no entry for, with the time of what is in it."""
        missing = []
        while path not in self.items:
            missing.append(path)
            path = path.rpartition(b"/")[0]
        if self.items[path].kind != DIRECTORY:
            raise InvalidInput(f"{self.name} has files below {os.fsdecode(path)!r}, which is no directory in it")
        for each in reversed(missing):
            self._size += len(each)
            self.items[each] = Item(DIRECTORY, 0o755, mtime=mtime, place=IMPLIED)

    def _remove_below(self, path: bytes) -> None:
        for each in [other for other in self.items if other.startswith(path + b"/")]:
            del self.items[each]
        self._directory = b""

    def _digest(self, entry: Entry, archive: Archive) -> bytes:
        digest = sha256()
        if entry.sparse is None:
            for piece in archive.content():
                digest.update(piece)
            return digest.digest()
        end, piece, content = 0, memoryview(b""), archive.content()
        for start, length in entry.sparse:
            for hole in zeros(start - end):
                digest.update(hole)
            end = start + length
            while length:
                piece = piece or next(content)
                digest.update(piece[:length])
                length, piece = max(0, length - len(piece)), piece[length:]
        for hole in zeros(entry.real_size - end):
            digest.update(hole)
        return digest.digest()

    def _check_room(self, entry: Entry) -> None:
        """Raise StoreFull for a sparse file that has no room on the disk once its holes are filled, as they are in a layer."""
        status = os.fstatvfs(self._file)
        if entry.real_size > status.f_bavail * status.f_frsize:
            what = f"{os.fsdecode(entry.name)} of {self.name}, a sparse file of {entry.real_size} bytes"
            raise StoreFull(errno.ENOSPC, f"no room for {what}: no space left on device")

    def _path(self, name: bytes) -> bytes:
        """Return a name as it is from the top, at which an absolute one begins, too.

        Raises InvalidInput if it leads out, or no file could have it.
        """
        path = name
        if name.startswith((b"/", b".")) or name.endswith(b"/") or b"/." in name or b"//" in name:
            parts = [part for part in name.split(b"/") if part not in (b"", b".")]
            if b".." in parts:
                raise InvalidInput(f"{self.name} has a file {os.fsdecode(name)!r}: that leads out of it")
            path = b"/".join(parts)
        if len(path) > NAME_MAX and (len(path) > MAX_PATH_BYTES or any(len(part) > NAME_MAX for part in path.split(b"/"))):
            raise InvalidInput(f"{self.name} has a file {os.fsdecode(path[:40])}…: its name is too long")
        return path
