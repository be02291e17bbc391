"""Environment variables of legacy links (`--link db:base`): BASE_NAME, BASE_PORT_5432_TCP_ADDR, BASE_ENV_…, as docker's.

They tell of the other container's exposed ports and of its own variables. Whatever the container sets itself goes before them.
"""

from __future__ import annotations

from labcore.engine.network.inspect import exposed_ports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Final

    from labcore.engine.records.records import Container

UNTOLD: Final = ("HOME", "PATH")
Port = tuple[str, int]  # protocol and number


def link_variables(linked: Container, address: str, alias: str, owner: str) -> tuple[str, ...]:
    """Return what a container, whose name is `owner`, is told of one that it knows as `alias` and that has this address."""
    word = alias.upper().replace("-", "_")
    ports = sorted(map(_port, exposed_ports(linked)), key=lambda port: (port[0] != "tcp", port))
    first = [f"{word}_PORT={_url(ports[0], address)}"] if ports else []
    each = [line for port in ports for line in _of_port(f"{word}_PORT_", port, address)]
    ranges = [line for bounds in _ranges(ports) for line in _of_range(f"{word}_PORT_", *bounds, address)]
    return (*first, *each, *ranges, f"{word}_NAME=/{owner}/{alias}", *_variables(f"{word}_ENV_", linked))


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return protocol or "tcp", int(number)


def _url(port: Port, address: str) -> str:
    return f"{port[0]}://{address}:{port[1]}"


def _named(begin: str, port: Port) -> str:
    return f"{begin}{port[1]}_{port[0].upper()}"


def _of_port(begin: str, port: Port, address: str) -> list[str]:
    name = _named(begin, port)
    return [
        f"{name}={_url(port, address)}",
        f"{name}_ADDR={address}",
        f"{name}_PORT={port[1]}",
        f"{name}_PROTO={port[0]}",
    ]


def _ranges(ports: Iterable[Port]) -> Iterator[tuple[Port, Port]]:
    """Yield the first and the last of several consecutive ports."""
    runs: list[list[Port]] = []
    for protocol, number in ports:
        if runs and runs[-1][-1] == (protocol, number - 1):
            runs[-1].append((protocol, number))
        else:
            runs.append([(protocol, number)])
    yield from ((run[0], run[-1]) for run in runs if len(run) > 1)


def _of_range(begin: str, first: Port, last: Port, address: str) -> list[str]:
    name = _named(begin, first)
    found = []
    for word, port in (("START", first), ("END", last)):
        found += [f"{name}_{word}={_url(port, address)}", f"{name}_PORT_{word}={port[1]}"]
    return found


def _variables(begin: str, linked: Container) -> Iterator[str]:
    set_there = {line.partition("=")[0]: line.partition("=")[2] for line in linked.config.environment}
    set_there |= dict(linked.options.environment)  # type: ignore[arg-type]
    yield from (f"{begin}{name}={value}" for name, value in set_there.items() if value is not None and name not in UNTOLD)
