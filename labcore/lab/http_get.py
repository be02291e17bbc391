"""HTTP GET: `lab.fetch(url)`, with the Accept header of a registry's client."""

import base64
import errno
import os
import time
import urllib.error
import urllib.request
from typing import Final

from labcore.errors import InvalidInput, LabcoreError
from labcore.lab.messages import say

ACCEPT: Final = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, */*"
SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1
MOST: Final = 512 << 20  # bytes: all that is fetched lies in memory
NUMBERS: Final = {401: errno.EACCES, 403: errno.EACCES, 404: errno.ENOENT}  # what a file system would have said


class FetchFailed(LabcoreError, OSError):
    """A request that was not answered as hoped: `status` is HTTP's (0: nobody answered), `errno` the nearest one."""

    def __init__(self, url: str, status: int, what: str) -> None:
        number = NUMBERS.get(status, errno.EIO)
        OSError.__init__(self, number, os.strerror(number))
        self.url, self.status, self.what = url, status, what

    def __str__(self) -> str:
        return f"GET {self.url}: {self.what}"


def fetch(url: str, *, user: str | None = None, within: float = 0) -> bytes:
    """Return what a URL holds; a registry is asked for manifests of single images. `user` is `name:password`.

    Where nobody answers yet it is asked again `within` so many seconds. Raises FetchFailed.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return _fetched(url, user)
        except FetchFailed as error:
            if error.status or time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)


def _fetched(url: str, user: str | None) -> bytes:
    if not url.startswith("http://") and not url.startswith("https://"):
        raise InvalidInput(say("{url} is no address to fetch from: it begins with http://", url=repr(url)))
    request = urllib.request.Request(url, headers={"Accept": ACCEPT})
    if user is not None:  # for this host only, wherever it sends us on to
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(user.encode()).decode())
    try:
        with _direct.open(request, timeout=SECONDS) as answer:
            content: bytes = answer.read(MOST + 1)
        if len(content) > MOST:
            raise FetchFailed(url, 200, f"more than {MOST >> 20} MB came")
        return content
    except urllib.error.HTTPError as error:
        with error:
            asked = error.headers.get("WWW-Authenticate")
        more = f"\n  WWW-Authenticate: {asked}" if asked else ""
        raise FetchFailed(url, error.code, f"{error.code} {error.reason}{more}") from None
    except FetchFailed:
        raise
    except OSError as error:
        raise FetchFailed(url, 0, str(getattr(error, "reason", error))) from None


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # what is on this machine is reached without a proxy
