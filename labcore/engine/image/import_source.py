"""The source of an import: what the client sends, or what a web server has (docker import)."""

from __future__ import annotations

from contextlib import contextmanager

from labcore.errors import InvalidInput, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Final

SENT: Final = "-"
TIMEOUT_SECONDS: Final = 60.0


@contextmanager
def opened_source(source: str, sent: BinaryIO) -> Iterator[BinaryIO]:
    """Yield the archive: `sent` if the source is `-`, else what is at that URL, http if it says nothing.

    Raises InvalidInput, Unavailable.
    """
    if source == SENT:
        yield sent
        return
    url = source if "://" in source else f"http://{source}"
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(f"{source}: http:// or https:// is wanted, or - for what is sent")
    from http.client import HTTPException  # rarely needed
    from urllib.request import urlopen

    try:
        answer = urlopen(url, timeout=TIMEOUT_SECONDS)
    except (OSError, ValueError, HTTPException) as error:
        raise Unavailable(f"{url:.200}: {error}\n  cure: look at the address; `curl -I` says what is there") from None
    with answer:
        yield answer
