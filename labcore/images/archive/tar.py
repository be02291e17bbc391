"""Tar reader for image archives: untrusted, in one pass, with checked names and bounds.

An image archive has few members, and some are huge: only their names are kept in memory.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from labcore.errors import StoreDamaged
from labcore.record import Record
from labcore.tar import Archive, BadArchive, Chunk, Entry
from labcore.tar import reading as tar

BLOCK: Final = 512
CHUNK_SIZE: Final = 1 << 20
MEMBERS_MAX: Final = 50_000
NAME_MAX: Final = 512
PADDING_MAX: Final = 1 << 20  # behind the end; what writes into a pipe wants to be read to its end

FILE, DIRECTORY, LINK = "file", "directory", "link"


class Member(Record):
    """A member: its name, relative and without `..`; its size; for links of both kinds, the target in the archive."""

    name: str
    kind: str
    size: int = 0
    target: str = ""


class TarReader:
    """Iterates over the members of an archive; `what` names it in errors."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self._what = what
        self._chunks = iter(lambda: stream.read(CHUNK_SIZE), b"")
        self._archive = Archive(self._chunks)
        self._current: Entry | None = None

    def members(self) -> Iterator[Member]:
        """Yield each member; take its `content` before the next one. Of two with one name the last counts: tar(1).

        Raises StoreDamaged.
        """
        entries = iter(self._archive)
        for _ in range(MEMBERS_MAX):
            if (entry := self._next(entries)) is None:
                self._drain()
                return
            self._current = entry
            yield self._member(entry)
        raise self._damaged(f"has more than {MEMBERS_MAX} members")

    def content(self) -> Iterator[Chunk]:
        """Yield the current member's bytes, holes of a sparse one filled with zeros. Raises StoreDamaged."""
        try:
            yield from _filled(self._archive.content(), self._current)
        except BadArchive as error:
            raise self._damaged(str(error)) from None

    def _next(self, entries: Iterator[Entry]) -> Entry | None:
        try:
            return next(entries, None)
        except BadArchive as error:
            raise self._damaged(f"is no tar archive that can be read: {error}") from None

    def _member(self, entry: Entry) -> Member:
        path = os.fsdecode(entry.name)
        name = self._inside(path, f"a member {path!r} that leads outside")
        if entry.kind == tar.DIRECTORY:
            return Member(name, DIRECTORY)
        if entry.kind in (tar.SYMLINK, tar.HARD_LINK):
            target = os.fsdecode(entry.link)
            if entry.kind == tar.SYMLINK and target.startswith("/"):
                raise self._damaged(f"has a link {path!r} that leads outside, to {target!r}")
            beside = entry.kind == tar.SYMLINK and "/" in name
            above = f"{name.rpartition('/')[0]}/" if beside else ""
            return Member(name, LINK, target=self._inside(above + target, f"a link {path!r} that leads outside, to {target!r}"))
        if entry.kind != tar.FILE:
            raise self._damaged(f"has a member {path!r} of a kind that image archives do not have: {entry.kind!r}")
        return Member(name, FILE, entry.size if entry.sparse is None else entry.real_size)

    def _inside(self, path: str, otherwise: str) -> str:
        """Return a path from the archive's root, without `.` and `..`. Raises StoreDamaged if it leads out of the archive."""
        parts: list[str] = []
        for part in path.split("/"):
            if part == ".." and not parts:
                raise self._damaged(f"has {otherwise}")
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        name = "/".join(parts)
        if len(name) > NAME_MAX:
            raise self._damaged(f"has a name of {len(name)} characters: {name[:40]!r}…")
        return name

    def _drain(self) -> None:
        left = PADDING_MAX
        while left > 0 and (chunk := next(self._chunks, b"")):
            left -= len(chunk)

    def _damaged(self, problem: str) -> StoreDamaged:
        return StoreDamaged(f"{self._what} {problem}")


def _filled(content: Iterator[Chunk], entry: Entry | None) -> Iterator[Chunk]:
    """Yield a file's bytes; holes of a sparse one are filled with zeros."""
    if entry is None or entry.sparse is None:
        yield from content
        return
    at, piece = 0, memoryview(b"")
    for offset, length in (*entry.sparse, (entry.real_size, 0)):
        yield from _zeros(offset - at)
        left = length
        while left:
            piece = piece or memoryview(next(content))
            yield piece[:left]
            left, piece = max(0, left - len(piece)), piece[left:]
        at = offset + length


def _zeros(count: int) -> Iterator[bytes]:
    for start in range(0, count, CHUNK_SIZE):
        yield bytes(min(CHUNK_SIZE, count - start))
