"""Network namespaces as values, read live from the kernel's own tables: interfaces, addresses, routes, veth peers."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from labcore import procfs
from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.errors import InvalidInput, NotFound, Unavailable
from labcore.lab.messages import say
from labcore.lab.pictures import proc
from labcore.network import in_namespace, namespace_of
from labcore.network.tables import Tables, read_tables
from labcore.record import Record

LOOPBACK: Final = "lo"
BELOW_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.02
HOST: Final = 0  # the host's place in the list
Container = proc.Target | str
T = TypeVar("T")


class Open(Record):
    """A network namespace that is held open: how it is called, a descriptor, its inode number."""

    label: str
    fd: int
    inode: int


class Interface(Record):
    """A link with its addresses. `bridge` is the index of the bridge whose port it is.

    `peer` is the other end of a veth(4) pair: the place of its namespace in the list, and its index there; None if it has none,
    or it is in none of these namespaces.
    """

    index: int
    name: str
    kind: str
    mac_address: str
    is_up: bool
    addresses: tuple[str, ...] = ()
    bridge: int = 0
    peer: tuple[int, int] | None = None


class Way(Record):
    """A route by a gateway; the default route's destination is empty, and its gateway may be."""

    destination: str
    gateway: str
    interface: str


class Namespace(Record):
    """A network namespace: its interfaces in their order, and its routes by gateways."""

    label: str
    inode: int
    interfaces: tuple[Interface, ...]
    ways: tuple[Way, ...] = ()

    def interface(self, index: int) -> Interface | None:
        """Return the interface of that index, if it is there."""
        return next((each for each in self.interfaces if each.index == index), None)


# --- which namespaces


@contextmanager
def opened(
    containers: Sequence[Container],
    engine: Engine,
    labels: Sequence[str] | None = None,
    also: Sequence[tuple[int, str]] = (),
    host: int | None = None,
) -> Iterator[list[Open]]:
    """Hold the host's network namespace open, and those of containers: names or IDs of the engine's, processes or PIDs.

    Several in one namespace are one; `also` are processes with their names, unless they are in one of these. The namespace of
    the process `host` stands for the host's.
    Raises InvalidInput for a container that does not run, or is in the host's namespace; NotFound, Unavailable.
    """
    if labels is not None and len(labels) != len(containers):
        raise InvalidInput(say("{labels} labels for {count} columns", labels=len(labels), count=len(containers)))
    with ExitStack() as stack:
        found = [_host(stack, engine) if host is None else _held(stack, host, say("the lab's host"))]
        for number, container in enumerate(containers):
            pid, name = resolved(container, engine)
            _add(found, _held(stack, pid, labels[number] if labels else name))
        known = {each.inode for each in found}
        found += [one for one in (_held(stack, pid, name) for pid, name in also) if one.inode not in known]
        yield found


def _add(found: list[Open], one: Open) -> None:
    if one.inode == found[HOST].inode:
        raise InvalidInput(
            say("{name} is in the host's own network namespace, which is drawn anyway: leave it out", name=one.label)
        )
    for place, each in enumerate(found):
        if each.inode == one.inode:
            names = dict.fromkeys((*each.label.split(", "), one.label))
            found[place] = each.replace(label=", ".join(names))
            return
    found.append(one)


def _host(stack: ExitStack, engine: Engine) -> Open:
    """Return the namespace that the engine's bridges are in: of an ordinary user's engine, that is not the machine's."""
    fd = engine.networks.namespace()
    stack.callback(os.close, fd)
    inode = os.fstat(fd).st_ino
    return Open(say("host") if inode == procfs.namespace("thread-self", "net") else say("your containers' host"), fd, inode)


def _held(stack: ExitStack, pid: int, label: str) -> Open:
    try:
        fd = stack.enter_context(namespace_of(pid))
    except PermissionError as error:
        raise proc.refusal(pid, error) from None
    return Open(label, fd, os.fstat(fd).st_ino)


def resolved(container: Container, engine: Engine) -> tuple[int, str]:
    """Return a container's process and what it is called. Raises InvalidInput if it does not run, NotFound."""
    if not isinstance(container, str):
        pid = proc.number(container)
        return pid, proc.task(pid).name
    found = get(engine, container)
    if found.state.status != "running":
        raise InvalidInput(say("container {name} is not running: `labcore start {name}`", name=found.name))
    return found.state.pid, found.name


def connected(engine: Engine) -> list[tuple[int, str]]:
    """Return the process and the name of each container that our bridges connect with the host, sorted by name.

    They are looked for among all processes: a container need not be one of the engine's records.
    """
    names = {each.state.pid: each.name for each in engine.records.readable() if each.state.status == "running"}
    with ExitStack() as stack:
        host = _host(stack, engine)
        held = []
        for pid in _first_processes(host.inode):
            with suppress(NotFound, Unavailable, InvalidInput):
                held.append((pid, _held(stack, pid, "")))
        tables = inside(host, partial(read_tables, [each.fd for _, each in held]))
    ours = {link.index for link in tables.links if link.alias.startswith("labcore:") and link.kind == "bridge"}
    led_to = {link.peer_namespace for link in tables.links if link.master in ours} - {None}
    found = [pid for (pid, _), number in zip(held, tables.numbers, strict=True) if number in led_to]
    return sorted(((pid, names.get(pid) or procfs.command_name(pid)) for pid in found), key=lambda pair: pair[1])


def _first_processes(host: int) -> list[int]:
    """Return the oldest process of each network namespace that this machine's processes are in, but the host's."""
    first: dict[int, int] = {}
    for pid in sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()):
        with suppress(OSError):
            first.setdefault(procfs.namespace(pid, "net"), pid)
    return [pid for inode, pid in first.items() if inode != host]


def below(pid: int) -> tuple[int, list[tuple[int, str]]]:
    """Return the lab host below a process, and the oldest process of each other network namespace there, named.

    A container that has just been started is waited for. Raises NotFound if there is no bridge with one in the end.
    """
    deadline = time.monotonic() + BELOW_SECONDS
    while True:
        found = _processes_below(pid)
        host = next((each for each in found if _has_bridge(each)), None)
        if host is not None and len(found) > 1:
            return host, [(each, procfs.command_name(each)) for each in found if each != host]
        if time.monotonic() > deadline:
            raise NotFound(say("no container is connected to a bridge there"))
        time.sleep(POLL_SECONDS)


def _processes_below(pid: int) -> list[int]:
    """Return the oldest process below one of each network namespace that is not its own."""
    found: dict[int, int] = {}
    for each in procfs.descendants(pid):
        with suppress(OSError):
            found.setdefault(procfs.namespace(each, "net"), each)
    found.pop(procfs.namespace(pid, "net"), None)
    return list(found.values())


def _has_bridge(pid: int) -> bool:
    with namespace_of(pid) as namespace:
        return any(link.kind == "bridge" for link in in_namespace(namespace, read_tables).links)


# --- what is in them


def read(namespaces: Sequence[Open]) -> list[Namespace]:
    """Return what is in these namespaces now. Raises NetlinkError, Unavailable."""
    fds = [each.fd for each in namespaces]
    tables = [inside(each, partial(read_tables, fds)) for each in namespaces]
    return [_namespace(place, one, tables[place]) for place, one in enumerate(namespaces)]


def inside(one: Open, work: Callable[[], T]) -> T:
    """Return what `work` returns in a namespace, in a thread of its own: this one stays where it is. Raises Unavailable."""
    try:
        return in_namespace(one.fd, work)
    except OSError as error:
        if error.errno != errno.EPERM:
            raise
        raise Unavailable(
            say("the network of {name} may not be looked into from here: run this as root", name=one.label)
        ) from None


def _namespace(place: int, one: Open, tables: Tables) -> Namespace:
    names = {link.index: link.name for link in tables.links}
    places: dict[int | None, int] = {number: other for other, number in enumerate(tables.numbers) if number is not None}
    places[None] = place  # the kernel names no namespace where both ends are in one
    interfaces = (
        Interface(
            index=link.index,
            name=link.name,
            kind=link.kind,
            mac_address=link.mac_address if link.name != LOOPBACK else "",
            is_up=link.is_up,
            addresses=tuple(address for index, address in tables.addresses if index == link.index),
            bridge=link.master,
            peer=(places[link.peer_namespace], link.peer) if link.peer and link.peer_namespace in places else None,
        )
        for link in tables.links
    )
    ways = (
        Way("" if each.is_default else str(each.destination), each.gateway, names.get(each.link, ""))
        for each in tables.routes
        if each.gateway or each.is_default
    )
    return Namespace(one.label, one.inode, tuple(interfaces), tuple(dict.fromkeys(ways)))
