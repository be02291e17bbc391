"""Platforms in queries: `os/architecture/variant`, and since 1.48 JSON."""

import msgspec

from labcore.daemon.wire.codec import decode_bytes
from labcore.errors import InvalidInput
from labcore.http import Request
from labcore.spec import Platform


class WirePlatform(msgspec.Struct):
    """Platform (OCI)."""

    architecture: str = ""
    os: str = ""
    variant: str = ""


def platform_text(request: Request) -> Platform | None:
    """Return `platform=linux/amd64`; None if it is not said. Raises InvalidInput."""
    text = request.query.get("platform", "")
    return Platform.parse(text.lower()) if text else None


def platform_json(request: Request) -> Platform | None:
    """Return `platform={"os": …, "architecture": …}`; None if it is not said. Raises InvalidInput."""
    text = request.query.get("platform", "")
    if not text:
        return None
    said = decode_bytes(text, WirePlatform)
    if not (said.os and said.architecture):
        raise InvalidInput("both OS and Architecture must be provided")
    return Platform(said.os, said.architecture, said.variant)
