"""Host: the address of a daemon, a unix socket or TCP, and the files of its TLS."""

from __future__ import annotations

from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DEFAULT_PORT: Final = 2375
DEFAULT_TLS_PORT: Final = 2376


class TLSFiles(Record):
    """A directory with ca.pem, cert.pem and key.pem, as docker has it; without `verify` any certificate is taken."""

    directory: str
    verify: bool = True


class Host(Record):
    """Where a daemon listens: `path` of a unix socket, or else `address` and `port`; `url` is as it was given."""

    url: str
    path: str = ""
    address: str = ""
    port: int = 0
    tls: TLSFiles | None = None

    def __str__(self) -> str:
        return self.url
