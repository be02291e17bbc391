"""resolv.conf(5): the machine's, read; a container's, written, with the servers that its embedded one is to ask."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import lru_cache

from labcore.files import read_bytes
from labcore.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.spec import CreateOptions

MACHINES: Final = "/etc/resolv.conf"
SYSTEMDS: Final = "/run/systemd/resolve/resolv.conf"  # what systemd-resolved asks itself
STUB: Final = ("127.0.0.53",)  # systemd-resolved's address, which no other network namespace reaches
PUBLIC: Final = ("8.8.8.8", "8.8.4.4")  # docker's, where nothing else is known
EMBEDDED: Final = "127.0.0.11"
MOST_BYTES: Final = 1 << 20


class ResolvConf(Record):
    """Name servers to be asked, domains in which short names are looked for, and options of the C library."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"nameserver {each}" for each in self.servers]
        lines += [f"search {' '.join(self.search)}"] if self.search else []
        lines += [f"options {' '.join(self.options)}"] if self.options else []
        return "".join(f"{line}\n" for line in lines)


@lru_cache(maxsize=16)
def parse(text: str) -> ResolvConf:
    """Read a resolv.conf: the last `search` or `domain` counts, and all `options`."""
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest:
            servers.append(rest[0])
        elif word in ("search", "domain"):
            search = rest
        elif word == "options":
            options += rest
    return ResolvConf(tuple(servers), tuple(search), tuple(options))


def machines() -> ResolvConf:
    """Return the machine's own; where that is systemd-resolved's, what this asks."""
    found = parse(read_text(MACHINES))
    if found.servers == STUB:
        found = found.replace(servers=parse(read_text(SYSTEMDS)).servers or STUB)
    return found


def wanted(options: CreateOptions, machine: ResolvConf) -> ResolvConf:
    """Return the machine's with what the options say in its place; `--dns-search .` is no domain at all."""
    search = () if options.dns_search == (".",) else options.dns_search or machine.search
    return ResolvConf(options.dns or machine.servers, search, options.dns_options or machine.options)


def own(wanted: ResolvConf, *, ipv6: bool, loopback: str = "") -> ResolvConf:
    """Return that of a network namespace of its own: there the machine's loopback is not, nor IPv6 where it has none.

    `loopback` is the address at which it reaches a server on the machine's loopback, if there is one.
    """
    servers = dict.fromkeys(loopback if is_loopback(each) else each for each in wanted.servers)
    reached = tuple(each for each in servers if each and (ipv6 or ":" not in each))
    return wanted.replace(servers=reached or PUBLIC)


def embedded(wanted: ResolvConf) -> ResolvConf:
    """Return that of a container whose names the embedded server answers; it asks `wanted.servers` for the rest."""
    dots = () if any(each.startswith("ndots:") for each in wanted.options) else ("ndots:0",)
    return wanted.replace(servers=(EMBEDDED,), options=(*wanted.options, *dots))


def is_loopback(server: str) -> bool:
    """Is this an address of the machine's own loopback interface?"""
    return server.startswith("127.") or server == "::1"


def read_text(path: str) -> str:
    """Return a file of the machine's, at most MOST_BYTES of it; nothing if it cannot be read."""
    with suppress(OSError):
        return os.fsdecode(read_bytes(path, MOST_BYTES))
    return ""
