"""Tar reader, streaming: POSIX's ustar and pax formats, GNU's long names and sparse files.

Names, links and attributes are bytes, as in the archive and in the kernel: a layer's names need not be UTF-8. Nothing in here
touches the file system. (tar(5) of libarchive; POSIX.1-2017, pax; GNU tar's manual, "Storing Sparse Files".)
"""

from __future__ import annotations

import struct
import zlib

from labcore.tar.fields import (
    SPARSE_MAX,
    attributes,
    broken,
    checked_map,
    clock,
    decimal,
    device,
    nanoseconds,
    number,
    old_pieces,
    owner,
    owner_field,
    path,
    pax_records,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.tar.fields import (
        Map,
    )

BLOCK: Final = 512
RECORDS_MAX: Final = 1 << 20  # bytes of one pax header or long name; a path has 4 KiB, an attribute 64 KiB at most
EXTENSIONS_MAX: Final = 8  # headers that say more of an entry
FILE, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
KINDS: Final = (FILE, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO)
EXTENSIONS: Final = b"xXgLKV"  # headers that say more of the next entry
WITHOUT_CONTENT: Final = (HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO)
XATTR: Final = b"SCHILY.xattr."
HEADER: Final = struct.Struct("100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x")


MODULUS: Final = 65521  # of Adler-32
Chunk = bytes | memoryview  # what an archive comes in, and what its content is handed on in


class Entry:
    """A file of an archive. `size` is that of its content in the archive; `sparse` says where in the file that belongs."""

    __slots__ = (
        "gid",
        "kind",
        "link",
        "major",
        "minor",
        "mode",
        "mtime",
        "name",
        "real_size",
        "size",
        "sparse",
        "uid",
        "xattrs",
    )

    def __init__(self, name: bytes, kind: bytes) -> None:
        self.name = name
        self.kind = kind
        self.link = b""
        self.mode = self.uid = self.gid = self.size = self.real_size = self.major = self.minor = 0
        self.mtime = 0  # nanoseconds since 1970
        self.sparse: Map | None = None
        self.xattrs: dict[bytes, bytes] = {}


class Archive:
    """Iterates over the entries of an archive in chunks; each entry's content is read before the next, or skipped.

    Iterating raises BadArchive.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._left = 0  # of the present entry's content
        self._padding = 0
        self._taken = 0  # bytes of all chunks so far

    @property
    def position(self) -> int:
        """How many bytes of the archive come before what is read next: the current entry's content, if none of it was read."""
        return self._taken - len(self._chunk)

    def __iter__(self) -> Iterator[Entry]:
        while (block := self._header()) is not None:
            if block[156:157] not in EXTENSIONS:  # most entries
                yield self._entry(block, {}, [], None, None)
                self._skip()
                continue
            records: list[tuple[bytes, bytes]] = []
            name = link = None
            extensions = 0
            while (kind := block[156:157]) in EXTENSIONS:
                content = self._short_content(number(block[124:136], "size"))
                if kind == b"L":
                    name = content.partition(b"\0")[0]
                elif kind == b"K":
                    link = content.partition(b"\0")[0]
                elif kind not in b"gV":  # a label, and what is said of all entries: comments (git's, for one), as to docker
                    records += pax_records(content)
                extensions += 1
                if extensions > EXTENSIONS_MAX:
                    broken(f"it has more than {EXTENSIONS_MAX} headers for one entry")
                block = self._header() or broken("it ends after a header that belongs to another")
            yield self._entry(block, dict(records), records, name, link)
            self._skip()

    def content(self) -> Iterator[memoryview]:
        """Yield the current entry's content in pieces. Raises BadArchive if the archive ends before."""
        while self._left:
            piece = self._some(self._left)
            self._left -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read to the end of the chunks, for an archive may be padded."""
        for _ in self._chunks:
            pass

    # --- one entry

    def _entry(
        self, block: bytes, pax: dict[bytes, bytes], records: list[tuple[bytes, bytes]], name: bytes | None, link: bytes | None
    ) -> Entry:
        short, mode, uid, gid, size, mtime, _, kind, linked, magic, _, _, major, minor, prefix = HEADER.unpack(block)
        if name is None:
            name = short.partition(b"\0")[0]
            if magic[:6] == b"ustar\0" and prefix[0]:
                name = prefix.partition(b"\0")[0] + b"/" + name
        if link is None:
            link = linked.partition(b"\0")[0]
        if pax:
            name = path(pax.get(b"path", name), "an entry's name")
            link = path(pax.get(b"linkpath", link), "a link to")
        if kind in b"\x007":
            kind = FILE
        if kind == FILE and name.endswith(b"/"):
            kind = DIRECTORY
        entry = Entry(name, kind)
        entry.link = link
        entry.mode = number(mode, "mode") & 0o7777
        entry.uid = owner(decimal(pax[b"uid"]), "uid") if b"uid" in pax else owner_field(uid, "uid")
        entry.gid = owner(decimal(pax[b"gid"]), "gid") if b"gid" in pax else owner_field(gid, "gid")
        entry.mtime = clock(nanoseconds(pax[b"mtime"]) if b"mtime" in pax else number(mtime, "mtime") * 10**9)
        if kind in b"34":
            entry.major, entry.minor = device(number(major, "devmajor"), number(minor, "devminor"))
        if pax:
            entry.xattrs = attributes(pax, XATTR)
        if kind not in WITHOUT_CONTENT:
            self._begin(decimal(pax[b"size"]) if b"size" in pax else number(size, "size"))
        if kind == b"S" or (pax and any(key.startswith(b"GNU.sparse.") for key in pax)):
            self._make_sparse(entry, block, pax, records)
        entry.size = self._left
        if entry.sparse is None:
            entry.real_size = entry.size
        elif sum(length for _, length in entry.sparse) != entry.size:
            broken(f"the pieces of sparse file {entry.name!r} are not its content")
        return entry

    def _make_sparse(
        self, entry: Entry, block: bytes, pax: dict[bytes, bytes], records: list[tuple[bytes, bytes]]
    ) -> None:  # fmt: skip
        """Read the map of a sparse file, in any of GNU tar's four formats."""
        entry.name = path(pax.get(b"GNU.sparse.name", entry.name), "an entry's name")
        if entry.kind == b"S":
            entry.real_size = number(block[483:495], "real size")
            numbers = self._old_map(block)
            entry.kind = FILE
        elif pax.get(b"GNU.sparse.major") == b"1":
            entry.real_size = decimal(pax.get(b"GNU.sparse.realsize", b""))
            numbers = self._leading_map()
        else:
            entry.real_size = decimal(pax.get(b"GNU.sparse.size", b""))
            said = pax.get(b"GNU.sparse.map")
            wanted = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
            words = said.split(b",") if said else [value for key, value in records if key in wanted]
            numbers = [decimal(word) for word in words]
        entry.sparse = checked_map(numbers, entry.name, entry.real_size)

    def _old_map(self, block: bytes) -> list[int]:
        """Read the map of GNU's first format: four pieces in the header, 21 in each block that follows."""
        numbers = old_pieces(block[386:482])
        more = block[482]
        while more:
            block = self._take(BLOCK)
            numbers += old_pieces(block[:504])
            more = block[504]
            if len(numbers) > 2 * SPARSE_MAX:
                broken("a sparse file has too many pieces")
        return numbers

    def _leading_map(self) -> list[int]:
        """Read the map of pax format 1.0: decimal lines before the content, which counts them as its own."""
        blocks: list[bytes] = []
        lines, wanted = 0, SPARSE_MAX  # until the first line has said how many there are
        while lines <= wanted:
            if self._left < BLOCK or wanted > 2 * SPARSE_MAX or len(blocks) * BLOCK > 42 * SPARSE_MAX:
                broken("the map of a sparse file does not end, or is too long")
            blocks.append(self._take(BLOCK))
            self._left -= BLOCK
            if not lines and b"\n" in blocks[-1]:
                wanted = 2 * decimal(b"".join(blocks).partition(b"\n")[0])
            lines += blocks[-1].count(b"\n")
        return [decimal(line) for line in b"".join(blocks).split(b"\n")[1 : wanted + 1]]

    # --- bytes

    def _header(self) -> bytes | None:
        """Return the next header; None at the end, which is a block of zeros, or that there is nothing more."""
        first = self._some(BLOCK)
        if not first:
            return None
        block = bytes(first) if len(first) == BLOCK else bytes(first) + self._take(BLOCK - len(first))
        if not block[0] and not any(block):
            return None
        own = block[148:156]
        said = number(own, "checksum")
        if (_sum(block) - _sum(own) + 8 * 32 - said) % MODULUS:
            found = sum(block) - sum(own) + 8 * 32
            broken(f"the checksum of a header is wrong ({said}, and should be {found})")
        return block

    def _begin(self, size: int) -> None:
        if size < 0:
            broken(f"an entry of {size} bytes")
        self._left = size
        self._padding = -size % BLOCK

    def _short_content(self, size: int) -> bytes:
        if not 0 <= size <= RECORDS_MAX:
            broken(f"a header of {size} bytes: more than {RECORDS_MAX} are not taken")
        content = self._take(size)
        self._take(-size % BLOCK)
        return content

    def _skip(self) -> None:
        if self._left:
            for _ in self.content():
                pass
        while self._padding and (piece := self._some(self._padding)):  # docker's command sends an archive whose last has none
            self._padding -= len(piece)

    def _take(self, size: int) -> bytes:
        pieces = []
        while size:
            piece = self._some(size)
            if not piece:
                broken("it is cut off: it ends in the middle of an entry")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _some(self, most: int) -> memoryview:
        """Return some bytes, `most` at most; none at the end."""
        while not self._chunk:
            following = next(self._chunks, None)
            if following is None:
                if self._left:
                    broken("it is cut off: it ends in the middle of a file")
                return self._chunk
            self._chunk = memoryview(following)
            self._taken += len(following)
        piece, self._chunk = self._chunk[:most], self._chunk[most:]
        return piece


def _sum(block: bytes) -> int:
    """Return the sum of bytes modulo 65521: Adler-32's lower half is that, plus 1, and made in C."""
    return (zlib.adler32(block) & 0xFFFF) - 1
