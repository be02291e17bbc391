"""A layer's tar archive becomes a directory that overlayfs can use (image-spec, layer.md).

The archive is a stranger's. Its names are resolved by the kernel, below an open directory that counts as the root
(openat2 with RESOLVE_IN_ROOT): neither `..` nor a link that an earlier entry made leads outside.
"""

import errno
import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from labcore.errors import StoreDamaged, SystemCallError
from labcore.native import Resolve, openat2, syncfs

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
SEARCH = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
INSIDE = Resolve.IN_ROOT | Resolve.NO_MAGICLINKS
XATTR = "SCHILY.xattr."
NOT_THE_LAYERS_FAULT = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}


def unpack_into(target: Path, open_archive: Callable[[], BinaryIO], diff_id: str) -> None:
    """Unpack an archive, gzipped or plain, as directory `target`, which appears whole or not at all.

    Raises StoreDamaged if it is no archive, or if the digest of its uncompressed bytes is not `diff_id`.
    """
    incoming = Path(tempfile.mkdtemp(dir=target.parent, prefix=".incoming-"))
    try:
        _unpack_checked(open_archive, incoming, diff_id)
        incoming.chmod(0o755)
        _rename_or_keep(incoming, target)
    except BaseException:
        shutil.rmtree(incoming, ignore_errors=True)
        raise


def _rename_or_keep(incoming: Path, target: Path) -> None:
    try:
        incoming.rename(target)
    except OSError:
        if not target.is_dir():
            raise
        shutil.rmtree(incoming)  # somebody else was faster


class _Hashing(io.RawIOBase):
    """A reader that hashes what passes through it."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._digest.update(chunk)
        return chunk

    def finish(self) -> str:
        """Read what is left (an archive may be padded) and return the digest of all."""
        while self.read(1 << 20):
            pass
        return "sha256:" + self._digest.hexdigest()


def _unpack_checked(open_archive: Callable[[], BinaryIO], directory: Path, diff_id: str) -> None:
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with open_archive() as raw:
            is_gzip = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            hashing = _Hashing(gzip.GzipFile(fileobj=raw) if is_gzip else raw)  # type: ignore[arg-type]
            unpack(hashing, root)  # type: ignore[arg-type]
            found = hashing.finish()
        if found != diff_id:
            raise StoreDamaged(f"a layer should have the digest {diff_id} and has {found}: make or pull the image anew")
        syncfs(root)  # the name must not outlive a crash that the content did not
    except (EOFError, gzip.BadGzipFile, zlib.error, ValueError, OverflowError) as error:
        raise StoreDamaged(f"layer {diff_id} is damaged: {error}") from error
    except OSError as error:
        if error.errno in NOT_THE_LAYERS_FAULT or (os.geteuid() and isinstance(error, PermissionError)):
            raise
        raise StoreDamaged(f"layer {diff_id} asks for what cannot be: {error}") from error
    finally:
        os.close(root)


def unpack(archive: BinaryIO, root: int) -> None:
    """Unpack an uncompressed layer into the open directory `root`. Raises StoreDamaged for an archive that is none."""
    directory_times: list[tuple[str, int]] = []
    try:
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            for member in tar:
                _unpack_member(tar, member, root)
                if member.isdir():
                    directory_times.append((member.name, int(member.mtime * 1e9)))
    except tarfile.TarError as error:
        raise StoreDamaged(f"a layer is no tar archive that can be read: {error}") from error
    for name, time in reversed(directory_times):  # last: what is put into a directory changes its time
        with suppress(OSError):  # a later entry has put something else in its place
            fd = openat2(root, name, SEARCH, resolve=INSIDE)
            try:
                os.utime(f"/proc/self/fd/{fd}", ns=(time, time))
            finally:
                os.close(fd)


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, root: int) -> None:
    with _parent(root, member.name) as (parent, base):
        if not base:
            return
        if base == OPAQUE:
            _set_opaque(parent)
        elif base.startswith(WHITEOUT):
            hidden = base.removeprefix(WHITEOUT)
            if hidden in ("", ".", ".."):
                raise StoreDamaged(f"layer entry {member.name!r} removes no entry of its directory")
            _remove(parent, hidden)
            os.mknod(hidden, stat.S_IFCHR, os.makedev(0, 0), dir_fd=parent)
        else:
            _make(tar, member, root, parent, base)
            if not member.islnk():
                _set_metadata(member, parent, base)


def _make(tar: tarfile.TarFile, member: tarfile.TarInfo, root: int, parent: int, base: str) -> None:
    if member.isdir():
        if not _is_directory(parent, base):
            _remove(parent, base)
            os.mkdir(base, 0o700, dir_fd=parent)
        return
    _remove(parent, base)
    if member.isreg():
        source = tar.extractfile(member)
        assert source is not None
        fd = os.open(base, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=parent)
        with source, os.fdopen(fd, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 18)
    elif member.issym():
        os.symlink(member.linkname, base, dir_fd=parent)
    elif member.islnk():
        with _parent(root, member.linkname) as (there, name):
            os.link(name, base, src_dir_fd=there, dst_dir_fd=parent, follow_symlinks=False)
    elif member.ischr() or member.isblk() or member.isfifo():
        kind = stat.S_IFCHR if member.ischr() else stat.S_IFBLK if member.isblk() else stat.S_IFIFO
        os.mknod(base, kind | 0o600, os.makedev(member.devmajor, member.devminor), dir_fd=parent)
    else:
        raise StoreDamaged(f"layer entry {member.name!r} is of a kind that layers do not have: {member.type!r}")


def _set_metadata(member: tarfile.TarInfo, parent: int, base: str) -> None:
    os.chown(base, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
    if member.issym():
        return
    os.chmod(base, member.mode & 0o7777, dir_fd=parent)
    time = int(member.mtime * 1e9)
    os.utime(base, ns=(time, time), dir_fd=parent, follow_symlinks=False)
    attributes = {k.removeprefix(XATTR): v for k, v in member.pax_headers.items() if k.startswith(XATTR)}
    for name, value in attributes.items():
        if name.startswith(("trusted.overlay.", "user.overlay.")):
            raise StoreDamaged(f"layer entry {member.name!r} sets {name}, which is overlayfs's own")
        os.setxattr(f"/proc/self/fd/{parent}/{base}", name, value.encode(errors="surrogateescape"), follow_symlinks=False)


def _set_opaque(parent: int) -> None:
    """Mark a directory as hiding what lower layers have in it, for overlays on the machine and for those of user namespaces.

    Those read user.* attributes (option `userxattr`), for trusted.* are not for them to read; nor, in one, for us to write.
    """
    for space in ("user", "trusted"):
        with suppress(PermissionError):
            os.setxattr(f"/proc/self/fd/{parent}", f"{space}.overlay.opaque", b"y")


@contextmanager
def _parent(root: int, name: str) -> Iterator[tuple[int, str]]:
    """Open the directory that holds an entry, made if it is missing, and yield it with the entry's own name."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", ".")]
    if ".." in parts:
        raise StoreDamaged(f"layer entry {name!r} leads upwards")
    *above, base = parts or [""]
    fd = _open_directory(root, above)
    try:
        yield fd, base
    finally:
        os.close(fd)


def _open_directory(root: int, parts: list[str]) -> int:
    """Open a directory below the root, made with its parents if it is missing."""
    path = "/".join(parts) or "."
    try:
        return openat2(root, path, SEARCH, resolve=INSIDE)
    except SystemCallError as error:
        if error.errno != errno.ENOENT or not parts:
            raise StoreDamaged(f"a layer has entries below {path!r}, which is no directory: {error.strerror}") from error
    here = os.dup(root)
    for depth, part in enumerate(parts):
        with suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=here)
        os.close(here)
        here = openat2(root, "/".join(parts[: depth + 1]), SEARCH, resolve=INSIDE)
    return here


def _is_directory(parent: int, base: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(base, dir_fd=parent, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _remove(parent: int, base: str) -> None:
    if _is_directory(parent, base):
        shutil.rmtree(base, dir_fd=parent)
        return
    try:
        os.unlink(base, dir_fd=parent)
    except FileNotFoundError:
        return
