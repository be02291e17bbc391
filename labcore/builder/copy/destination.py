"""Destinations of COPY and ADD inside an image's root: links resolved there, and what is there already."""

from __future__ import annotations

import os
import stat

from labcore.builder.copy.sources import Item
from labcore.errors import InvalidInput, NotFound
from labcore.storage.files import MAX_LINKS
from labcore.storage.packing import KINDS
from labcore.storage.tree import read_attributes
from labcore.tar.reading import DIRECTORY, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.storage.files import Files


class Image:
    """The files of an image, as far as a copy into it needs to know them. Paths are bytes, without a leading slash."""

    def __init__(self, root: Files) -> None:
        self.root = root
        self._kinds: dict[bytes, dict[bytes, bytes]] = {}  # of directories: a name -> the type of what is there

    def resolve(self, path: str) -> bytes:
        """Return a path with its links followed, the last one too; it need not exist. Raises InvalidInput."""
        here: list[bytes] = []
        left = os.fsencode(path).split(b"/")[::-1]
        links = 0
        while left:
            part = left.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                del here[-1:]
                continue
            directory = b"/".join(here)
            if self.kinds(directory).get(part) == SYMLINK:
                links += 1
                if links > MAX_LINKS:
                    raise InvalidInput(f"{path}: too many links lead to each other")
                target = self._link(directory + b"/" + part)
                here = [] if target.startswith(b"/") else here
                left += target.split(b"/")[::-1]
            else:
                here.append(part)
        return b"/".join(here)

    def kind(self, path: bytes) -> bytes | None:
        """Return the type of what has that path, which has no link in it; None if there is nothing."""
        above, _, name = path.rpartition(b"/")
        return self.kinds(above).get(name) if path else DIRECTORY

    def kinds(self, directory: bytes) -> dict[bytes, bytes]:
        """Return the names in a directory, none if there is no such directory, and their types."""
        found = self._kinds.get(directory)
        if found is None:
            found = self._kinds[directory] = self._listed(directory) if self.kind(directory) == DIRECTORY else {}
        return found

    def _listed(self, directory: bytes) -> dict[bytes, bytes]:
        with self.root.resolve(f"/{os.fsdecode(directory)}", follow=False) as found:
            fd = found.open_directory()
            try:
                with os.scandir(fd) as entries:
                    return {
                        os.fsencode(entry.name): SYMLINK if entry.is_symlink() else DIRECTORY if entry.is_dir() else b""
                        for entry in entries
                    }
            finally:
                os.close(fd)

    def directory(self, path: bytes) -> Item | None:
        """Return a directory as it is in the image; None if there is none of that path."""
        if self.kind(path) != DIRECTORY:
            return None
        with self.root.resolve(f"/{os.fsdecode(path)}", follow=False) as found:
            status = found.status
            if status is None or KINDS.get(stat.S_IFMT(status.st_mode)) != DIRECTORY:
                raise NotFound(f"/{os.fsdecode(path)}: the image's directory is gone meanwhile")
            attributes = read_attributes(f"/proc/self/fd/{found.parent}/{found.name}")
            return Item(
                DIRECTORY,
                stat.S_IMODE(status.st_mode),
                (status.st_uid, status.st_gid),
                status.st_mtime_ns,
                attributes={os.fsencode(name): value for name, value in attributes.items()},
            )

    def _link(self, path: bytes) -> bytes:
        with self.root.resolve(f"/{os.fsdecode(path)}", follow=False) as found:
            return os.fsencode(os.readlink(found.name, dir_fd=found.parent))
