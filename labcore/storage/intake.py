"""Take files out of an archive into a root that may be a stranger's; the archive may be another's."""

import os
import stat
import tarfile
import zlib
from contextlib import suppress
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from labcore.errors import InvalidInput, NotFound
from labcore.storage.describing import NEW_FILE, Description, clear, describe, make_directory
from labcore.storage.files import Files

PIECE: Final = 1 << 18
KINDS: Final = {
    tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO,
}  # fmt: skip
XATTR: Final = "SCHILY.xattr."


def take_in(archive: BinaryIO, files: Files, to: str, *, owner: tuple[int, int] | None) -> None:
    """Take all files out of an archive, plain or compressed, into a directory. With an `owner` they belong to it.

    No link in the archive or in the root leads out of that. Raises NotFound, InvalidInput; what came before the fault stays.
    """
    with files.place(to, follow=True) as place:
        if not place.is_directory:
            raise NotFound(f"{files.whose}{to}: there is no such directory to put an archive's files into")
    times: list[tuple[str, Description]] = []
    try:
        with tarfile.open(fileobj=archive, mode="r|*") as tar:
            for member in tar:
                path = f"{to.rstrip('/')}/{_checked(member.name)}"
                description = _described(member, owner)
                _put(tar, member, files, to, path, description)
                if member.isdir():
                    times.append((path, description))
    except InvalidInput:
        raise
    except (tarfile.TarError, ValueError, OverflowError, EOFError, zlib.error) as error:
        raise InvalidInput(f"this is no archive that can be read: {error}") from None
    for path, description in reversed(times):  # what is put into a directory changes its time
        with suppress(OSError, NotFound), files.place(path, follow=False) as place:
            os.utime(place.name, ns=(description.time, description.time), dir_fd=place.parent, follow_symlinks=False)


def _checked(name: str) -> str:
    if ".." in PurePosixPath(name).parts:
        raise InvalidInput(f"the archive has an entry {name!r}, which leads upwards: do not trust where it comes from")
    return name.lstrip("/")


def _described(member: tarfile.TarInfo, owner: tuple[int, int] | None) -> Description:
    kind = KINDS.get(member.type, stat.S_IFREG)
    attributes = {
        name.removeprefix(XATTR): value.encode(errors="surrogateescape")
        for name, value in member.pax_headers.items()
        if name.startswith((f"{XATTR}user.", f"{XATTR}security.capability")) and not name.startswith(f"{XATTR}user.overlay.")
    }
    time = int(member.mtime * 10**9)
    return Description(kind | stat.S_IMODE(member.mode), owner or (member.uid, member.gid), time, time, attributes)


def _put(
    tar: tarfile.TarFile, member: tarfile.TarInfo, files: Files, to: str, path: str, description: Description
) -> None:  # fmt: skip
    files.make_directories(os.path.dirname(path.rstrip("/")))  # noqa: PTH120
    with files.place(path, follow=False) as place:
        parent, name = place.parent, place.name
        if member.isdir():
            if name != ".":
                make_directory(parent, name, path)
                describe(parent, name, description)
            return
        clear(parent, name, path)
        if member.islnk():
            with files.place(f"{to.rstrip('/')}/{_checked(member.linkname)}", follow=False) as first:
                os.link(first.name, name, src_dir_fd=first.parent, dst_dir_fd=parent, follow_symlinks=False)
            return
        _make(tar, member, parent, name)
        describe(parent, name, description)


def _make(tar: tarfile.TarFile, member: tarfile.TarInfo, parent: int, name: str) -> None:
    if member.issym():
        os.symlink(member.linkname, name, dir_fd=parent)
    elif member.isreg():
        source = tar.extractfile(member)
        assert source is not None
        with source, os.fdopen(os.open(name, NEW_FILE, 0o600, dir_fd=parent), "wb") as target:
            while piece := source.read(PIECE):
                target.write(piece)
    elif member.type in KINDS:
        os.mknod(name, KINDS[member.type] | 0o600, os.makedev(member.devmajor, member.devminor), dir_fd=parent)
    else:
        raise InvalidInput(f"the archive's entry {member.name!r} is of an unknown kind: {member.type!r}")
