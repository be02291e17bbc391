"""Grammar of repository names, tags, digests and media types, checked before they become paths or headers."""

import re
from typing import Final

from labcore.registry.errors import DigestInvalid

NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
NAME_MAX: Final = 255
TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TOKEN: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"  # RFC 6838, 4.2
MEDIA_TYPE: Final = re.compile(f"{TOKEN}/{TOKEN}")


def checked(digest: str) -> str:
    """Return a valid digest. Raises DigestInvalid."""
    if not DIGEST.fullmatch(digest):
        raise DigestInvalid(digest, "it is sha256: and 64 hex digits, or sha512: and 128")
    return digest
