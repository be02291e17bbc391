"""Sources: trees of files that COPY and ADD take from: a build context, a stage's root file system, a Dockerfile's heredocs.

Paths in a source are bytes, from its top, without a leading slash; the top itself is the empty path. Links are followed here,
so that they end inside of the source whatever they say.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple, Protocol

from labcore.errors import InvalidInput
from labcore.storage.files import MAX_LINKS
from labcore.storage.tree import MAX_PATH_BYTES
from labcore.tar.reading import DIRECTORY, FILE, SYMLINK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import Final

    from labcore.options.dockerignore import Patterns
    from labcore.tar import Chunk

NAME_MAX: Final = 255
IMPLIED: Final = "implied"  # the place of a directory that an archive has no entry for


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


def encoded(path: str) -> bytes:
    """Return a path that somebody has written as the kernel has it. Raises InvalidInput if no file can have it."""
    with suppress(UnicodeEncodeError):
        name = os.fsencode(path)
        if b"\0" not in name and len(name) <= MAX_PATH_BYTES and all(len(part) <= NAME_MAX for part in name.split(b"/")):
            return name
    raise InvalidInput(f"{ascii(path)[:100]} can be no file's path: it is too long, or has characters that none has")


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
        self._contents = {encoded(path.lstrip("/")): content for path, content in contents.items()}

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
