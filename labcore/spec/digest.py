"""Digests of content: `sha256:…` (image-spec, descriptor.md)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

ALGORITHMS: Final = {"sha256": 64, "sha512": 128}  # name -> hex digits


def checked_digest(value: object) -> str:
    """Return a digest, `sha256:` and 64 hex digits or `sha512:` and 128. Raises ValueError for anything else.

    What passes here may become a file's name.
    """
    algorithm, _, encoded = str(value).partition(":")
    if len(encoded) != ALGORITHMS.get(algorithm) or not set(encoded) <= set("0123456789abcdef"):
        raise ValueError(f"{value!r} is no digest: it is sha256: and 64 hex digits, or sha512: and 128")
    return str(value)
