"""Entries of a stranger's archive become files below one directory, and nowhere else: in overlayfs' form."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from labcore.errors import StoreDamaged
from labcore.storage.beneath import Places, is_directory, is_whiteout
from labcore.storage.implied import Described
from labcore.storage.opaque import set_opaque
from labcore.storage.tree import listed
from labcore.tar import Archive, BadArchive, Entry
from labcore.tar import reading as tar

WHITEOUT: Final = b".wh."
OPAQUE: Final = b".wh..wh..opq"
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OVERLAYS_OWN: Final = (b"trusted.overlay.", b"user.overlay.")
NOT_HERE: Final = {errno.EOPNOTSUPP, errno.EPERM, errno.EACCES}  # setxattr(2), xattr(7)
NEEDED: Final = (b"security.capability",)  # a program without it does not do what it is for
AUFS: Final = b".wh..wh."  # how names begin that are a graph driver's own: image-spec, layer.md
DEVICES: Final = {tar.CHARACTER: stat.S_IFCHR, tar.BLOCK_DEVICE: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO}


class Extractor:
    """Makes the entries of an archive below the open directory `root`, in overlayfs' form: whiteouts are devices there."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._places = Places(root)
        self._times: list[tuple[bytes, int]] = []
        self._apart = in_user_namespace()
        self._says_root = False

    @property
    def described(self) -> Described:
        """What the archive has said of the directories so far, and what it has not."""
        return Described(frozenset(self._places.implied), self._says_root)

    def __enter__(self) -> "Extractor":
        return self

    def __exit__(self, *exception: object) -> None:
        self._places.close()

    def extract(self, archive: Archive) -> None:
        """Make all entries. Raises StoreDamaged, OSError."""
        for entry in archive:
            self._places.refresh()
            parent, base = self._places.find(entry.name)
            if not base:
                self._describe_root(entry, parent)
            elif base.startswith(WHITEOUT):
                self._white_out(parent, base, entry)
            else:
                self._make(entry, archive.content(), parent, base)
        self._places.close()
        self._remove_aufs_own()
        for name, time in reversed(self._times):  # last: what is put into a directory changes its time
            self._places.refresh()
            with suppress(OSError, BadArchive):  # a later entry has put something else in its place
                parent, base = self._places.find(name)
                if is_directory(parent, base or b"."):
                    os.utime(base or b".", ns=(time, time), dir_fd=parent, follow_symlinks=False)

    def _make(self, entry: Entry, content: Iterator[memoryview], parent: int, base: bytes) -> None:
        kind = entry.kind
        if kind == tar.FILE:
            self._make_file(entry, content, parent, base)
            return
        if kind == tar.DIRECTORY:
            self._make_directory(parent, base)
            self._times.append((entry.name, entry.mtime))
        elif kind == tar.HARD_LINK:
            there, name = self._places.find(entry.link)
            if not name:
                raise StoreDamaged(f"layer entry {entry.name!r} is a link to nothing")
            self._places.clear(parent, base)
            os.link(name, base, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
            return
        elif kind == tar.SYMLINK:
            self._places.clear(parent, base)
            os.symlink(entry.link, base, dir_fd=parent)
        elif kind in DEVICES:
            self._places.clear(parent, base)
            if not self._make_device(entry, parent, base):
                return
        else:
            raise StoreDamaged(f"layer entry {entry.name!r} is of a kind that layers do not have: {kind!r}")
        self._describe(entry, parent, base)

    def _describe_root(self, entry: Entry, root: int) -> None:
        if entry.kind == tar.DIRECTORY:
            self._says_root = True
            self._describe(entry, root, b".")
            self._times.append((b".", entry.mtime))

    def _describe(self, entry: Entry, parent: int, base: bytes) -> None:
        os.chown(base, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.kind != tar.SYMLINK:
            os.chmod(base, entry.mode, dir_fd=parent)
        if entry.kind != tar.DIRECTORY:
            os.utime(base, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)
        if entry.xattrs:
            self._set_attributes(entry, b"/proc/self/fd/%d/%s" % (parent, base))

    def _make_file(self, entry: Entry, content: Iterator[memoryview], parent: int, base: bytes) -> None:
        try:
            fd = os.open(base, NEW_FILE, 0o600, dir_fd=parent)
        except FileExistsError:
            self._places.clear(parent, base)
            fd = os.open(base, NEW_FILE, 0o600, dir_fd=parent)
        try:
            write_content(fd, entry, content)
            os.fchown(fd, entry.uid, entry.gid)
            os.fchmod(fd, entry.mode)  # after chown, which takes setuid away
            if entry.xattrs:
                self._set_attributes(entry, fd)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _make_directory(self, parent: int, base: bytes) -> None:
        try:
            os.mkdir(base, 0o700, dir_fd=parent)
        except FileExistsError:
            if is_directory(parent, base):
                self._has_its_own(parent, base)
                return
            hidden = is_whiteout(parent, base)
            self._places.clear(parent, base)
            os.mkdir(base, 0o700, dir_fd=parent)
            if hidden:
                set_opaque(parent, base)

    def _has_its_own(self, parent: int, base: bytes) -> None:
        """Take note that a directory is no longer what lower layers say."""
        if self._places.implied:
            self._places.implied.discard(self._places.path_of(parent, base))

    def _make_device(self, entry: Entry, parent: int, base: bytes) -> bool:
        """Make a device node or FIFO; root of a user namespace only may not, and its containers could not use it either."""
        try:
            os.mknod(base, DEVICES[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
        except PermissionError:
            if not self._apart or entry.kind == tar.FIFO:
                raise
            return False
        return True

    @staticmethod
    def _set_attributes(entry: Entry, where: bytes | int) -> None:
        """Set an entry's extended attributes: those that this machine has, allows us, and allows on files of that kind."""
        for name, value in entry.xattrs.items():
            if name.startswith(OVERLAYS_OWN):  # how it reads a layer is for the layer's whiteouts to say
                continue
            try:
                os.setxattr(where, name, value, follow_symlinks=isinstance(where, int))
            except OSError as error:
                if error.errno not in NOT_HERE or name in NEEDED:
                    raise

    def _remove_aufs_own(self) -> None:
        """Remove what hard links were made of: in layers that were on aufs, `.wh..wh.plnk` holds files of several names."""
        for name in map(os.fsencode, listed(self._root)):
            if name.startswith(AUFS):
                self._places.clear(self._root, name)

    # --- what lower layers have, and this one has not

    def _white_out(self, parent: int, base: bytes, entry: Entry) -> None:
        if base == OPAQUE:
            set_opaque(parent, b".")
        if base.startswith(AUFS):
            return
        hidden = base.removeprefix(WHITEOUT)
        if hidden in (b"", b".", b".."):
            raise StoreDamaged(f"layer entry {entry.name!r} removes no entry of its directory")
        try:
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
        except FileExistsError:  # this layer has put something there itself: only what lies below is hidden
            if is_directory(parent, hidden):
                self._has_its_own(parent, hidden)
                set_opaque(parent, hidden)


def write_content(fd: int, entry: Entry, content: Iterator[memoryview]) -> None:
    """Write a file's content; a sparse one's to where it belongs."""
    if entry.sparse is not None:
        _write_sparse(fd, entry, content)
        return
    for piece in content:
        _write(fd, piece)


def _write(fd: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(fd, piece) :]


def _write_sparse(fd: int, entry: Entry, content: Iterator[memoryview]) -> None:
    """Write the pieces to where they belong, and leave holes between them."""
    piece = memoryview(b"")
    for offset, length in entry.sparse or ():
        os.lseek(fd, offset, os.SEEK_SET)
        while length:
            piece = piece or next(content)
            _write(fd, piece[:length])
            length, piece = max(0, length - len(piece)), piece[length:]
    os.ftruncate(fd, entry.real_size)


def in_user_namespace() -> bool:
    """Are there users on the machine that are not mapped here?"""
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]


def has_own_ids_only() -> bool:
    """Is this a user namespace that maps one user's number and no others? Files cannot be given to others there: chown(2)."""
    return [line.split()[2] for line in Path("/proc/self/uid_map").read_text().splitlines()] == ["1"]
