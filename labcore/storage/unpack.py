"""Unpacking: a layer's tar archive, plain or compressed, becomes a directory in overlayfs' form (image-spec, layer.md).

Two threads decompress and hash ahead of the one that makes the files. Names in the archive cannot lead out of the directory:
`labcore.storage.beneath`. The archive's `.wh.` files become whiteout devices, as overlayfs has them.
"""

import errno
import hashlib
import os
import queue
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from labcore.disk_space import FULL, room_for
from labcore.errors import StoreDamaged, Unavailable
from labcore.native import syncfs
from labcore.storage.beneath import ParentDirectories, is_directory
from labcore.storage.gc import incoming, using
from labcore.storage.implied import ImpliedDirectories
from labcore.storage.tree import sorted_names
from labcore.storage.whiteouts import OPAQUE_WHITEOUT, WHITEOUT_PREFIX, is_whiteout, set_opaque
from labcore.tar import Archive, BadArchive, Entry
from labcore.tar import reading as tar
from labcore.tar.decompressing import Peeked, compression, decompressed

LOCAL_ERRORS: Final = {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, *FULL}  # no fault of the archive's
WHITEOUT: Final = WHITEOUT_PREFIX.encode()
OPAQUE: Final = OPAQUE_WHITEOUT.encode()
NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
OVERLAY_XATTRS: Final = (b"trusted.overlay.", b"user.overlay.")
XATTR_UNSUPPORTED: Final = {errno.EOPNOTSUPP, errno.EPERM, errno.EACCES}  # setxattr(2), xattr(7)
REQUIRED_XATTRS: Final = (b"security.capability",)  # a program without it does not do what it is for
AUFS_PREFIX: Final = b".wh..wh."  # names of a graph driver's own: image-spec, layer.md
DEVICES: Final = {tar.CHARACTER: stat.S_IFCHR, tar.BLOCK_DEVICE: stat.S_IFBLK, tar.FIFO: stat.S_IFIFO}
CHUNK_SIZE: Final = 1 << 20
READ_AHEAD_CHUNKS: Final = 4  # in memory, at most

# Layers are unpacked in parallel; but those whose decompression needs much memory one at a time.
_MEMORY_SLOT: Final = threading.Semaphore(1)


class UnpackedLayer(NamedTuple):
    """A layer's files in a directory without a final name; `diff_id` is None for a plain archive that was not hashed."""

    directory: Path
    diff_id: str | None
    implied: ImpliedDirectories

    def commit(self, name: str) -> None:
        """Make it the layer of that ID."""
        storage = self.directory.parent.parent
        with using(storage):  # a collection that removes a layer of that ID removes what was saved of it first
            self.implied.save(storage, name)
            commit(self.directory, name)


def commit(directory: Path, name: str) -> None:
    """Rename a filled directory to its final name, unless somebody else was faster."""
    try:
        directory.rename(directory.with_name(name))
    except OSError:
        if not directory.with_name(name).is_dir():
            raise


@contextmanager
def unpacked(
    layers: Path, open_archive: Callable[[], BinaryIO], what: str, algorithm: str, *, hash_plain: bool = True
) -> Iterator[UnpackedLayer]:
    """Unpack an archive, plain or compressed, below `layers`; a layer that was not committed by the block's end is removed.

    `what` names it in errors. Raises StoreDamaged if it is no layer's archive; StoreFull; Unavailable in a user namespace where
    its files' owners are not mapped.
    """
    with incoming(layers) as place:
        with room_for(what, layers):
            place.chmod(0o755)  # unless the archive says otherwise
            diff_id, implied = _unpack(open_archive, place, what, algorithm if hash_plain else "", algorithm)
        yield UnpackedLayer(place, diff_id, implied)


def _unpack(
    open_archive: Callable[[], BinaryIO], directory: Path, what: str, plain: str, compressed: str
) -> tuple[str | None, ImpliedDirectories]:
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_archive() as raw, decompressed_ahead(raw, what, plain=plain, compressed=compressed) as (chunks, digest):
            archive = Archive(chunks)
            with Extractor(root) as extractor:
                extractor.extract(archive)
            archive.drain()
        syncfs(root)  # the name must not outlive a crash that the content did not
        return digest(), extractor.implied
    except OSError as error:
        if error.errno in LOCAL_ERRORS or (os.geteuid() and isinstance(error, PermissionError)):
            raise
        if error.errno == errno.EINVAL and in_user_namespace():
            raise _not_mapped(what) from error
        raise StoreDamaged(f"{what} asks for what cannot be: {error}") from error
    except BadArchive as error:
        raise StoreDamaged(f"{what} is no archive that can be unpacked: {error}") from error
    except (ValueError, OverflowError) as error:
        raise StoreDamaged(f"{what} is damaged: {error}") from error
    finally:
        os.close(root)


def _not_mapped(what: str) -> Unavailable:
    """Return the error for a file whose owner is not mapped in this user namespace: user_namespaces(7)."""
    if has_own_ids_only():
        return Unavailable(
            f"{what} has files of several users, and to you only your own number is mapped\n"
            "  cure: apt-get install uidmap, and have a line for you in /etc/subuid and /etc/subgid (adduser writes it)"
        )
    return Unavailable(
        f"{what} has files of a user or group whose number is larger than those that are mapped to you\n"
        "  cure: have larger ranges in /etc/subuid and /etc/subgid, or do it as root"
    )


# --- extraction


class Extractor:
    """Extracts the entries of an archive below the open directory `root`, whiteouts as overlayfs has them."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._parents = ParentDirectories(root)
        self._times: list[tuple[bytes, int]] = []
        self._in_userns = in_user_namespace()
        self._has_root_entry = False

    @property
    def implied(self) -> ImpliedDirectories:
        """The directories that the archive has had no entry for so far."""
        return ImpliedDirectories(frozenset(self._parents.implied), self._has_root_entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._parents.close()

    def extract(self, archive: Archive) -> None:
        """Extract all entries. Raises StoreDamaged, OSError."""
        for entry in archive:
            self._parents.close_stale()
            parent, base = self._parents.resolve(entry.name)
            if not base:
                self._set_root_metadata(entry, parent)
            elif base.startswith(WHITEOUT):
                self._add_whiteout(parent, base, entry)
            else:
                self._make(entry, archive.content(), parent, base)
        self._parents.close()
        self._remove_aufs_files()
        for name, time in reversed(self._times):  # last: each new file changes its directory's time
            self._parents.close_stale()
            with suppress(OSError, BadArchive):  # a later entry has put something else in its place
                parent, base = self._parents.resolve(name)
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
            there, name = self._parents.resolve(entry.link)
            if not name:
                raise StoreDamaged(f"layer entry {entry.name!r} is a link to nothing")
            self._parents.remove(parent, base)
            os.link(name, base, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
            return
        elif kind == tar.SYMLINK:
            self._parents.remove(parent, base)
            os.symlink(entry.link, base, dir_fd=parent)
        elif kind in DEVICES:
            self._parents.remove(parent, base)
            if not self._make_device(entry, parent, base):
                return
        else:
            raise StoreDamaged(f"layer entry {entry.name!r} is of a kind that layers do not have: {kind!r}")
        self._set_metadata(entry, parent, base)

    def _set_root_metadata(self, entry: Entry, root: int) -> None:
        if entry.kind == tar.DIRECTORY:
            self._has_root_entry = True
            self._set_metadata(entry, root, b".")
            self._times.append((b".", entry.mtime))

    def _set_metadata(self, entry: Entry, parent: int, base: bytes) -> None:
        os.chown(base, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.kind != tar.SYMLINK:
            os.chmod(base, entry.mode, dir_fd=parent)
        if entry.kind != tar.DIRECTORY:
            os.utime(base, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)
        if entry.xattrs:
            self._set_xattrs(entry, b"/proc/self/fd/%d/%s" % (parent, base))

    def _make_file(self, entry: Entry, content: Iterator[memoryview], parent: int, base: bytes) -> None:
        try:
            fd = os.open(base, NEW_FILE, 0o600, dir_fd=parent)
        except FileExistsError:
            self._parents.remove(parent, base)
            fd = os.open(base, NEW_FILE, 0o600, dir_fd=parent)
        try:
            write_content(fd, entry, content)
            os.fchown(fd, entry.uid, entry.gid)
            os.fchmod(fd, entry.mode)  # after chown, which takes setuid away
            if entry.xattrs:
                self._set_xattrs(entry, fd)
            os.utime(fd, ns=(entry.mtime, entry.mtime))
        finally:
            os.close(fd)

    def _make_directory(self, parent: int, base: bytes) -> None:
        try:
            os.mkdir(base, 0o700, dir_fd=parent)
        except FileExistsError:
            if is_directory(parent, base):
                self._not_implied(parent, base)
                return
            hidden = is_whiteout(os.stat(base, dir_fd=parent, follow_symlinks=False))
            self._parents.remove(parent, base)
            os.mkdir(base, 0o700, dir_fd=parent)
            if hidden:
                set_opaque(parent, base)

    def _not_implied(self, parent: int, base: bytes) -> None:
        """Note that the archive has an entry for a directory."""
        if self._parents.implied:
            self._parents.implied.discard(self._parents.path_of(parent, base))

    def _make_device(self, entry: Entry, parent: int, base: bytes) -> bool:
        """Make a device node or FIFO; root of a user namespace may make no devices, and its containers could not use them."""
        try:
            os.mknod(base, DEVICES[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
        except PermissionError:
            if not self._in_userns or entry.kind == tar.FIFO:
                raise
            return False
        return True

    @staticmethod
    def _set_xattrs(entry: Entry, where: bytes | int) -> None:
        """Set an entry's extended attributes, except those that this kernel, disk or file type does not allow."""
        for name, value in entry.xattrs.items():
            if name.startswith(OVERLAY_XATTRS):  # only whiteouts set these
                continue
            try:
                os.setxattr(where, name, value, follow_symlinks=isinstance(where, int))
            except OSError as error:
                if error.errno not in XATTR_UNSUPPORTED or name in REQUIRED_XATTRS:
                    raise

    def _remove_aufs_files(self) -> None:
        """Remove aufs' own directories: `.wh..wh.plnk` holds the targets of hard links in layers that were on aufs."""
        for name in map(os.fsencode, sorted_names(self._root)):
            if name.startswith(AUFS_PREFIX):
                self._parents.remove(self._root, name)

    def _add_whiteout(self, parent: int, base: bytes, entry: Entry) -> None:
        if base == OPAQUE:
            set_opaque(parent, b".")
        if base.startswith(AUFS_PREFIX):
            return
        hidden = base.removeprefix(WHITEOUT)
        if hidden in (b"", b".", b".."):
            raise StoreDamaged(f"layer entry {entry.name!r} removes no entry of its directory")
        try:
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
        except FileExistsError:  # the layer has a file of that name itself: only lower ones are hidden
            if is_directory(parent, hidden):
                self._not_implied(parent, hidden)
                set_opaque(parent, hidden)


def write_content(fd: int, entry: Entry, content: Iterator[memoryview]) -> None:
    """Write a file's content, a sparse file with its holes."""
    if entry.sparse is not None:
        _write_sparse(fd, entry, content)
        return
    for piece in content:
        _write(fd, piece)


def _write(fd: int, piece: memoryview) -> None:
    while piece:
        piece = piece[os.write(fd, piece) :]


def _write_sparse(fd: int, entry: Entry, content: Iterator[memoryview]) -> None:
    """Write the data segments of a sparse file, with holes between them."""
    piece = memoryview(b"")
    for offset, length in entry.sparse or ():
        os.lseek(fd, offset, os.SEEK_SET)
        while length:
            piece = piece or next(content)
            _write(fd, piece[:length])
            length, piece = max(0, length - len(piece)), piece[length:]
    os.ftruncate(fd, entry.real_size)


def in_user_namespace() -> bool:
    """Is this another user namespace than the machine's own?"""
    return Path("/proc/self/uid_map").read_text(encoding="utf-8").split() != ["0", "0", "4294967295"]


def has_own_ids_only() -> bool:
    """Does this user namespace map one ID only? Files cannot be given to other users then: chown(2)."""
    return [line.split()[2] for line in Path("/proc/self/uid_map").read_text(encoding="utf-8").splitlines()] == ["1"]


# --- decompression and hashing, in threads of their own


class _MemorySlot:
    """The slot for decompression that needs much memory: taken when it turns out to be needed, and released by `close`."""

    def __init__(self) -> None:
        self._has = False

    def take(self) -> None:
        if not self._has:
            _MEMORY_SLOT.acquire()
            self._has = True

    def close(self) -> None:
        if self._has:
            _MEMORY_SLOT.release()


class ReadAhead:
    """Read-ahead: a thread takes chunks from a source and has a few of them ready."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._ready: queue.Queue[bytes | BaseException | None] = queue.Queue(READ_AHEAD_CHUNKS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[bytes]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def close(self) -> None:
        """End the thread, whatever it is doing."""
        self._stop.set()
        while self._thread.is_alive():
            with suppress(queue.Empty):  # it may be waiting for room
                self._ready.get(timeout=0.01)
        self._thread.join()

    def _work(self) -> None:
        try:
            for chunk in self._chunks:
                if self._stop.is_set():
                    return
                self._ready.put(chunk)
            self._ready.put(None)
        except BaseException as error:
            self._ready.put(error)


@contextmanager
def decompressed_ahead(
    raw: BinaryIO, what: str, *, plain: str, compressed: str
) -> Iterator[tuple[Iterator[bytes], Callable[[], str | None]]]:
    """Yield the decompressed chunks, and a function that returns their digest once all were taken.

    Decompressing and hashing have a thread each: together they take one core about as long as making files takes another.
    `plain` and `compressed` are the hash algorithms for archives of either kind; without one the digest is None. `what` names
    the blob in errors. Taking chunks raises StoreDamaged if they cannot be decompressed.
    """
    peeked = Peeked(raw)
    is_compressed = bool(compression(peeked.head))
    algorithm = compressed if is_compressed else plain
    digest = hashlib.new(algorithm) if algorithm else None

    def hashed(chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if digest:
                digest.update(chunk)
            yield chunk

    with ExitStack() as undo:
        slot = undo.enter_context(closing(_MemorySlot()))
        reader = decompressed(peeked, what, slot.take)
        chunks = iter(lambda: reader.read(CHUNK_SIZE), b"")
        if is_compressed:
            chunks = iter(undo.enter_context(closing(ReadAhead(chunks))))
        ready = undo.enter_context(closing(ReadAhead(hashed(chunks))))
        yield iter(ready), lambda: f"{algorithm}:{digest.hexdigest()}" if digest else None
