"""Requests that a web page has a browser make: refused by Host (DNS rebinding) and Origin (cross-site requests, RFC 6454).

By TCP alone: no page reaches a unix socket. A browser of this machine reaches what listens on its loopback, and its user has
never asked for that; a client that is no browser says the name that it was given, and no origin.
"""

import ipaddress
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from labcore.errors import Forbidden
from labcore.http import Request


def check_origin(request: Request) -> None:
    """Raises Forbidden if a page of another site may be behind a request."""
    if not (address := request.client.address):
        return
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise Forbidden(f"a page of {origin:.80} asks for this: requests of other sites' pages are refused")
    if ipaddress.ip_address(address.partition("%")[0].removeprefix("::ffff:")).is_loopback and not _is_this_machine(host):
        raise Forbidden(
            f"Host {host:.80} is no name of this machine's loopback, and a page may have had it lead here\n"
            "  cure: ask localhost, 127.0.0.1 or [::1]"
        )


def _is_this_machine(host: str) -> bool:
    """Return whether nobody's name server can have a host's name lead to another machine, or it is this machine's own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return name == "localhost" or name.endswith(".localhost") or name == socket.gethostname().lower()
