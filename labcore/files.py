"""Small files, read and written whole: of /proc, of /sys, of cgroups, and those that labcore keeps its state in.

Light, as procfs.py is: `pathlib` and what it imports take as long as a third of Python's own start.
"""

from __future__ import annotations

import os
import sys

CHUNK_SIZE = 1 << 13
TYPE_CHECKING = False
if TYPE_CHECKING:
    from _typeshed import StrPath


def read_bytes(path: StrPath, at_most: int = sys.maxsize) -> bytes:
    """Return a file's content, or the first bytes of it, by as few system calls as can be. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = os.read(fd, CHUNK_SIZE)
        while content and len(content) < at_most and (chunk := os.read(fd, CHUNK_SIZE)):
            content += chunk
        return content[:at_most]
    finally:
        os.close(fd)


def read_text(path: StrPath) -> str:
    """Return a file's content; bytes that are no UTF-8 are kept as surrogates, as in file names. Raises OSError."""
    return read_bytes(path).decode(errors="surrogateescape")


def write_text(path: StrPath, text: str) -> None:
    """Write a file, in one write(2), as the files of /proc and of cgroups want it. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        os.write(fd, text.encode(errors="surrogateescape"))
    finally:
        os.close(fd)
