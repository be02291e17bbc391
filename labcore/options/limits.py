"""Readers of docker's forms of limits and names: --ulimit, --cpus, --cpuset-cpus, --add-host, --stop-signal and the like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from labcore.errors import InvalidInput
from labcore.options.values import fullmatch, number, refuse, text
from labcore.spec import IdRange, Rlimit
from labcore.spec.isolation import parse_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

ULIMITS: Final = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
    "sigpending", "stack",
)  # fmt: skip
HOST_GATEWAY: Final = "host-gateway"  # docker's word for the host, as the container reaches it
CPU_MAX: Final = 8192  # of a kernel: CONFIG_NR_CPUS
REMAPPED: Final = 65536  # users, if nobody says how many


def ulimit(name: str, value: str) -> Rlimit:
    """Read `NAME=SOFT[:HARD]`; -1 is no limit."""
    key, equals, limits = value.partition("=")
    if key not in ULIMITS or not equals:
        refuse(name, value, f"NAME=SOFT[:HARD] is wanted, NAME one of {', '.join(ULIMITS)}")
    match = fullmatch(r"(-1|[0-9]{1,18})(?::(-1|[0-9]{1,18}))?", limits)
    if not match:
        refuse(name, value, "limits are numbers, or -1 for none: nofile=1024:2048")
    soft = int(match[1])
    hard = int(match[2]) if match[2] else soft
    if hard != -1 and (soft == -1 or soft > hard):
        refuse(name, value, "the soft limit is at most the hard one")
    return Rlimit(key.upper(), soft, hard)


def cpus(name: str, value: Any) -> dict[str, int]:
    """Read a number of processors: `1.5`."""
    match = fullmatch(r"([0-9]{1,5})(?:\.([0-9]{1,9}))?|\.([0-9]{1,9})", str(value))
    if isinstance(value, bool) or not match:
        refuse(name, value, "a number of processors is wanted, such as 1.5")
    nano = int(match[1] or 0) * 10**9 + int((match[2] or match[3] or "").ljust(9, "0"))
    if nano == 0:
        return {}
    if nano < 10**7:
        refuse(name, value, "0.01 is the least")
    return {"nano_cpus": nano}


def cpu_shares(name: str, value: Any) -> int:
    """Read a weight; 0 leaves it as it is."""
    if isinstance(value, int) and value < 0:
        raise InvalidInput(f"invalid CPU shares ({value}): value must be a positive integer")
    return number(name, value)


def cpu_set(name: str, value: Any) -> str:
    """Read a list of numbers and ranges: `0-2,4`, cpuset(7)."""
    numbers = text(name, value)
    for part in numbers.split(",") if numbers else []:
        match = fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", part)
        if not match or not int(match[1]) <= int(match[2] or match[1]) < CPU_MAX:
            refuse(name, value, "numbers and ranges are wanted, such as 0-2,4")
    return numbers


def extra_host(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read names of hosts with their addresses: a mapping, or `HOST:IP`, `HOST=IP`; IPv6 may stand in brackets."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        refuse(name, value, "a mapping is wanted, or a list of HOST:IP")
    entries = value.items() if isinstance(value, Mapping) else value
    return tuple(_host(name, *(entry if isinstance(entry, tuple) else _split_host(text(name, entry)))) for entry in entries)


def _split_host(entry: str) -> tuple[str, str]:
    separator = "=" if "=" in entry else ":"
    host, _, of = entry.partition(separator)
    return host, of


def _host(name: str, host: str, of: str) -> tuple[str, str]:
    if not fullmatch(r"[\w.-]{1,253}", host) or not of:
        refuse(name, f"{host}:{of}", "HOST:IP is wanted")
    if of == HOST_GATEWAY:
        return host, of
    return host, address(name, of[1:-1] if of[:1] + of[-1:] == "[]" else of)


def address(name: str, value: Any) -> str:
    """Read an IP address."""
    import ipaddress  # few containers need it

    try:
        return str(ipaddress.ip_address(text(name, value)))
    except ValueError:
        refuse(name, value, "an IP address is wanted")


def id_range(name: str, value: Any) -> IdRange:
    """Read `FIRST[:SIZE]`: which user root is outside, and how many there are."""
    if isinstance(value, IdRange):
        return value
    if not isinstance(value, str):
        refuse(name, value, "it is no IdRange(inside, outside, size)")
    first, colon, size = value.partition(":")
    try:
        return IdRange(inside=0, outside=parse_id(first), size=parse_id(size) if colon else REMAPPED)
    except InvalidInput as error:
        raise InvalidInput(f"{name} {value}: {error}; FIRST or FIRST:SIZE is wanted, such as 100000:65536") from None


def signal_name(name: str, value: Any) -> str:
    """Read a signal: `TERM`, `SIGTERM`, `15`, `RTMIN+3`."""
    import signal

    found = text(name, str(value) if isinstance(value, int) else value).upper()
    word, plus, offset = found.removeprefix("SIG").partition("+")
    number = (
        int(word) if word.isascii() and word.isdecimal() and len(word) < 4 else signal.Signals.__members__.get(f"SIG{word}", 0)
    )
    number += int(offset) if offset.isascii() and offset.isdecimal() and len(offset) < 3 and word == "RTMIN" else 0
    if number not in signal.valid_signals() or (plus and word != "RTMIN"):
        raise InvalidInput(f"invalid signal: {value!s:.80}: {name} is one of signal(7)")
    return found
