"""Sources: trees of files that COPY and ADD take from: a build context, a stage's root file system, a Dockerfile's heredocs.

Paths in a source are bytes, from its top, without a leading slash; the top itself is the empty path. Links are followed here,
so that they end inside of the source whatever they say.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple, Protocol

from labcore.errors import InvalidInput
from labcore.native import Resolve
from labcore.storage import overlay
from labcore.storage.files import MAX_LINKS
from labcore.storage.layers import unrepeated
from labcore.storage.packing import KINDS
from labcore.storage.tree import Entry, Tree, open_beneath, sorted_names
from labcore.tar.reading import DIRECTORY, FILE, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any, Final, Self

    from labcore.engine.engine import Engine
    from labcore.options.dockerignore import Patterns
    from labcore.tar import Chunk

CHUNK_SIZE: Final = 1 << 17
IMPLIED: Final = "implied"  # the place of a directory that an archive has no entry for
READING: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Item(NamedTuple):
    """A file of a source: its type as a tar archive has it, its metadata, `mtime` in nanoseconds.

    `digest` is the content's SHA-256, empty where it is not known; `place` says, to the source alone, where the content is.
    `identity` is the same for all names of a file that has several.
    """

    kind: bytes
    mode: int
    owner: tuple[int, int] = (0, 0)
    mtime: int = 0
    size: int = 0
    link: bytes = b""
    attributes: Mapping[bytes, bytes] = {}
    device: tuple[int, int] = (0, 0)
    digest: bytes = b""
    place: object = None
    identity: object = None


class Source(Protocol):
    """A tree of files. `name` is what errors call it; `is_context`: are missing files maybe left out by a .dockerignore?

    `is_remote`: was it downloaded? ADD unpacks no archive of those unasked. `directory` is where archives in it are unpacked
    for a while; None if none are.
    """

    name: str
    directory: Path | None
    is_context: bool
    is_remote: bool

    def find(self, path: bytes) -> Item | None:
        """Return what has that name; no link is followed, and the path has none in it."""

    def names(self, directory: bytes) -> list[bytes]:
        """Return the names in a directory, sorted."""

    def below(self, directory: bytes) -> Iterator[tuple[bytes, Item]]:
        """Yield all that is below a directory, by full paths: a directory before what is in it."""

    def content(self, path: bytes, item: Item) -> Iterator[Chunk]:
        """Yield a regular file's content, exactly as many bytes as its size says."""


def resolve(source: Source, path: bytes) -> tuple[bytes, Item] | None:
    """Return a path without links, and what is there; None if there is nothing. Links end inside of the source.

    Raises InvalidInput if too many links lead to each other.
    """
    return _resolved(source.find, path)


def _resolved(find: Callable[[bytes], Item | None], path: bytes) -> tuple[bytes, Item] | None:
    here: list[bytes] = []
    item = find(b"")
    left = path.split(b"/")[::-1]
    links = 0
    while left:
        part = left.pop()
        if part in (b"", b"."):
            continue
        if item is None or item.kind != DIRECTORY:
            return None
        if part == b"..":
            del here[-1:]
            item = find(b"/".join(here))
            continue
        item = find(b"/".join((*here, part)))
        if item is not None and item.kind == SYMLINK:
            links += 1
            if links > MAX_LINKS:
                raise InvalidInput(f"{os.fsdecode(path)}: too many links lead to each other")
            here = [] if item.link.startswith(b"/") else here
            left += item.link.split(b"/")[::-1]
            item = find(b"/".join(here))
        else:
            here.append(part)
    return None if item is None else (b"/".join(here), item)


def not_ignored(entries: Iterable[tuple[bytes, Item]], patterns: Patterns) -> Iterator[tuple[bytes, Item]]:
    """Yield those entries of a walk that patterns do not leave out, as docker's walk does it.

    A directory that is left out itself comes with the first thing in it that an exception takes in again.
    """
    entered = {b""}
    held: dict[bytes, Item] = {}
    for path, item in entries:
        if path.rpartition(b"/")[0] not in entered:
            continue
        text = os.fsdecode(path)
        is_left_out = patterns.matches(text)
        if item.kind == DIRECTORY and (not is_left_out or patterns.enters(text)):
            entered.add(path)
        if is_left_out:
            if path in entered:
                held[path] = item
            continue
        for above in parents(path) if held else ():
            if above in held:
                yield above, held.pop(above)
        yield path, item


def parents(path: bytes) -> list[bytes]:
    """Return the directories that a path leads through, from the outermost."""
    parts = path.split(b"/")[:-1]
    return [b"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


class InlineFiles:
    """Files that a Dockerfile holds itself, as heredocs: root's, 0644, and without a time."""

    is_context = is_remote = False
    directory: Path | None = None

    def __init__(self, contents: Mapping[str, bytes], name: str = "the Dockerfile") -> None:
        self.name = name
        self._contents = {os.fsencode(path.lstrip("/")): content for path, content in contents.items()}

    def find(self, path: bytes) -> Item | None:
        """Return one of the files, or their directory."""
        if not path:
            return Item(DIRECTORY, 0o755)
        return self._item(path) if path in self._contents else None

    def names(self, directory: bytes) -> list[bytes]:
        """Return all names: there are no directories."""
        return [] if directory else sorted(self._contents)

    def below(self, directory: bytes) -> Iterator[tuple[bytes, Item]]:
        """Yield all files."""
        for name in self.names(directory):
            yield name, self._item(name)

    def _item(self, path: bytes) -> Item:
        content = self._contents[path]
        return Item(FILE, 0o644, size=len(content), digest=sha256(content).digest())

    def content(self, path: bytes, item: Item) -> Iterator[bytes]:  # noqa: ARG002
        """Yield a file's content."""
        yield self._contents[path]


class RootTree:
    """The root file system of a stage or an image, mounted read-only where nobody sees it while the `with` lasts.

    `layers` are as `Engine.layers_of` gives them. Owners are kept; sockets are left out.
    """

    is_context = is_remote = False
    directory: Path | None = None

    def __init__(self, engine: Engine, layers: Sequence[str], name: str) -> None:
        self.name = name
        self._mount = _mounted(engine, layers)
        self._tree = Tree(-1)
        self._root = -1

    def __enter__(self) -> Self:
        """Raise SystemCallError, InvalidInput if it cannot be mounted."""
        self._root = self._mount.__enter__()
        self._tree = Tree(self._root)
        return self

    def __exit__(self, *exception: Any) -> None:
        self._mount.__exit__(*exception)

    def find(self, path: bytes) -> Item | None:
        """Look at a file."""
        above, _, name = path.rpartition(b"/")
        with self._tree.directory(os.fsdecode(above) or ".") as fd:
            if fd is not None:
                with suppress(FileNotFoundError, NotADirectoryError):
                    base = os.fsdecode(name) or "."
                    return _item(Entry(os.fsdecode(path), base, os.stat(base, dir_fd=fd, follow_symlinks=False), fd))
        return None

    def names(self, directory: bytes) -> list[bytes]:
        """List a directory."""
        with self._tree.directory(os.fsdecode(directory) or ".") as fd:
            return [] if fd is None else [os.fsencode(name) for name in sorted_names(fd)]

    def below(self, directory: bytes) -> Iterator[tuple[bytes, Item]]:
        """Walk a directory."""
        prefix = directory + b"/" if directory else b""
        with self._tree.directory(os.fsdecode(directory) or ".") as fd:
            if fd is not None:
                for entry in Tree(fd).walk():
                    if not stat.S_ISSOCK(entry.status.st_mode):
                        yield prefix + os.fsencode(entry.path), _item(entry)

    def content(self, path: bytes, item: Item) -> Iterator[bytes]:
        """Yield a file's content."""
        fd = open_beneath(self._root, os.fsdecode(path), READING, Resolve.BENEATH | Resolve.NO_SYMLINKS)
        try:
            for position in range(0, item.size, CHUNK_SIZE):
                size = min(CHUNK_SIZE, item.size - position)
                yield os.pread(fd, size, position).ljust(size, b"\0")
        finally:
            os.close(fd)


def _mounted(engine: Engine, layers: Sequence[str]) -> AbstractContextManager[int]:
    return overlay.merged(engine.layers.overlay(unrepeated(layers) or [engine.layers.add_empty()]), writable=False)


def _item(entry: Entry) -> Item:
    status = entry.status
    kind = KINDS.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise InvalidInput(f"{entry.path} is a socket, which cannot be copied")
    return Item(
        kind,
        stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        status.st_mtime_ns,
        status.st_size if kind == FILE else 0,
        os.fsencode(os.readlink(entry.name, dir_fd=entry.parent)) if kind == SYMLINK else b"",
        {os.fsencode(name): value for name, value in entry.attributes().items()},
        (os.major(status.st_rdev), os.minor(status.st_rdev)),
        identity=entry.identity if status.st_nlink > 1 and kind != DIRECTORY else None,
    )
