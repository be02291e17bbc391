"""HTTP proxies: HTTPS_PROXY and NO_PROXY, as curl and docker read them.

A registry without TLS is one of the local network, and is reached directly.
"""

import base64
import os
from typing import Final
from urllib.parse import unquote, urlsplit

from labcore.errors import InvalidInput
from labcore.record import Record
from labcore.registry.endpoint import LOOPBACK

NAMES: Final = ("https_proxy", "HTTPS_PROXY")
PORT: Final = 8080  # if none is said


class Proxy(Record):
    """An HTTP proxy; `headers` has its credentials."""

    host: str
    port: int
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"  # without a password


def proxy_for(host: str) -> Proxy | None:
    """Return the proxy for a host; None if it is reached directly, as this machine always is. Raises InvalidInput."""
    url = next(filter(None, map(os.environ.get, NAMES)), None)
    if not url or LOOPBACK.fullmatch(host):
        return None
    from urllib.request import proxy_bypass  # it costs 30 ms

    if proxy_bypass(host):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        name, port = parts.hostname, parts.port or PORT
    except ValueError:
        name = None
    if not name or parts.scheme != "http":
        raise InvalidInput("HTTPS_PROXY: http://[USER:PASSWORD@]HOST:PORT is wanted")
    said = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = {"Proxy-Authorization": "Basic " + base64.b64encode(said.encode()).decode()}
    return Proxy(name, port, basic if parts.username else {})
