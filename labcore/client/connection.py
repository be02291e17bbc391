"""Connections to a daemon: a socket, by TLS or not, its reads buffered, and raw once it is hijacked."""

from __future__ import annotations

from _socket import AF_INET, AF_INET6, AF_UNIX, IPPROTO_TCP, SHUT_RDWR, SHUT_WR, SOCK_STREAM, TCP_NODELAY, getaddrinfo, socket
from contextlib import suppress
from select import POLLIN, POLLOUT, poll

from labcore.client.answer import BadAnswer
from labcore.errors import InvalidInput, Unavailable
from labcore.unix_sockets import connect as connect_unix

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Final

    from labcore.client.host import Host, TLSFiles

CONNECT_SECONDS: Final = 10.0
RECEIVE_BYTES: Final = 1 << 16
CURE: Final = "\n  cure: start a daemon there: labcore daemon; or name another: DOCKER_HOST=…"
CURES: Final = {
    PermissionError: "\n  cure: as root, or as a member of the socket's group",
    NotADirectoryError: "\n  cure: name a directory for the socket to be in; the state root (--root, LABCORE_ROOT) is one",
}


class NobodyListens(Unavailable):
    """There is no such socket, or nobody listens at it."""


def connected(host: Host) -> Connection:
    """Return a new connection. Raises NobodyListens, Unavailable for any other failure, InvalidInput for TLS files."""
    found = _unix(host) if host.path else _tcp(host)
    return Connection(_by_tls(found, host.tls, host) if host.tls and not host.path else found, host)


def _unix(host: Host) -> Any:
    found = socket(AF_UNIX, SOCK_STREAM)
    try:
        connect_unix(found, host.path)
    except OSError as error:
        found.close()
        why = {FileNotFoundError: "there is no such socket", ConnectionRefusedError: "no daemon listens there"}
        if type(error) in why:
            raise NobodyListens(f"{host}: {why[type(error)]}{CURE}") from None
        raise Unavailable(f"{host}: {error.strerror}{CURES.get(type(error), CURE)}") from None
    return found


def _tcp(host: Host) -> Any:
    refused: OSError | None = None
    try:
        places = getaddrinfo(host.address, host.port, 0, SOCK_STREAM)
    except OSError as error:
        raise Unavailable(f"{host}: {error.strerror}{CURE}") from None
    for family, kind, protocol, _, address in places:
        if family not in (AF_INET, AF_INET6):
            continue
        found = socket(family, kind, protocol)
        try:
            found.settimeout(CONNECT_SECONDS)
            found.connect(address)
            found.settimeout(None)
            found.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            return found
        except OSError as error:
            found.close()
            refused = error
    raise Unavailable(f"{host}: {(refused and refused.strerror) or 'nobody answers'}{CURE}")


def _by_tls(raw: Any, files: TLSFiles, host: Host) -> Any:
    import socket as sockets

    context = _tls_context(files)
    plain = sockets.socket(fileno=raw.detach())
    try:
        plain.settimeout(CONNECT_SECONDS)
        found = context.wrap_socket(plain, server_hostname=host.address)
        found.settimeout(None)
        return found
    except OSError as error:
        plain.close()
        raise Unavailable(
            f"{host}: TLS: {error.strerror or error}\n"
            f"  cure: ca.pem, cert.pem and key.pem that the daemon knows, in {files.directory} (DOCKER_CERT_PATH)"
        ) from None


def _tls_context(files: TLSFiles) -> ssl.SSLContext:
    """Return the context of those of docker's files that are there. Raises InvalidInput for one that cannot be read."""
    import os
    import ssl  # a third of Python's own start, and few daemons need it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = files.verify
    context.verify_mode = ssl.CERT_REQUIRED if files.verify else ssl.CERT_NONE
    names = [f"{files.directory}/{name}.pem" for name in ("ca", "cert", "key")]
    ca, certificate, key = (name if os.path.exists(name) else "" for name in names)
    try:
        if ca:
            context.load_verify_locations(ca)
        else:
            context.load_default_certs()
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidInput(f"TLS: {', '.join(names)}: {error.strerror or error}: PEM files are wanted") from None
    return context


def _would_block(error: OSError) -> bool:
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")


class Connection:
    """One connection: bytes both ways. One thread may read while another writes."""

    def __init__(self, sock: Any, host: Host) -> None:
        self._socket = sock
        self._host = host
        self._ahead = b""
        self.is_closed = False

    def fileno(self) -> int:
        """Return the descriptor, for poll(2): it is not readable for what `pending` has."""
        number: int = self._socket.fileno()
        return number

    @property
    def pending(self) -> bool:
        """Whether `read` has something without the socket."""
        return bool(self._ahead) or bool(getattr(self._socket, "pending", int)())

    def set_timeout(self, seconds: float | None) -> None:
        """Set how long a read or a write may take; None is without end."""
        self._socket.settimeout(seconds)

    def read(self, size: int = RECEIVE_BYTES) -> bytes:
        """Return some bytes; nothing at the end. Raises Unavailable."""
        if self._ahead:
            piece, self._ahead = self._ahead[:size], self._ahead[size:]
            return piece
        try:
            found: bytes = self._socket.recv(size)
        except TimeoutError:
            raise Unavailable(f"{self._host}: the daemon has not answered in {self._socket.gettimeout():g} s") from None
        except ConnectionResetError:
            return b""
        except OSError as error:
            raise Unavailable(f"{self._host}: {error.strerror or error}") from None
        return found

    def read_exactly(self, size: int) -> bytes:
        """Return that many bytes; fewer at the end."""
        pieces = []
        while size and (piece := self.read(min(size, RECEIVE_BYTES))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def read_until(self, end: bytes, most: int, what: str) -> bytes:
        """Return what comes before `end`, which is passed over; nothing if the other side ends first. Raises BadAnswer."""
        found = b""
        searched = 0
        while (place := found.find(end, searched)) < 0:
            if len(found) > most:
                raise BadAnswer(f"{self._host}: {what} of more than {most} bytes: no daemon of the Engine API answers there")
            searched = max(0, len(found) - len(end))
            if not (piece := self.read()):
                return b""
            found += piece
        self._ahead = found[place + len(end) :] + self._ahead
        return found[:place]

    def read_available(self, size: int = RECEIVE_BYTES) -> bytes | None:
        """Return what has come, None if nothing has yet, nothing at the end; on a timeout of 0 s. Raises Unavailable."""
        if self._ahead:
            return self.read(size)
        try:
            found: bytes = self._socket.recv(size)
        except ConnectionResetError:
            return b""
        except OSError as error:
            if _would_block(error):
                return None
            raise Unavailable(f"{self._host}: {error.strerror or error}") from None
        return found

    def write_some(self, data: bytes | memoryview) -> int:
        """Send what can be sent at once, and return how much that is; on a timeout of 0 s. Raises OSError."""
        try:
            sent: int = self._socket.send(data)
        except OSError as error:
            if _would_block(error):
                return 0
            raise
        return sent

    def write(self, data: bytes) -> None:
        """Send all of it. Raises OSError."""
        self._socket.sendall(data)

    def write_until_answered(self, data: bytes) -> bytes:
        """Send it until the daemon says something; return what is left. Raises OSError."""
        if hasattr(self._socket, "pending"):  # TLS has messages of its own
            self._socket.sendall(data)
            return b""
        left, either = memoryview(data), poll()
        either.register(self._socket, POLLIN | POLLOUT)
        while left:
            if any(events & POLLIN for _, events in either.poll()):
                break
            left = left[self._socket.send(left[:RECEIVE_BYTES]) :]
        return bytes(left)

    @property
    def has_ended(self) -> bool:
        """Whether the daemon has closed an idle connection, or says what nobody asked for."""
        idle = poll()
        idle.register(self._socket, POLLIN)
        return bool(self._ahead) or bool(idle.poll(0))

    def close_write(self) -> None:
        """End what is sent; the daemon can still send. By TLS that is the alert close_notify (RFC 8446, 6.1)."""
        if self.is_closed:
            return
        timeout = self._socket.gettimeout()
        try:
            if hasattr(self._socket, "unwrap"):
                self._socket.settimeout(0)
                self._socket.unwrap()
            else:
                self._socket.shutdown(SHUT_WR)
        except (OSError, ValueError):  # it has gone, or has not sent its own alert
            pass
        finally:
            if not self.is_closed:
                self._socket.settimeout(timeout)

    def close(self) -> None:
        """Close it, and wake whoever reads or writes; more than once does nothing."""
        if self.is_closed:
            return
        self.is_closed = True
        with suppress(OSError):  # it has gone already
            self._socket.shutdown(SHUT_RDWR)
        self._socket.close()
