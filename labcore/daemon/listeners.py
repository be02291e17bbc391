"""The daemon's listeners: unix sockets and TCP addresses by URL, and sockets that systemd has opened (sd_listen_fds(3))."""

import grp
import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from labcore.daemon.settings import TLS, Settings
from labcore.errors import InvalidInput, Unavailable
from labcore.http import listen_tcp, listen_unix
from labcore.runtime.probe import confined

GROUPS: Final = ("labcore", "docker")  # the first that there is may use the socket
FIRST_FD: Final = 3
DEFAULT_PORT: Final = 2375
DEFAULT_TLS_PORT: Final = 2376


@contextmanager
def listeners(host: str, settings: Settings) -> Iterator[list[tuple[socket.socket, ssl.SSLContext | None]]]:
    """Yield the listening sockets that a URL means, with their TLS. Raises InvalidInput, InUse, Unavailable, OSError."""
    kind, separator, address = host.partition("://")
    if kind == "unix" and separator and address.startswith("/"):
        with listen_unix(Path(address), group=_group(settings)) as listener:
            yield [(listener, None)]
    elif kind == "tcp" and separator:
        with _tcp(host, address, settings.tls) as listener:
            yield [(listener, _context(settings.tls))]
    elif kind == "fd" and separator:
        found = _inherited(host)
        yield [(each, None if each.family == socket.AF_UNIX else _context(settings.tls)) for each in found]
    else:
        raise InvalidInput(f"-H {host}: unix:///PATH, tcp://ADDRESS:PORT or fd:// is wanted")


def _tcp(host: str, address: str, tls: TLS | None) -> socket.socket:
    name, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        name, port = address, str(DEFAULT_TLS_PORT if tls else DEFAULT_PORT)
    name = name.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and int(port) < 1 << 16):
        raise InvalidInput(f"-H {host}: {port:.20} is no port")
    if not _is_loopback(name) and (tls is None or tls.ca is None):
        raise InvalidInput(
            f"-H {host}: whoever reaches the API there is root on this machine\n"
            "  cure: ask clients for a certificate: --tlsverify --tlscacert FILE --tlscert FILE --tlskey FILE; or listen at "
            f"127.0.0.1, and come by SSH: DOCKER_HOST=ssh://USER@{name}"
        )
    try:
        return listen_tcp(name, int(port))
    except OSError as error:
        raise Unavailable(f"-H {host}: {error.strerror or error}\n  cure: name another address or port") from None


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def _inherited(host: str) -> list[socket.socket]:
    """Return the sockets that systemd has opened for this process."""
    count = os.environ.get("LISTEN_FDS", "") if os.environ.get("LISTEN_PID") == str(os.getpid()) else ""
    if not count.isdecimal() or not int(count):
        raise Unavailable(
            f"-H {host}: no socket was handed over (LISTEN_FDS)\n  cure: start it by its socket unit: labcore.socket"
        )
    for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"):  # what is started from here has none of them
        os.environ.pop(name, None)
    found = [socket.socket(fileno=FIRST_FD + number) for number in range(int(count))]
    for each in found:
        each.set_inheritable(False)
    return found


def _is_root() -> bool:
    """Return whether this is the machine's root, and not that of an ordinary user's namespace."""
    return os.geteuid() == 0 and not confined()


def _group(settings: Settings) -> str | None:
    """Return the group that may use the socket: the one that is named, or the first that there is."""
    if settings.group:
        return settings.group
    for name in GROUPS if _is_root() else ():
        with suppress(KeyError):
            return grp.getgrnam(name).gr_name
    return None


def _context(tls: TLS | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.ca:
            context.load_verify_locations(tls.ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(str(each) for each in (tls.certificate, tls.key, tls.ca) if each)
        raise InvalidInput(f"TLS: {files}: {error.strerror or error}: PEM files are wanted") from None
    return context
