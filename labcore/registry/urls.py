"""URLs from a registry's answers: Location, Link, a challenge's realm (RFC 3986)."""

import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from labcore.registry.endpoint import RegistryError

PORTS: Final = {"http": 80, "https": 443}
RESERVED: Final = "!#$%&'()*+,/:;=?@[]~"  # what is not escaped anew
HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")


def resolve(base: str, reference: str) -> str:
    """Resolve a reference against a URL, without user and fragment. Raises RegistryError."""
    escaped = quote(reference.strip().encode("latin-1", "replace"), safe=RESERVED)
    try:
        parts = urlsplit(urljoin(base, escaped))
        spoken = parts.scheme in PORTS and (parts.port or 1) > 0
    except ValueError:  # a port or an address that cannot be
        raise RegistryError(f"{shown(base)} leads to {escaped[:200]}, which is no URL") from None
    host = parts.netloc.rpartition("@")[2]
    if not spoken or not HOST.fullmatch(host):
        raise RegistryError(f"{shown(base)} leads to {escaped[:200]}, and only http and https are spoken here")
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def origin(url: str) -> tuple[str, str, int]:
    """Return a URL's origin: scheme, host and port (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def shown(url: str) -> str:
    """Return a URL without its query, which may contain a signature as good as a password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
