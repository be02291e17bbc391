"""cpio archives in the "newc" format, for an initramfs (the kernel's documentation: initramfs buffer format)."""

import stat
from collections.abc import Iterable, Iterator
from typing import Final

from labcore.record import Record

MAGIC: Final = b"070701"
TRAILER: Final = "TRAILER!!!"
ALIGNMENT: Final = 4


class Member(Record):
    """A file of an archive. `mode` has its type (stat(2)); members with one `inode` are hard links of one file.

    A link's content stands in one of them; `device` is a device file's number. Numbers of inodes are given by the writer
    where `inode` is 0.
    """

    path: str
    mode: int
    content: bytes = b""
    inode: int = 0
    device: tuple[int, int] = (0, 0)
    owner: tuple[int, int] = (0, 0)


def archive(members: Iterable[Member]) -> bytes:
    """Return an archive of these members, in their order; a directory must come before what is in it."""
    listed = list(members)
    links: dict[int, int] = {}
    for member in listed:
        links[member.inode] = links.get(member.inode, 0) + 1
    links[0] = 1
    first = 1 + max(links)
    pieces = [_written(member, member.inode or first + number, links[member.inode]) for number, member in enumerate(listed)]
    return b"".join([*pieces, _written(Member(TRAILER, 0), 0, 1)])


def _written(member: Member, inode: int, links: int) -> bytes:
    name = member.path.encode("utf-8", "surrogateescape") + b"\0"
    fields = (
        inode, member.mode, *member.owner, links, 0, len(member.content),
        0, 0, *member.device, len(name), 0,
    )  # fmt: skip
    head = MAGIC + b"".join(b"%08X" % field for field in fields) + name
    return _padded(head) + _padded(member.content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % ALIGNMENT)


def directory(path: str, mode: int = 0o755) -> Member:
    """Return a directory."""
    return Member(path, stat.S_IFDIR | mode)


def file(path: str, content: bytes, mode: int = 0o644) -> Member:
    """Return a regular file."""
    return Member(path, stat.S_IFREG | mode, content)


def character_device(path: str, major: int, minor: int, mode: int = 0o600) -> Member:
    """Return a character device."""
    return Member(path, stat.S_IFCHR | mode, device=(major, minor))


def with_parents(members: Iterable[Member]) -> Iterator[Member]:
    """Yield members, each after directories for the parts of its path that none of them is."""
    seen: set[str] = set()
    for member in members:
        parts = member.path.split("/")
        for depth in range(1, len(parts)):
            above = "/".join(parts[:depth])
            if above not in seen:
                seen.add(above)
                yield directory(above)
        seen.add(member.path)
        yield member
