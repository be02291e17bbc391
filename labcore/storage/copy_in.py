"""Take files out of an archive into a root that may be a stranger's; the archive may be another's."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final, Self

from labcore.errors import InvalidInput, NotFound, StoreDamaged
from labcore.storage.beneath import Places, is_directory
from labcore.storage.extract import write_content
from labcore.storage.files import Files
from labcore.storage.metadata import NEW_FILE, Description, describe, give, make_directory
from labcore.storage.unpack import NOT_THE_ARCHIVES_FAULT
from labcore.tar import Archive, BadArchive, Entry, decompressed
from labcore.tar import reading as tar

CHUNK_SIZE: Final = 1 << 18
KINDS: Final = {
    tar.FILE: stat.S_IFREG, tar.DIRECTORY: stat.S_IFDIR, tar.SYMLINK: stat.S_IFLNK, tar.CHARACTER: stat.S_IFCHR,
    tar.BLOCK_DEVICE: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO, tar.HARD_LINK: stat.S_IFREG,
}  # fmt: skip
TAKEN: Final = (b"user.", b"security.capability")
OVERLAYS_OWN: Final = b"user.overlay."


def take_in(archive: BinaryIO, files: Files, to: str, *, owner: tuple[int, int] | None) -> None:
    """Take all files out of an archive, plain or compressed, into a directory. With an `owner` they belong to it.

    No link in the archive or in the root leads out of that. Raises NotFound, InvalidInput; what came before the fault stays.
    """
    with files.place(to, follow=True) as place:
        if not place.is_directory:
            raise NotFound(f"{files.whose}{to}: there is no such directory to put an archive's files into")
    plain = decompressed(archive, "it")
    try:
        with _Intake(files.places(to), owner) as intake:
            intake.take(Archive(iter(lambda: plain.read(CHUNK_SIZE), b"")))
    except (BadArchive, StoreDamaged) as error:
        raise InvalidInput(f"this is no archive that can be read: {error}") from None


class _Intake:
    """Makes an archive's files in `places`. What cannot be made ends it."""

    def __init__(self, places: Places, owner: tuple[int, int] | None) -> None:
        self._places = places
        self._owner = owner
        self._times: list[tuple[bytes, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Give directories their times: what was put into them has changed those."""
        for name, time in reversed(self._times):
            self._places.refresh()
            with suppress(OSError, BadArchive):  # something else is in its place by now
                parent, base = self._places.find(name)
                if is_directory(parent, base):
                    os.utime(base, ns=(time, time), dir_fd=parent, follow_symlinks=False)
        self._places.close()

    def take(self, archive: Archive) -> None:
        """Make all of an archive's files. Raises BadArchive, InvalidInput, OSError."""
        for entry in archive:
            self._places.refresh()
            try:
                self._put(entry, archive.content())
            except OSError as error:
                if error.errno in NOT_THE_ARCHIVES_FAULT or (os.geteuid() and isinstance(error, PermissionError)):
                    raise
                raise InvalidInput(f"the archive's entry {entry.name!r} cannot be made: {error.strerror}") from None
        archive.drain()  # to the end of the stream: only there it is seen whether it came whole

    def _put(self, entry: Entry, content: Iterator[memoryview]) -> None:
        if entry.kind not in KINDS:
            raise InvalidInput(f"the archive's entry {entry.name!r} is of an unknown kind: {entry.kind!r}")
        parent, name = self._places.find(entry.name)
        if not name:
            return
        if entry.kind == tar.DIRECTORY:
            make_directory(parent, os.fsdecode(name), os.fsdecode(entry.name))
            describe(parent, os.fsdecode(name), self._described(entry))
            self._times.append((entry.name, entry.mtime))
            return
        try:
            self._make(entry, content, parent, name)
        except FileExistsError:
            self._clear(entry, parent, name)
            self._make(entry, content, parent, name)

    def _clear(self, entry: Entry, parent: int, name: bytes) -> None:
        if is_directory(parent, name):
            raise InvalidInput(f"{os.fsdecode(entry.name)!r}: what is no directory cannot take the place of one")
        self._places.clear(parent, name)

    def _make(self, entry: Entry, content: Iterator[memoryview], parent: int, name: bytes) -> None:
        """Make what is no directory, under a name that is free. Raises FileExistsError."""
        if entry.kind == tar.FILE:
            fd = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
            try:
                write_content(fd, entry, content)
                give(fd, self._described(entry))
            finally:
                os.close(fd)
        elif entry.kind == tar.HARD_LINK:
            there, first = self._places.find(entry.link)
            os.link(first, name, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
        else:
            if entry.kind == tar.SYMLINK:
                os.symlink(entry.link, name, dir_fd=parent)
            else:
                os.mknod(name, KINDS[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
            describe(parent, os.fsdecode(name), self._described(entry))

    def _described(self, entry: Entry) -> Description:
        attributes = {
            os.fsdecode(name): value
            for name, value in entry.xattrs.items()
            if name.startswith(TAKEN) and not name.startswith(OVERLAYS_OWN)
        }
        owner = self._owner or (entry.uid, entry.gid)
        return Description(KINDS[entry.kind] | entry.mode, owner, entry.mtime, entry.mtime, attributes)
