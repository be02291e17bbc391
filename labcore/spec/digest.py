"""Digests of content: `sha256:…` (image-spec, descriptor.md)."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache, partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

PYTHONS_OWN: Final = "_sha2" if sys.version_info >= (3, 12) else "_sha256"
ALGORITHMS: Final = {"sha256": 64, "sha512": 128}  # name -> hex digits


def checked_digest(value: object) -> str:
    """Return a digest, `sha256:` and 64 hex digits or `sha512:` and 128. Raises ValueError for anything else.

    What passes here may become a file's name.
    """
    algorithm, _, encoded = str(value).partition(":")
    if len(encoded) != ALGORITHMS.get(algorithm) or not set(encoded) <= set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no digest: it is sha256: and 64 hex digits, or sha512: and 128")
    return str(value)


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    """Return the digest of something small: a manifest, a config, a name to be made.

    By Python's own SHA-256 where it has one. hashlib's is three times as fast, and loads OpenSSL first, which takes as long as
    hashing a megabyte.
    """
    return f"{algorithm}:{_hash(algorithm)(content).hexdigest()}"


@cache
def _hash(algorithm: str) -> Callable[[bytes], Any]:
    if algorithm == "sha256":
        with suppress(ImportError):
            made: Callable[[bytes], Any] = __import__(PYTHONS_OWN).sha256
            return made
    import hashlib

    return partial(hashlib.new, algorithm)
