"""A build's context, packed as a tar stream while its directory is walked: nothing of it is held, and nothing is followed.

Each directory is opened below the context's own descriptor, name by name and without links, so that what somebody changes
meanwhile leads nowhere else. What is gone when its turn comes is left out.
"""

from __future__ import annotations

import os
import stat
from errno import ELOOP, ENOENT, ENOTDIR, ENXIO

from labcore.client.tar_headers import DIRECTORY, END, FILE, HARD_LINK, SYMLINK, header, padding
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from labcore.options.dockerignore import Patterns

PIECE_BYTES: Final = 1 << 17
SECTOR: Final = 512  # of st_blocks, stat(2)
HOLES_MIN: Final = 1 << 20  # bytes of a file's holes that are worth while to leave out
PIECES_MAX: Final = 4000  # of a sparse file's map, which is a header
OPEN_MAX: Final = 200  # directories at once
PATH_MAX: Final = 4096  # bytes of a path, of which Linux takes no more
OPEN_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # of a FIFO, nobody waits for its writer
GONE: Final = (ENOENT, ENOTDIR, ELOOP)  # or something else has taken its place
SPECIAL: Final = {stat.S_IFIFO: "a FIFO", stat.S_IFBLK: "a block device", stat.S_IFCHR: "a character device"}
CAPABILITY: Final = b"security.capability"
CURE: Final = "\n  cure: name it in .dockerignore, or move it out of the context"


class Packer:
    """Packs directories, and files that are made up, into one archive: iterate what its methods return, in turn."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._links: dict[tuple[int, int], bytes] = {}  # files that have further names -> the first

    def directory(
        self, path: str, *, prefix: str = "", ignored: Patterns | None = None, kept: Iterable[str] = ()
    ) -> Iterator[bytes]:
        """Yield what is in a directory, below `prefix` in the archive; of what is ignored, what is `kept` only.

        Raises InvalidInput for what cannot be sent, which it names.
        """
        try:
            root = os.open(path, OPEN_DIRECTORY & ~os.O_NOFOLLOW)
        except OSError as error:
            raise InvalidInput(f"the build context {path}: {error.strerror}") from None
        try:
            yield from _Walk(self, root, path, prefix, ignored, frozenset(kept)).pieces()
        finally:
            os.close(root)

    def file(self, name: str, content: bytes) -> None:
        """Add a file of this content."""
        self._waiting += header(name.encode(), FILE, 0o644, size=len(content)) + content + padding(len(content))

    def finish(self) -> bytes:
        """Return what is left, and the archive's end."""
        self._waiting += END
        return self.taken()

    def taken(self) -> bytes:
        """Return what waits to be sent."""
        found = bytes(self._waiting)
        self._waiting.clear()
        return found

    @property
    def is_full(self) -> bool:
        """Whether enough waits for a piece."""
        return len(self._waiting) >= PIECE_BYTES

    def add(self, data: bytes) -> None:
        """Have some bytes of the archive wait."""
        self._waiting += data

    def first_name(self, status: os.stat_result, name: bytes) -> bytes:
        """Return the first name under which a file with several is in the archive: this one, if it is the first."""
        return self._links.setdefault((status.st_dev, status.st_ino), name)


class _Walk:
    """A walk through one directory: its own entries, then those of each directory in it, in the order of their names."""

    def __init__(
        self, packer: Packer, root: int, name: str, prefix: str, ignored: Patterns | None, kept: frozenset[str]
    ) -> None:
        self._packer = packer
        self._root = root
        self._name = name
        self._prefix = os.fsencode(prefix)
        self._ignored = ignored
        self._kept = kept
        self._chain: list[tuple[str, int]] = []  # the directories that the walk is in: deeper than OPEN_MAX, the last alone
        self._kept_below = {path[: place + 1] for path in kept for place in range(len(path)) if path[place] == "/"}

    def pieces(self) -> Iterator[bytes]:
        """Yield it."""
        directories = [""]
        try:
            while directories:
                path = directories.pop()
                fd = self._opened(path)
                if fd is not None:
                    found: list[str] = []
                    yield from self._entries(fd, path, found)
                    directories += reversed(found)
        finally:
            self._close_below(0)

    def _opened(self, path: str) -> int | None:
        """Return a directory's descriptor, which is kept while the walk is in it, or None if it is gone."""
        parts = path.rstrip("/").split("/") if path else []
        kept = 0
        while kept < min(len(parts), len(self._chain)) and self._chain[kept][0] == parts[kept]:
            kept += 1
        self._close_below(kept)
        for part in parts[kept:]:
            try:
                fd = os.open(part, OPEN_DIRECTORY, dir_fd=self._chain[-1][1] if self._chain else self._root)
            except OSError as error:
                if error.errno in GONE:
                    return None
                raise self._unreadable(path, error) from None
            self._close_below(OPEN_MAX)
            self._chain.append((part if len(self._chain) < OPEN_MAX else "", fd))
        return self._chain[-1][1] if self._chain else self._root

    def _close_below(self, kept: int) -> None:
        while len(self._chain) > kept:
            os.close(self._chain.pop()[1])

    def _entries(self, fd: int, path: str, directories: list[str]) -> Iterator[bytes]:
        """Yield what is in one directory; tell which directories there are below it."""
        try:
            with os.scandir(fd) as found:
                entries = sorted(found, key=lambda each: each.name)
        except OSError as error:
            raise self._unreadable(path, error) from None
        matches = self._ignored.matches if self._ignored else None
        for entry in entries:
            name = path + entry.name
            is_left_out = matches is not None and name not in self._kept and matches(name)
            if entry.is_dir(follow_symlinks=False):
                if not is_left_out:
                    self._add_directory(fd, entry.name, name)
                elif not self._is_entered(f"{name}/"):
                    continue
                if len(name) >= PATH_MAX:
                    raise InvalidInput(f"{self._name}/{name[:80]}…: a path of more than {PATH_MAX} letters{CURE}")
                directories.append(f"{name}/")
            elif is_left_out:
                continue
            elif entry.is_symlink():
                self._add_link(fd, entry.name, name)
            else:
                yield from self._file(fd, entry.name, name)
            if self._packer.is_full:
                yield self._packer.taken()

    def _is_entered(self, name: str) -> bool:
        """Whether something below a directory that is left out may not be so. The archive does not have its parents then."""
        return name in self._kept_below or (self._ignored is not None and self._ignored.enters(name.rstrip("/")))

    def _add_directory(self, fd: int, name: str, path: str) -> None:
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            return
        self._packer.add(header(self._called(path) + b"/", DIRECTORY, stat.S_IMODE(status.st_mode), time=int(status.st_mtime)))

    def _add_link(self, fd: int, name: str, path: str) -> None:
        try:
            status, target = os.stat(name, dir_fd=fd, follow_symlinks=False), os.readlink(name, dir_fd=fd)
        except OSError:  # it has just become something else, or nothing
            return
        self._packer.add(header(self._called(path), SYMLINK, 0o777, time=int(status.st_mtime), link=os.fsencode(target)))

    def _file(self, fd: int, name: str, path: str) -> Iterator[bytes]:
        try:
            opened = os.open(name, OPEN_FILE, dir_fd=fd)
        except OSError as error:
            if error.errno in (*GONE, ENXIO):  # a socket, of which an archive has no kind: docker leaves it out, too
                return
            raise self._unreadable(path, error) from None
        try:
            status = os.fstat(opened)
            if kind := SPECIAL.get(stat.S_IFMT(status.st_mode)):
                raise InvalidInput(f"{self._name}/{path} is {kind}, and a build context has files, directories and links{CURE}")
            yield from self._content(opened, status, path)
        finally:
            os.close(opened)

    def _content(self, opened: int, status: os.stat_result, path: str) -> Iterator[bytes]:
        called, mode, size = self._prefix + os.fsencode(path), stat.S_IMODE(status.st_mode), status.st_size
        packer, time = self._packer, int(status.st_mtime)
        if status.st_nlink > 1 and (first := packer.first_name(status, called)) is not called:
            packer.add(header(called, HARD_LINK, mode, time=time, link=first))
            return
        attributes = _attributes(opened) if mode & 0o111 else {}
        pieces = _pieces(opened, status)
        packer.add(header(called, FILE, mode, size=size, time=time, attributes=attributes, pieces=pieces))
        if pieces is None:
            yield from self._piece(opened, size, path, size)
        for start, length in pieces or ():
            os.lseek(opened, start, os.SEEK_SET)
            yield from self._piece(opened, length, path, size)
        packer.add(padding(size if pieces is None else sum(length for _, length in pieces)))

    def _piece(self, opened: int, left: int, path: str, size: int) -> Iterator[bytes]:
        packer = self._packer
        while left:
            try:
                piece = os.read(opened, min(left, PIECE_BYTES))
            except OSError as error:
                raise self._unreadable(path, error) from None
            if not piece:
                raise self._shorter(path, left, size)
            packer.add(piece)
            left -= len(piece)
            if left and packer.is_full:
                yield packer.taken()

    def _shorter(self, path: str, left: int, size: int) -> InvalidInput:
        return InvalidInput(
            f"{self._name}/{path} has become shorter while it was sent: {left} of {size} bytes are missing\n"
            "  cure: build again when nobody writes it, or name it in .dockerignore"
        )

    def _called(self, path: str) -> bytes:
        return self._prefix + os.fsencode(path)

    def _unreadable(self, path: str, error: OSError) -> InvalidInput:
        return InvalidInput(f"{self._name}/{path}: {error.strerror}: it belongs to the build context, and cannot be read{CURE}")


def _pieces(opened: int, status: os.stat_result) -> list[tuple[int, int]] | None:
    """Return where a sparse file has data, as (offset, length): lseek(2). None for one that is better sent whole."""
    size, found, end = status.st_size, list[tuple[int, int]](), 0
    if size - status.st_blocks * SECTOR < HOLES_MIN:
        return None
    try:
        while len(found) < PIECES_MAX:
            start = os.lseek(opened, end, os.SEEK_DATA)
            end = min(os.lseek(opened, start, os.SEEK_HOLE), size)
            if start >= end:  # it has grown
                break
            found.append((start, end - start))
    except OSError as error:
        if error.errno != ENXIO:  # which means: no more data
            raise
    if len(found) == PIECES_MAX:
        os.lseek(opened, 0, os.SEEK_SET)
        return None
    return found or [(size, 0)]


def _attributes(opened: int) -> dict[bytes, bytes]:
    """Return the capabilities of a program: setcap(8)."""
    try:
        return {CAPABILITY: os.getxattr(opened, CAPABILITY)}
    except OSError:
        return {}
