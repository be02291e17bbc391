"""Copying in (`docker cp - CONTAINER:PATH`): extract a tar archive into a root file system; neither is trusted."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final, Self

from labcore.errors import InvalidInput, NotFound, StoreDamaged
from labcore.storage.beneath import ParentDirectories, is_directory
from labcore.storage.files import Files
from labcore.storage.metadata import NEW_FILE, Metadata, clear, make_directory, set_metadata, set_metadata_of
from labcore.storage.unpack import LOCAL_ERRORS, write_content
from labcore.tar import Archive, BadArchive, Entry, decompressed
from labcore.tar import reading as tar

CHUNK_SIZE: Final = 1 << 18
KINDS: Final = {
    tar.FILE: stat.S_IFREG, tar.DIRECTORY: stat.S_IFDIR, tar.SYMLINK: stat.S_IFLNK, tar.CHARACTER: stat.S_IFCHR,
    tar.BLOCK_DEVICE: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO, tar.HARD_LINK: stat.S_IFREG,
}  # fmt: skip
ALLOWED_XATTRS: Final = (b"user.", b"security.capability")
OVERLAY_XATTRS: Final = b"user.overlay."  # overlayfs's own


def extract_into(
    archive: BinaryIO,
    files: Files,
    to: str,
    *,
    owner: tuple[int, int] | None,
    overwrites: bool = False,
    keeps_special: bool = False,
    renamed: Callable[[bytes], bytes] | None = None,
) -> None:
    """Extract an archive, plain or compressed, into a directory. With an `owner` all files belong to it.

    A directory takes the place of what is none, and the other way, only if it `overwrites`; nothing that of a device, a FIFO or
    a socket if it `keeps_special`. Each entry has the name that `renamed` gives it.

    No link in the archive or in the root leads out of that. Raises NotFound, InvalidInput; what came before the fault stays.
    """
    with files.resolve(to, follow=True) as found:
        if not found.is_directory:
            raise NotFound(f"{files.whose}{to}: there is no such directory to put an archive's files into")
    plain = decompressed(archive, "it")
    entries = Archive(iter(lambda: plain.read(CHUNK_SIZE), b""))
    try:
        with _Extraction(files.parents(to), owner, overwrites=overwrites, keeps_special=keeps_special) as extraction:
            extraction.extract(entries, renamed)
    except (BadArchive, StoreDamaged) as error:
        raise InvalidInput(f"this is no archive that can be read: {error}") from None


class _Extraction:
    """Makes an archive's files below the root of `parents`. The first that cannot be made ends it."""

    def __init__(
        self, parents: ParentDirectories, owner: tuple[int, int] | None, *, overwrites: bool, keeps_special: bool
    ) -> None:
        self._keeps_special = keeps_special
        self._parents = parents
        self._owner = owner
        self._overwrites = overwrites
        self._times: list[tuple[bytes, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Give directories their times: what was put into them has changed those."""
        for name, time in reversed(self._times):
            self._parents.close_stale()
            with suppress(OSError, BadArchive):  # something else is in its place by now
                parent, base = self._parents.resolve(name)
                if is_directory(parent, base):
                    os.utime(base, ns=(time, time), dir_fd=parent, follow_symlinks=False)
        self._parents.close()

    def extract(self, archive: Archive, renamed: Callable[[bytes], bytes] | None) -> None:
        """Make all of an archive's files. Raises BadArchive, InvalidInput, OSError."""
        for entry in archive:
            if renamed:
                entry.name = renamed(entry.name)
                entry.link = renamed(entry.link) if entry.kind == tar.HARD_LINK else entry.link
            self._parents.close_stale()
            try:
                self._put(entry, archive.content())
            except OSError as error:
                if error.errno in LOCAL_ERRORS or (os.geteuid() and isinstance(error, PermissionError)):
                    raise
                raise InvalidInput(f"the archive's entry {entry.name!r} cannot be made: {error.strerror}") from None
        archive.drain()  # to the end of the stream: only there it is seen whether it came whole

    def _put(self, entry: Entry, content: Iterator[memoryview]) -> None:
        if entry.kind not in KINDS:
            raise InvalidInput(f"the archive's entry {entry.name!r} is of an unknown kind: {entry.kind!r}")
        parent, name = self._parents.resolve(entry.name)
        if not name:
            return
        if entry.kind == tar.DIRECTORY:
            if self._overwrites:
                self._remove_other(parent, name)
            make_directory(parent, os.fsdecode(name), os.fsdecode(entry.name))
            set_metadata(parent, os.fsdecode(name), self._metadata(entry))
            self._times.append((entry.name, entry.mtime))
            return
        try:
            self._make(entry, content, parent, name)
        except FileExistsError:
            self._clear(entry, parent, name)
            self._make(entry, content, parent, name)

    def _clear(self, entry: Entry, parent: int, name: bytes) -> None:
        if not self._overwrites and is_directory(parent, name):
            raise InvalidInput(f"{os.fsdecode(entry.name)!r}: what is no directory cannot take the place of one")
        if self._keeps_special:
            clear(parent, os.fsdecode(name), os.fsdecode(entry.name))
            return
        self._parents.remove(parent, name)

    def _remove_other(self, parent: int, name: bytes) -> None:
        """Remove what is in the place of a directory, and none."""
        with suppress(FileNotFoundError):
            if not is_directory(parent, name):
                self._parents.remove(parent, name)

    def _make(self, entry: Entry, content: Iterator[memoryview], parent: int, name: bytes) -> None:
        """Make what is no directory, under a name that is free. Raises FileExistsError."""
        if entry.kind == tar.FILE:
            fd = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
            try:
                write_content(fd, entry, content)
                set_metadata_of(fd, self._metadata(entry))
            finally:
                os.close(fd)
        elif entry.kind == tar.HARD_LINK:
            there, first = self._parents.resolve(entry.link)
            os.link(first, name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
        else:
            if entry.kind == tar.SYMLINK:
                os.symlink(entry.link, name, dir_fd=parent)
            else:
                os.mknod(name, KINDS[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
            set_metadata(parent, os.fsdecode(name), self._metadata(entry))

    def _metadata(self, entry: Entry) -> Metadata:
        attributes = {
            os.fsdecode(name): value
            for name, value in entry.xattrs.items()
            if name.startswith(ALLOWED_XATTRS) and not name.startswith(OVERLAY_XATTRS)
        }
        owner = self._owner or (entry.uid, entry.gid)
        return Metadata(KINDS[entry.kind] | entry.mode, owner, entry.mtime, entry.mtime, attributes)
