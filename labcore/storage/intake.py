"""Take files out of an archive into a root that may be a stranger's; the archive may be another's."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from labcore.errors import InvalidInput, NotFound, StoreDamaged
from labcore.storage.describing import NEW_FILE, Description, clear, describe, make_directory
from labcore.storage.extract import write_content
from labcore.storage.files import Files
from labcore.tar import Archive, BadArchive, Entry, decompressed
from labcore.tar import reading as tar

PIECE: Final = 1 << 18
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
    times: list[tuple[str, Description]] = []
    try:
        plain = decompressed(archive, "it")
        opened = Archive(iter(lambda: plain.read(PIECE), b""))
        for entry in opened:
            path = f"{to.rstrip('/')}/{_checked(entry.name)}"
            description = _described(entry, owner)
            _put(entry, opened.content(), files, to, path, description)
            if entry.kind == tar.DIRECTORY:
                times.append((path, description))
    except (BadArchive, OverflowError, StoreDamaged) as error:
        raise InvalidInput(f"this is no archive that can be read: {error}") from None
    for path, description in reversed(times):  # what is put into a directory changes its time
        with suppress(OSError, NotFound), files.place(path, follow=False) as place:
            os.utime(place.name, ns=(description.time, description.time), dir_fd=place.parent, follow_symlinks=False)


def _checked(raw: bytes) -> str:
    name = os.fsdecode(raw)
    if ".." in PurePosixPath(name).parts or "\0" in name:
        raise InvalidInput(f"the archive has an entry {name!r}, which leads upwards: do not trust where it comes from")
    return name.lstrip("/")


def _described(entry: Entry, owner: tuple[int, int] | None) -> Description:
    if entry.kind not in KINDS:
        raise InvalidInput(f"the archive's entry {entry.name!r} is of an unknown kind: {entry.kind!r}")
    attributes = {
        os.fsdecode(name): value
        for name, value in entry.xattrs.items()
        if name.startswith(TAKEN) and not name.startswith(OVERLAYS_OWN)
    }
    return Description(
        KINDS[entry.kind] | entry.mode, owner or (entry.uid, entry.gid), entry.mtime, entry.mtime, attributes
    )  # fmt: skip


def _put(
    entry: Entry, content: Iterator[memoryview], files: Files, to: str, path: str, description: Description
) -> None:  # fmt: skip
    files.make_directories(os.path.dirname(path.rstrip("/")))  # noqa: PTH120
    with files.place(path, follow=False) as place:
        parent, name = place.parent, place.name
        if entry.kind == tar.DIRECTORY:
            if name != ".":
                make_directory(parent, name, path)
                describe(parent, name, description)
            return
        clear(parent, name, path, special=True)
        if entry.kind == tar.HARD_LINK:
            with files.place(f"{to.rstrip('/')}/{_checked(entry.link)}", follow=False) as first:
                os.link(first.name, name, src_dir_fd=first.parent, dst_dir_fd=parent, follow_symlinks=False)
            return
        _make(entry, content, parent, name)
        describe(parent, name, description)


def _make(entry: Entry, content: Iterator[memoryview], parent: int, name: str) -> None:
    if entry.kind == tar.SYMLINK:
        os.symlink(entry.link, os.fsencode(name), dir_fd=parent)
    elif entry.kind == tar.FILE:
        fd = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
        try:
            write_content(fd, entry, content)
        finally:
            os.close(fd)
    else:
        os.mknod(name, KINDS[entry.kind] | 0o600, os.makedev(entry.major, entry.minor), dir_fd=parent)
