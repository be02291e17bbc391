"""Downloads: ADD of a URL. What is there is spooled like a context, its digest checked, and is a source with one file."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import contextmanager

from labcore.builder.copy.context import ContextArchive
from labcore.builder.copy.sources import Item
from labcore.disk_space import room_for
from labcore.errors import InvalidInput, Unavailable
from labcore.spec import checked_digest
from labcore.tar.reading import DIRECTORY, FILE
from labcore.tar.writing import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.client import HTTPResponse
    from pathlib import Path
    from typing import Final

UNNAMED: Final = "__unnamed__"  # whose address has no name: docker's word
TIMEOUT_SECONDS: Final = 60.0
CHUNK_SIZE: Final = 1 << 18
MOST: Final = 64 << 30  # bytes
URL: Final = re.compile("https?://", re.IGNORECASE)
GIT: Final = re.compile(r"(?:git|ssh)://|[\w.-]+@[\w.-]+:|https?://[^#]*\.git(?:#.*)?$", re.IGNORECASE | re.DOTALL)


def is_url(text: str) -> bool:
    """Is a source of ADD to be downloaded?"""
    return bool(URL.match(text)) and not is_git(text)


def is_git(text: str) -> bool:
    """Is a source of ADD a git repository? Those are not fetched."""
    return bool(GIT.match(text))


@contextmanager
def downloaded(
    url: str, directory: Path, *, checksum: str = "", received: Callable[[int], object] = id
) -> Iterator[ContextArchive]:
    """Yield a source with what a URL has as its only file, root's, 0600; it is in `directory` until the block ends.

    `checksum` is `sha256:…`. `received` is told how many bytes have come; what it raises ends the download.
    Raises InvalidInput, StoreFull; Unavailable if the server does not give it.
    """
    if is_git(url):
        raise InvalidInput(f"{url:.200}: a git repository is not fetched: clone it into the build context, and COPY it")
    if checksum:
        try:
            checked_digest(checksum)
        except ValueError as error:
            raise InvalidInput(f"--checksum: {error}") from None
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        with room_for(url, directory), _opened(url) as answer:
            item = _received(answer, url, file.fileno(), checksum, received)
            name = os.fsencode(_name(url, answer))
        items = {b"": Item(DIRECTORY, 0o755, mtime=item.mtime), name: item}
        yield ContextArchive(file.fileno(), items, url, directory, is_remote=True)


@contextmanager
def _opened(url: str) -> Iterator[HTTPResponse]:
    """Yield the server's answer, redirections followed: by http and https, and to nothing else."""
    from http.client import HTTPException  # rarely needed
    from urllib import request
    from urllib.error import HTTPError
    from urllib.parse import urlsplit

    from labcore.registry.endpoint import LOOPBACK

    opener = request.OpenerDirector()
    for handler in (
        request.HTTPHandler, request.HTTPSHandler, request.HTTPRedirectHandler, request.HTTPErrorProcessor,
        request.HTTPDefaultErrorHandler, request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    try:
        is_here = LOOPBACK.fullmatch(urlsplit(url).hostname or "")  # and no proxy leads here
        opener.add_handler(request.ProxyHandler({} if is_here else None))
        answer = opener.open(request.Request(url, headers={"User-Agent": "labcore"}), timeout=TIMEOUT_SECONDS)
    except HTTPError as error:
        error.close()
        raise Unavailable(f"ADD failed: failed to GET {url:.200} with status {error.code} {error.reason}") from None
    except (OSError, ValueError, HTTPException) as error:
        raise Unavailable(
            f"ADD failed: {url:.200}: {error}\n  cure: look at the address; `curl -I` says what is there"
        ) from None
    with answer:
        yield answer


def _received(answer: HTTPResponse, url: str, file: int, checksum: str, received: Callable[[int], object]) -> Item:
    digest = hashlib.sha256()
    wanted = hashlib.new(checksum.partition(":")[0]) if checksum else digest
    size = 0
    for chunk in _chunks(answer, url):
        digest.update(chunk)
        if wanted is not digest:
            wanted.update(chunk)
        size += len(chunk)
        if size > MOST:
            raise InvalidInput(f"{url:.200} has more than the {MOST} bytes that are taken")
        left = memoryview(chunk)
        while left:
            left = left[os.write(file, left) :]
        received(size)
    found = f"{wanted.name}:{wanted.hexdigest()}"
    if checksum and found != checksum:
        raise InvalidInput(f"{url:.200}: digest mismatch: it has {found}, and should have {checksum}")
    return Item(FILE, 0o600, mtime=_time(answer), size=size, digest=digest.digest(), place=(0, None))


def _chunks(answer: HTTPResponse, url: str) -> Iterator[bytes]:
    from http.client import HTTPException

    try:
        while chunk := answer.read(CHUNK_SIZE):
            yield chunk
    except (OSError, HTTPException) as error:
        raise Unavailable(f"ADD failed: {url:.200} breaks off: {error}") from None
    if answer.length:
        raise Unavailable(f"ADD failed: {url:.200} breaks off: {answer.length} bytes are missing")


def _time(answer: HTTPResponse) -> int:
    """Return when the file was changed last, in nanoseconds; 1970 if the server does not say it."""
    from email.utils import parsedate_to_datetime

    try:
        return int(parsedate_to_datetime(answer.headers.get("Last-Modified", "")).timestamp()) * SECOND
    except (TypeError, ValueError, OverflowError):
        return 0


def _name(url: str, answer: HTTPResponse) -> str:
    """Return the name of a download: from its address, else what the server calls it."""
    from urllib.parse import unquote, urlsplit

    for path in (unquote(urlsplit(url).path), answer.headers.get_filename() or ""):
        name = path.rstrip("/").rpartition("/")[2]
        if name not in ("", ".", "..") and "\0" not in name:
            return name
    return UNNAMED
