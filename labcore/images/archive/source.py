"""Sources of an image archive's members: a tar file, a pipe, or the directory of an OCI layout."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from labcore.errors import InvalidInput, StoreDamaged
from labcore.images.archive.tar import CHUNK_SIZE, FILE, Member, TarReader
from labcore.tar import Chunk
from labcore.tar.decompressing import decompressed

LAYOUT: Final = ("oci-layout", "index.json")


class Members(Protocol):
    """Iterates over the members of an archive, and gives the content of the last one."""

    def members(self) -> Iterator[Member]:
        """Yield each member."""

    def content(self) -> Iterator[Chunk]:
        """Yield the content of the last member."""


@contextmanager
def opened(source: Path | BinaryIO) -> Iterator[Members]:
    """Yield the members of an archive, compressed or not, or of an OCI layout's directory. Raises InvalidInput."""
    if not isinstance(source, Path):
        yield TarReader(decompressed(source, "the archive"), "the archive")
    elif source.is_dir():
        if not (source / "index.json").is_file():
            raise InvalidInput(f"{source} is a directory, and no OCI layout: there is no index.json in it")
        reader = _Directory(source)
        try:
            yield reader
        finally:
            reader.close()
    else:
        with source.open("rb", buffering=0) as file:
            yield TarReader(decompressed(file, str(source)), str(source))


class _Directory:
    """An OCI layout's directory, which is not trusted: links are not followed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fd = -1

    def members(self) -> Iterator[Member]:
        for path in [*sorted(self._directory.glob("blobs/*/*")), *(self._directory / name for name in LAYOUT)]:
            if path.name.startswith(".") or not os.path.lexists(path):  # what is only being written, by labcore for one
                continue
            self.close()
            try:
                self._fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError as error:
                raise StoreDamaged(f"{path} cannot be read as a file of a layout: {error.strerror}") from error
            yield Member(str(path.relative_to(self._directory)), FILE, os.fstat(self._fd).st_size)

    def content(self) -> Iterator[Chunk]:
        while chunk := os.read(self._fd, CHUNK_SIZE):
            yield chunk

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
