"""The network driver in a user's network namespace: each call is a visit there; what is the host's is done by who visits."""

from __future__ import annotations

import os
from _queue import SimpleQueue  # `queue` and `threading` cost 4 ms of a start
from _socket import AF_INET, SOCK_DGRAM, socket
from _thread import _local, start_new_thread
from contextlib import suppress
from functools import cached_property, partial

from labcore.native import CloneFlag, setns
from labcore.network.driver import NetworkDriver
from labcore.network.links import Route, list_routes
from labcore.network.netlink import Netlink
from labcore.network.rootless import user_mode
from labcore.network.rootless.namespaces import network_of
from labcore.spec.addresses import parse_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Concatenate, NoReturn, ParamSpec, TypeVar

    from labcore.network.ports import BoundPorts
    from labcore.spec.network import Endpoint, EndpointOptions, PortBinding

    P = ParamSpec("P")
    T = TypeVar("T")


def _visiting(method: Callable[Concatenate[NetworkDriver, P], T]) -> Callable[Concatenate[RootlessNetworks, P], T]:
    """Return a method of the driver's that does its work in the user's network namespace."""

    def call(self: RootlessNetworks, /, *args: P.args, **more: P.kwargs) -> T:
        return self._there(partial(method, self._driver, *args, **more))

    return call


class RootlessNetworks:
    """NetworkDriver's calls, carried out in the network namespace of the user whose pause process has this directory.

    They raise what NetworkDriver's do, and Unavailable where that namespace is not there, or cannot be connected to the host.
    """

    name_server = user_mode.NAME_SERVER

    create = _visiting(NetworkDriver.create)
    find = _visiting(NetworkDriver.find)
    networks = _visiting(NetworkDriver.networks)
    names = _visiting(NetworkDriver.names)
    remove = _visiting(NetworkDriver.remove)
    prune = _visiting(NetworkDriver.prune)
    endpoints = _visiting(NetworkDriver.endpoints)
    check = _visiting(NetworkDriver.check)
    attach = _visiting(NetworkDriver.attach)
    disconnect = _visiting(NetworkDriver.disconnect)
    release = _visiting(NetworkDriver.release)
    move_ports = _visiting(NetworkDriver.move_ports)
    answer = _visiting(NetworkDriver.answer)
    namespace = _visiting(NetworkDriver.namespace)
    has_rules = _visiting(NetworkDriver.has_rules)
    masqueraded = _visiting(NetworkDriver.masqueraded)
    published = _visiting(NetworkDriver.published)
    repair = _visiting(NetworkDriver.repair)
    close = _visiting(NetworkDriver.close)

    def __init__(self, root: str | os.PathLike[str], directory: Path, *, keeps_proxy: bool = False) -> None:
        self._root = root
        self._keeps_proxy = keeps_proxy
        self._directory = directory
        self._visit = _local()

    @cached_property
    def _namespace(self) -> int:
        return network_of(self._directory, connected=False)

    @cached_property
    def _driver(self) -> NetworkDriver:
        make = partial(
            NetworkDriver,
            self._root,
            bind=self._bind,
            other_routes=self._host_routes,
            name_server=user_mode.NAME_SERVER,
            host_address=self.host_address,
            keeps_proxy=self._keeps_proxy,
        )
        return self._there(make)

    @cached_property
    def host_address(self) -> str:
        """The address from which this host reaches others; empty where it has no way out."""
        with suppress(OSError):
            probe = socket(AF_INET, SOCK_DGRAM)
            try:
                probe.connect(("198.51.100.1", 9))  # which sends nothing
                return str(probe.getsockname()[0])
            finally:
                probe.close()
        return ""

    def reserve(
        self, wanted: EndpointOptions, owner: str, *, names: Sequence[str] = (), ports: Sequence[PortBinding] = ()
    ) -> Endpoint:  # fmt: skip
        """Do what NetworkDriver.reserve does, after the namespace has been connected to the host's network."""
        os.close(network_of(self._directory, connected=True))
        return self._there(partial(self._driver.reserve, wanted, owner, names=names, ports=ports))

    def _bind(self, wanted: Iterable[PortBinding]) -> BoundPorts:
        from labcore.network import ports

        return self._here(partial(ports.bind, wanted))

    def _host_routes(self) -> list[Route]:
        """Return the routes that containers' subnets may not hide: the host's, and the one to the host."""

        def listed() -> list[Route]:
            with Netlink() as netlink:
                return list_routes(netlink)

        return [Route(parse_prefix(user_mode.SUBNET), gateway="", link=0), *self._here(listed)]

    def _there(self, work: Callable[[], T]) -> T:
        """Return what `work` returns in the namespace, or raise what it raises; `_here` works in it."""
        errands: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        ended: list[Callable[[], T]] = []

        def visit() -> None:
            self._visit.errands = errands
            ended.append(_outcome(partial(_joined, self._namespace, work)))
            errands.put(None)

        interrupts: list[BaseException] = []
        self._namespace  # noqa: B018 - asked for here: where it is not there, nobody can visit it
        start_new_thread(visit, ())
        while not ended:
            try:
                while errand := errands.get():
                    errand()
            except BaseException as interrupt:  # the visitor has our descriptors yet
                interrupts.append(interrupt)
        if interrupts:
            raise interrupts[0]
        return ended[0]()

    def _here(self, work: Callable[[], T]) -> T:
        """During a visit, return what `work` returns in the network namespace of who waits for it, or raise what it raises."""
        done: SimpleQueue[Callable[[], T]] = SimpleQueue()
        self._visit.errands.put(lambda: done.put(_outcome(work)))
        return done.get()()


def _joined(namespace: int, work: Callable[[], T]) -> T:
    setns(namespace, CloneFlag.NEWNET)
    return work()


def _outcome(work: Callable[[], T]) -> Callable[[], T]:
    """Do it; return what returns or raises the same, wherever it is called."""
    try:
        value = work()
    except BaseException as error:
        return partial(_raise, error)
    return lambda: value


def _raise(error: BaseException) -> NoReturn:
    raise error
