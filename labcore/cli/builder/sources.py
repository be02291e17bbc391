"""PATH|URL|- of `labcore build`: what is built from."""

from __future__ import annotations

import os
import sys
from itertools import chain

from labcore.client import build_sources
from labcore.client.build import URLS
from labcore.errors import InvalidInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

    from labcore.client.build_sources import BuildSource

STDIN: Final = "-"
BLOCK: Final = 512
PIECE_BYTES: Final = 1 << 17
MAGIC: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, zstd
USTAR, CHECKSUM = slice(257, 262), slice(148, 156)


def source_of(context: str, *, dockerfile: str, contexts: Mapping[str, str]) -> BuildSource:
    """Return what the words mean. Raises InvalidInput."""
    if context == STDIN:
        return _of_stdin(dockerfile, contexts)
    text = _from_stdin() if dockerfile == STDIN else None
    if context.startswith(URLS) and not os.path.isdir(context):  # noqa: PTH112
        if text is not None:
            raise InvalidInput("-f -: the context is a URL, and its Dockerfile is looked for there")
        return build_sources.of_url(context, dockerfile=dockerfile, contexts=contexts)
    named = "" if dockerfile == STDIN else dockerfile
    return build_sources.of_directory(context, dockerfile=named, text=text, contexts=contexts)


def _of_stdin(dockerfile: str, contexts: Mapping[str, str]) -> BuildSource:
    """Return standard input as an archive, if it begins like one, or else as a Dockerfile."""
    if dockerfile == STDIN:
        raise InvalidInput("invalid argument: can't use stdin for both build context and dockerfile")
    if sys.stdin.isatty():
        raise InvalidInput("standard input is a terminal: labcore build - < Dockerfile, or < context.tar")
    begin = _read(BLOCK)
    if is_archive(begin):
        pieces = chain([begin], iter(lambda: sys.stdin.buffer.read(PIECE_BYTES), b""))
        return build_sources.of_archive(pieces, dockerfile=dockerfile, contexts=contexts)
    if dockerfile:
        raise InvalidInput(f"-f {dockerfile}: standard input is the Dockerfile, and no archive")
    return build_sources.of_dockerfile(begin + _from_stdin(), contexts=contexts)


def _from_stdin() -> bytes:
    content = _read(build_sources.DOCKERFILE_BYTES + 1)
    if len(content) > build_sources.DOCKERFILE_BYTES:
        raise InvalidInput(f"the Dockerfile on standard input has more than {build_sources.DOCKERFILE_BYTES >> 20} MiB")
    return content


def _read(size: int) -> bytes:
    return sys.stdin.buffer.read(size)


def is_archive(begin: bytes) -> bool:
    """Return whether content begins as a tar archive does, plain or compressed."""
    if begin.startswith(MAGIC) or begin[USTAR] == b"ustar":
        return True
    said = begin[CHECKSUM].strip(b" \0")
    if len(begin) < BLOCK or not said or said.strip(b"01234567"):
        return False
    return int(said, 8) == sum(begin) - sum(begin[CHECKSUM]) + 8 * ord(" ")  # of before POSIX
