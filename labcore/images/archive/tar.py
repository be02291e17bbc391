"""A tar archive of a stranger's, read in one pass, as it comes through a pipe (POSIX.1-2017, pax, "ustar Interchange Format").

An image's archive has few members, and some of them are huge: what is kept in memory is a name for each, never more.
"""

import tarfile
from collections.abc import Iterator
from typing import BinaryIO, Final

from labcore.errors import StoreDamaged
from labcore.record import Record

BLOCK: Final = 512
PIECE: Final = 1 << 20
MEMBERS_MAX: Final = 50_000
NAME_MAX: Final = 512
HEADER_MAX: Final = 1 << 16  # bytes of a pax header, which holds names and times
HEADERS_MAX: Final = 8  # and as many, for one member
PADDING_MAX: Final = 1 << 20  # behind the end; what writes into a pipe wants to be read to its end

FILE, DIRECTORY, LINK = "file", "directory", "link"


class Member(Record):
    """One member: its name, relative and without `..`; its size; of a link of either kind, what it leads to in the archive."""

    name: str
    kind: str
    size: int = 0
    target: str = ""


class TarReader:
    """The members of an archive, one after another. `what` names it in errors."""

    def __init__(self, stream: BinaryIO, what: str) -> None:
        self._stream = stream
        self._what = what
        self._left = 0  # bytes of the current member that nobody has read
        self._padding = 0

    def members(self) -> Iterator[Member]:
        """Yield each member; its content is had by `content`, before the next one. Raises StoreDamaged."""
        seen: set[str] = set()
        for _ in range(MEMBERS_MAX):
            member = self._next()
            if member is None:
                return
            if member.kind != DIRECTORY and member.name in seen:
                raise self._damaged(f"has two members called {member.name!r}")
            seen.add(member.name)
            yield member
        raise self._damaged(f"has more than {MEMBERS_MAX} members")

    def content(self) -> Iterator[bytes]:
        """Yield the current member's bytes. Raises StoreDamaged."""
        while self._left:
            chunk = self._stream.read(min(self._left, PIECE))
            if not chunk:
                raise self._cut_off()
            self._left -= len(chunk)
            yield chunk

    def _next(self) -> Member | None:
        """Read headers up to that of the next member whose kind is known; None at the end."""
        extra: dict[str, str] = {}
        for _ in range(HEADERS_MAX):
            for _ in self.content():
                pass
            self._exactly(self._padding)
            block = self._block()
            if block is None:
                self._drain()
                return None
            info = self._parsed(block)
            if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
                found = self._pax(info.size)
                extra |= found if info.type == tarfile.XHDTYPE else {}
            elif info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
                key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
                extra[key] = self._small(info.size).split(b"\0", 1)[0].decode(errors="surrogateescape")
            else:
                return self._member(info, extra)
        raise self._damaged(f"has more than {HEADERS_MAX} headers before a member")

    def _member(self, info: tarfile.TarInfo, extra: dict[str, str]) -> Member | None:
        size = int(extra["size"]) if extra.get("size", "").isdecimal() else info.size
        self._expect(size if info.type in tarfile.REGULAR_TYPES else 0)
        path = extra.get("path", info.name)
        name = self._inside(path, f"a member {path!r} that leads outside")
        if info.isdir():
            return Member(name, DIRECTORY)
        if info.issym() or info.islnk():
            target = extra.get("linkpath", info.linkname)
            above = f"{name.rpartition('/')[0]}/" if info.issym() and "/" in name and not target.startswith("/") else ""
            return Member(name, LINK, target=self._inside(above + target, f"a link {path!r} that leads outside, to {target!r}"))
        if not info.isreg() or info.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in extra):
            raise self._damaged(f"has a member {path!r} of a kind that image archives do not have: {info.type!r}")
        return Member(name, FILE, size)

    def _inside(self, path: str, otherwise: str) -> str:
        """Return a path without `.` and `..`. Raises StoreDamaged if it leads out of the archive."""
        parts: list[str] = []
        for part in path.split("/"):
            if path.startswith("/") or (part == ".." and not parts):
                raise self._damaged(f"has {otherwise}")
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        name = "/".join(parts)
        if len(name) > NAME_MAX:
            raise self._damaged(f"has a name of {len(name)} characters: {name[:40]!r}…")
        return name

    def _parsed(self, block: bytes) -> tarfile.TarInfo:
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.TarError, ValueError) as error:
            raise self._damaged(f"is no tar archive that can be read: {error}") from None
        if info.size < 0:
            raise self._damaged(f"has a member {info.name!r} of {info.size} bytes")
        return info

    def _pax(self, size: int) -> dict[str, str]:
        """Return the records of a pax header: `LENGTH KEY=VALUE` and a newline, each."""
        content, records = self._small(size), {}
        while content.strip(b"\0"):
            length, _, rest = content.partition(b" ")
            if not length.isdigit() or not len(length) + 2 < int(length) <= len(content):
                raise self._damaged("has a pax header that is none")
            key, _, value = rest[: int(length) - len(length) - 2].partition(b"=")
            records[key.decode(errors="replace")] = value.decode(errors="surrogateescape")
            content = content[int(length) :]
        return records

    def _small(self, size: int) -> bytes:
        if size > HEADER_MAX:
            raise self._damaged(f"has a header of {size} bytes")
        content = self._exactly(size)
        self._expect(0, -size % BLOCK)
        return content

    def _expect(self, size: int, padding: int | None = None) -> None:
        self._left, self._padding = size, -size % BLOCK if padding is None else padding

    def _block(self) -> bytes | None:
        """Return the next header; None where the archive ends, be it with blocks of zeros or without."""
        self._expect(0)
        block = self._stream.read(BLOCK)
        if not block:
            return None
        block += self._exactly(BLOCK - len(block))
        return block if block.strip(b"\0") else None

    def _exactly(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            chunk = self._stream.read(size - len(content))
            if not chunk:
                raise self._cut_off()
            content += chunk
        return content

    def _drain(self) -> None:
        left = PADDING_MAX
        while left > 0 and (chunk := self._stream.read(1 << 16)):
            left -= len(chunk)

    def _cut_off(self) -> StoreDamaged:
        return self._damaged("is cut off: it ends in the middle of a member")

    def _damaged(self, problem: str) -> StoreDamaged:
        return StoreDamaged(f"{self._what} {problem}")
