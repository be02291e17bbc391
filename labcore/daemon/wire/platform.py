"""Platforms in queries: `os/architecture/variant`, and since 1.48 JSON."""

import msgspec

from labcore.daemon.versions import version_of
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
    return Platform.parse(text) if text else None


def platform_json(request: Request, name: str = "platform", *, since: tuple[int, int]) -> Platform | None:
    """Return `platform={"os": …, "architecture": …}`; None if it is not said, or to a version before `since`.

    Raises InvalidInput, also for several.
    """
    texts = [text for text in request.every(name) if text] if version_of(request) >= since else []
    if len(texts) > 1:
        raise InvalidInput(f"multiple {name} parameters not supported")
    return _decoded(texts[0]) if texts else None


def _decoded(text: str) -> Platform:
    try:
        said = decode_bytes(text, WirePlatform)
    except InvalidInput as error:
        raise InvalidInput(f"failed to parse platform: {error}") from None
    if not (said.os and said.architecture):
        raise InvalidInput("both OS and Architecture must be provided")
    return Platform(said.os, said.architecture, said.variant)
