"""Hosts: which daemon is meant, by an argument, DOCKER_HOST, a docker context, or the sockets that are there."""

from __future__ import annotations

import os

from labcore.client.contexts import DEFAULT_CONTEXT, config_directory, context_host, current_context
from labcore.client.host import DEFAULT_PORT, DEFAULT_TLS_PORT, Host, TLSFiles
from labcore.errors import InvalidInput, Unavailable
from labcore.paths import SYSTEM_SOCKET, daemon_socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

DOCKER_SOCKET: Final = "/var/run/docker.sock"
PORT_MAX: Final = 65535


def find_host(host: str | None = None, *, environment: Mapping[str, str] | None = None) -> Host:
    """Return the daemon that is meant: as `docker` finds it, but labcore's own socket goes before docker's.

    Raises InvalidInput for a host or context that is none, Unavailable if there is none at all.
    """
    return named_host(host, None, environment=environment) or _by_sockets()


def named_host(host: str | None, context: str | None, *, environment: Mapping[str, str] | None = None) -> Host | None:
    """Return the daemon that an argument, DOCKER_HOST or a context name; None if nothing does. Raises InvalidInput."""
    said = os.environ if environment is None else environment
    if url := host or (not context and said.get("DOCKER_HOST")):
        return parse_host(url, tls_files(said))
    name = context or said.get("DOCKER_CONTEXT") or current_context(said)
    return None if name == DEFAULT_CONTEXT else parse_host(*context_host(said, name))


def unix_host(path: str | os.PathLike[str]) -> Host:
    """Return the daemon at a unix socket."""
    return Host(f"unix://{os.fspath(path)}", path=os.fspath(path))


def _by_sockets() -> Host:
    sockets = dict.fromkeys((daemon_socket(), SYSTEM_SOCKET, DOCKER_SOCKET))
    for path in sockets:
        if os.path.exists(path):
            return unix_host(path)
    raise Unavailable(
        f"no daemon is there: {', '.join(sockets)} do not exist\n"
        "  cure: start one: labcore daemon; or name one: DOCKER_HOST=unix:///PATH or tcp://ADDRESS:PORT"
    )


def tls_files(environment: Mapping[str, str]) -> TLSFiles | None:
    """Return the TLS that DOCKER_TLS_VERIFY or DOCKER_TLS ask for, with the files in DOCKER_CERT_PATH."""
    verify = bool(environment.get("DOCKER_TLS_VERIFY"))
    if not verify and not environment.get("DOCKER_TLS"):
        return None
    return TLSFiles(environment.get("DOCKER_CERT_PATH") or config_directory(environment), verify=verify)


def parse_host(url: str, tls: TLSFiles | None = None) -> Host:
    """Read `unix:///PATH` or `tcp://ADDRESS[:PORT]`. Raises InvalidInput."""
    kind, separator, rest = url.partition("://")
    if not separator and url.startswith("/"):
        kind, separator, rest = "unix", "://", url
    if kind == "unix" and separator and rest.startswith("/") and "\0" not in rest:
        return Host(f"unix://{rest}", path=rest)
    if kind == "tcp" and separator:
        return _tcp(url, rest.rstrip("/"), tls)
    if kind == "ssh" and separator:
        raise InvalidInput(
            f"host {url:.200}: SSH is not spoken here\n"
            f"  cure: forward the socket: ssh -nNT -L /tmp/daemon.sock:{DOCKER_SOCKET} {rest:.100}, then unix:///tmp/daemon.sock"
        )
    raise InvalidInput(f"host {url!r:.200}: unix:///PATH or tcp://ADDRESS:PORT is wanted")


def _tcp(url: str, address: str, tls: TLSFiles | None) -> Host:
    name, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        name, port = address, str(DEFAULT_TLS_PORT if tls else DEFAULT_PORT)
    name = name.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) <= PORT_MAX):
        raise InvalidInput(f"host {url!r:.200}: {port!r:.20} is no port: they go from 1 to {PORT_MAX}")
    if any(not character.isprintable() or character in " /@?#" for character in name):
        raise InvalidInput(f"host {url!r:.200}: {name!r:.100} is no address, and no host's name")
    return Host(url, address=name, port=int(port), tls=tls)
