"""Build contexts: a tar archive that is kept as it came, in a file without a name, with an index of what is in it.

It is never unpacked: COPY writes a layer's archive out of it. While it comes in, each file's content is hashed.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from contextlib import contextmanager
from typing import cast

from labcore.builder.copy.context_index import CHUNK_SIZE, TOP, Index, zeros
from labcore.builder.copy.sources import Item, not_ignored, resolve
from labcore.disk_space import room_for
from labcore.errors import InvalidInput, NotFound
from labcore.tar.reading import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO, Self

    from labcore.options.dockerignore import Patterns
    from labcore.tar.fields import Map


class ContextArchive:
    """A tar archive's files: all root's, as docker has those of a context, unless it keeps owners."""

    def __init__(
        self,
        file: int,
        items: dict[bytes, Item],
        name: str,
        directory: Path | None,
        *,
        is_context: bool = False,
        is_remote: bool = False,
    ) -> None:
        self.name = name
        self.directory = directory
        self.is_context = is_context
        self.is_remote = is_remote
        self._file = file
        self._items = items
        self._paths = sorted(items)

    @classmethod
    @contextmanager
    def spooled(
        cls, stream: BinaryIO, directory: Path, *, ignored: Patterns | None = None, name: str = "the build context"
    ) -> Iterator[Self]:
        """Read an archive, plain or compressed, to a file in `directory` that is gone when the block ends.

        What is `ignored` is as if it were not there. Raises InvalidInput for what is no archive, and what no context has:
        names that lead out of it, devices. Raises StoreFull.
        """
        with _indexed(Index(name), stream, directory) as (file, items):
            found = cls(file, items, name, directory, is_context=True)
            yield found.without(ignored) if ignored else found

    @classmethod
    @contextmanager
    def unpacked(cls, stream: BinaryIO, directory: Path, name: str) -> Iterator[Self]:
        """Do the same with an archive that ADD unpacks: owners and devices are kept, and no content is hashed."""
        with _indexed(Index(name, keeps_owners=True, hashes=False), stream, directory) as (file, items):
            yield cls(file, items, name, directory)

    def without(self, ignored: Patterns) -> Self:
        """Return the same, without what a .dockerignore leaves out."""
        items = {b"": self._items[b""], **dict(not_ignored(self.below(b""), ignored))}
        return type(self)(self._file, items, self.name, self.directory, is_context=self.is_context, is_remote=self.is_remote)

    def part(self, directory: bytes, name: str) -> Self:
        """Return one directory of it, as a context of this name; one that is not there is empty."""
        skipped = len(directory) + 1
        items = {b"": self._items.get(directory, TOP), **{path[skipped:]: item for path, item in self.below(directory)}}
        return type(self)(self._file, items, name, self.directory, is_context=self.is_context, is_remote=self.is_remote)

    def find(self, path: bytes) -> Item | None:
        """Return what has that name."""
        return self._items.get(path)

    def names(self, directory: bytes) -> list[bytes]:
        """Return the names in a directory, sorted."""
        prefix = directory + b"/" if directory else b""
        found, position = [], self._first(prefix)
        while position < len(self._paths) and self._paths[position].startswith(prefix):
            name, slash, _ = self._paths[position][len(prefix) :].partition(b"/")
            if slash:
                position = bisect_left(self._paths, prefix + name + b"0", position)  # the byte behind a slash
            else:
                found.append(name)
                position += 1
        return found

    def below(self, directory: bytes) -> Iterator[tuple[bytes, Item]]:
        """Yield all that is below a directory."""
        prefix = directory + b"/" if directory else b""
        items = self._items
        for position in range(self._first(prefix), len(self._paths)):
            path = self._paths[position]
            if not path.startswith(prefix):
                break
            yield path, items[path]

    def _first(self, prefix: bytes) -> int:
        return bisect_left(self._paths, prefix) if prefix else 1  # the top's own path is the first

    def content(self, path: bytes, item: Item) -> Iterator[bytes]:  # noqa: ARG002
        """Yield a file's content; the holes of a sparse one as zeros."""
        offset, pieces = cast("tuple[int, Map | None]", item.place)
        end = 0
        for start, length in ((0, item.size),) if pieces is None else pieces:
            yield from zeros(start - end)
            for position in range(0, length, CHUNK_SIZE):
                yield os.pread(self._file, min(CHUNK_SIZE, length - position), offset + position)
            offset += length
            end = start + length
        yield from zeros(item.size - end)

    def read(self, path: str, limit: int) -> bytes:
        """Return a file's content. Raises NotFound; InvalidInput if it is no file, or has more than `limit` bytes."""
        found = resolve(self, os.fsencode(path))
        if found is None:
            raise NotFound(f"{path}: there is no such file in {self.name}")
        real, item = found
        if item.kind != FILE or item.size > limit:
            problem = f"it has {item.size} bytes, and {limit} are the most" if item.kind == FILE else "it is no file"
            raise InvalidInput(f"{path} in {self.name}: {problem}")
        return b"".join(self.content(real, item))


@contextmanager
def _indexed(index: Index, stream: BinaryIO, directory: Path) -> Iterator[tuple[int, dict[bytes, Item]]]:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        with room_for(index.name, directory):
            index.read(stream, file.fileno())
        yield file.fileno(), index.items
