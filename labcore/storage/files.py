"""Files of a root file system, a container's or this machine's own: path lookup, archives of them (`docker cp`), export as tar.

The kernel resolves each path with the root's descriptor as `/` (openat2(2), RESOLVE_IN_ROOT): neither `..` nor a link leads out
of it, also while somebody changes it.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from errno import ENOTDIR

from labcore.errors import NotADirectory, NotFound
from labcore.native import Resolve
from labcore.record import Record
from labcore.spec import OverlayRoot
from labcore.storage import overlay
from labcore.storage.beneath import ParentDirectories
from labcore.storage.implied import is_default_root
from labcore.storage.packing import Packer
from labcore.storage.tree import DIRECTORY, Entry, Tree, open_beneath, tree_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Final

    from labcore.spec import Root

MAX_LINKS: Final = 40
SEARCH: Final = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class ResolvedPath(Record):
    """A path resolved: the open parent directory, the name in it, and the status of that file, None if there is none."""

    parent: int
    name: str
    status: os.stat_result | None

    @property
    def is_directory(self) -> bool:
        """Is it a directory?"""
        return self.status is not None and stat.S_ISDIR(self.status.st_mode)

    def open_directory(self) -> int:
        """Open it as a directory."""
        return os.open(self.name, DIRECTORY, dir_fd=self.parent)


class Files:
    """The files below an open directory that counts as `/`; `whose` names it in errors."""

    def __init__(self, root: int, whose: str) -> None:
        self._root = root
        self.whose = whose

    @contextmanager
    def resolve(self, path: str, *, follow: bool) -> Iterator[ResolvedPath]:
        """Resolve a path, following a link at its end or not. Raises NotFound if its parent directory does not exist."""
        fd, name = self._look_up(path)
        try:
            for _ in range(MAX_LINKS):
                status = _status(fd, name)
                if not follow or status is None or not stat.S_ISLNK(status.st_mode):
                    yield ResolvedPath(fd, name, status)
                    return
                path = os.path.join(os.path.dirname(path.rstrip("/")), os.readlink(name, dir_fd=fd))  # noqa: PTH118, PTH120
                following = self._look_up(path)
                os.close(fd)
                fd, name = following
        finally:
            os.close(fd)
        raise NotFound(f"{self.whose}{path}: too many links lead to each other")

    def parents(self, below: str) -> ParentDirectories:
        """Return the parent directories of an archive's entries, below a directory that exists."""
        return ParentDirectories(self._root, os.fsencode(below))

    def path_of(self, fd: int) -> str:
        """Return the path of an open directory, as it is seen from the root."""
        top, here = (os.readlink(f"/proc/self/fd/{each}") for each in (self._root, fd))  # noqa: PTH115 - proc(5)
        return "/" + here.removeprefix(top).strip("/")

    def _look_up(self, path: str) -> tuple[int, str]:
        above, name = os.path.split(path.rstrip("/"))
        if name in ("", ".", ".."):
            above, name = path, "."
        try:
            return open_beneath(self._root, above, SEARCH, Resolve.IN_ROOT | Resolve.NO_MAGICLINKS), name
        except OSError as error:
            kind = NotADirectory if error.errno == ENOTDIR else NotFound
            raise kind(f"{self.whose}{path}: {error.strerror}: {above or '/'}") from None

    @contextmanager
    def entry(self, path: str, *, follow: bool) -> Iterator[Entry]:
        """Resolve the source of a copy; a path that ends in `/` must be a directory. The entry's `path` is its copy's name.

        Raises NotFound.
        """
        as_directory = path.endswith(("/", "/."))
        plain = path.removesuffix(".") if path.endswith("/.") else path
        with self.resolve(plain, follow=follow or as_directory) as found:
            if found.status is None:
                raise NotFound(f"{self.whose}{path}: there is no such file")
            if as_directory and not found.is_directory:
                raise NotADirectory(f"{self.whose}{path}: it is no directory")
            given = plain.rstrip("/").rpartition("/")[2]  # a link that was followed gives its name
            yield Entry(given, found.name, found.status, found.parent)

    def export(self) -> Generator[bytes, None, None]:
        """Yield all files of this file system (no mounts in it) as one tar archive.

        The root directory has an entry unless it is as it would be without one: root's, 0755.
        """
        packer, tree = Packer(), Tree(self._root, one_file_system=True)
        if not is_default_root(tree.top().status):
            yield from packer.add(tree.top(), ".")
        for entry in tree.walk():
            yield from packer.add(entry, entry.path)
        yield packer.finish()

    def archive(
        self, path: str, *, follow: bool = False, name: str = "", owner: tuple[int, int] | None = None
    ) -> Iterator[bytes]:
        """Yield a file, or a directory recursively, as a tar archive, under its own name or another.

        A directory's path that ends in `/.` means what is in it, unless it is given a name. With an `owner` all belongs to it.
        """
        packer = Packer(owner)
        with self.entry(path, follow=follow) as entry:
            only_content = not name and (path.endswith("/.") or entry.name == ".")
            if not only_content:
                yield from packer.add(entry, name or entry.path)
            if entry.is_directory:
                prefix = "" if only_content else f"{name or entry.path}/"
                with tree_of(entry) as tree:
                    for inner in tree.walk():
                        yield from packer.add(inner, prefix + inner.path)
        yield packer.finish()


def _status(parent: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def of_machine() -> Iterator[Files]:
    """Yield this machine's own files."""
    fd = os.open("/", SEARCH)
    try:
        yield Files(fd, "")
    finally:
        os.close(fd)


@contextmanager
def of_root(root: Root, whose: str = "", *, writable: bool = False) -> Iterator[Files]:
    """Yield the files that a container with this root sees. The root must be mounted nowhere else meanwhile.

    Raises SystemCallError, InvalidInput: `overlay.merged`.
    """
    if isinstance(root, OverlayRoot):
        with overlay.merged(root, writable=writable) as fd:
            yield Files(fd, whose)
        return
    fd = os.open(root.directory, SEARCH)
    try:
        yield Files(fd, whose)
    finally:
        os.close(fd)
