"""Networks of containers: endpoints reserved before a start, attached at its sync point `namespaces`, released afterwards.

Most containers of `labcore.run` are on no network: for them nothing of `labcore.network` is imported.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial

from labcore import procfs
from labcore.engine.engine import BARE
from labcore.engine.network.objects import log_endpoint_events, release_endpoints
from labcore.engine.network.resolv_conf import embedded, machines, own, wanted
from labcore.engine.records.ids import new_id
from labcore.engine.spans import span
from labcore.errors import InUse, InvalidInput, NotFound, PortInUse
from labcore.options.limits import HOST_GATEWAY
from labcore.record import Record
from labcore.spec.network import PortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Final

    from labcore.engine.engine import Engine
    from labcore.engine.network.resolv_conf import ResolvConf
    from labcore.engine.records.records import Container
    from labcore.images import Config
    from labcore.native import Process
    from labcore.runtime import LaunchOptions
    from labcore.spec import ContainerSpec, CreateOptions
    from labcore.spec.network import Endpoint, EndpointOptions, Protocol

DEFAULT: Final = "bridge"  # the network that has no names
SHOWN: Final = 12  # digits of an ID that others on a network know a container by
Hosts = tuple[tuple[str, str], ...]


class Connected(Record):
    """What a container has of networks: its endpoints, and what stands in its /etc/hosts and /etc/resolv.conf because of them.

    `hosts` are pairs of an address and names, for its own and for linked containers; `host_gateway` is what that word stands
    for in extra hosts. `resolver` is what it asks. With `is_embedded` that is the embedded server, which knows the networks'
    names, and asks `upstream` for others. `variables` are the environment that links make.
    """

    resolver: ResolvConf
    endpoints: tuple[Endpoint, ...] = ()
    hosts: Hosts = ()
    variables: tuple[str, ...] = ()
    is_embedded: bool = False
    is_internal: bool = False
    upstream: tuple[str, ...] = ()
    host_gateway: str = ""

    def launch_options(self, engine: Engine) -> LaunchOptions:
        """Return how the container is launched: at its sync point `namespaces` it is connected."""
        if not self.endpoints:
            return engine.launch_options()
        names = tuple(each.wanted.network for each in self.endpoints)
        return engine.launch_options((("namespaces", partial(attach, engine, self)),), names)


def connection(engine: Engine, options: CreateOptions, owner: str, *, name: str = "", config: Config) -> Connected:
    """Reserve a container's endpoints, all or none, and return what it has of them.

    `owner` is its ID. `release` is to follow. Raises NotFound, InvalidInput, InUse, Unavailable.
    """
    asked = wanted(options, machines())
    gateway = host_gateway(engine) if HOST_GATEWAY in dict(options.extra_hosts).values() else ""
    if not options.networks:
        shared = options.network_mode == "host"
        return Connected(asked if shared else own(asked, ipv6=False), host_gateway=gateway)
    ports = published(options, config)
    with ExitStack() as undo:
        undo.callback(engine.networks.release, owner)
        endpoints: list[Endpoint] = []
        try:
            for each in _by_priority(engine, options.networks):
                own_ports = () if endpoints else ports
                with span(f"network: reserve an endpoint on {each.network}"):
                    names = names_on(each, owner, name, options.hostname)
                    endpoints.append(engine.networks.reserve(each, owner, names=names, ports=own_ports))
        except NotFound as error:
            raise NotFound(f"failed to set up container networking: {error}") from None
        except PortInUse as error:
            failed = f"driver failed programming external connectivity on endpoint {name or owner[:SHOWN]} ({owner})"
            raise InUse(f"failed to set up container networking: {failed}: {error}") from None
        made = _connected(engine, options, tuple(endpoints), asked, owner, name)
        undo.pop_all()
        log_endpoint_events(engine, endpoints, "connect")
        return made.replace(host_gateway=gateway)


def names_on(wanted: EndpointOptions, owner: str, name: str, hostname: str) -> tuple[str, ...]:
    """Return the names by which others on a network find a container; the default network has none."""
    names = () if wanted.network == DEFAULT else (name, owner[:SHOWN], *wanted.aliases, hostname)
    return tuple(each for each in dict.fromkeys(names) if each)


def connected_now(engine: Engine, container: Container) -> Connected:
    """Return what a container that runs has of networks at this moment."""
    options, endpoints = container.options, tuple(engine.networks.endpoints(owner=container.id))
    asked = wanted(options, machines())
    if not endpoints:
        return Connected(own(asked, ipv6=False))
    return _connected(engine, options, endpoints, asked, container.id, container.name)


def _by_priority(engine: Engine, networks: Iterable[EndpointOptions]) -> list[EndpointOptions]:
    """Return the networks with the one first that has the default route, and so the published ports: no internal one has."""

    def key(wanted: EndpointOptions) -> tuple[bool, int, str]:
        return engine.networks.find(wanted.network).wanted.internal, -wanted.priority, wanted.network

    return sorted(networks, key=key)


def published(options: CreateOptions, config: Config) -> tuple[PortBinding, ...]:
    """Return the ports that are to be published: those that are named, and with `publish_all` all that are exposed."""
    if not options.publish_all:
        return options.ports
    named = {(each.container_port, each.protocol) for each in options.ports}
    exposed = (_port(text) for text in (*config.exposed_ports, *options.exposed_ports))
    drawn = (PortBinding(*port) for port in dict.fromkeys(exposed) if port not in named)
    return (*options.ports, *drawn)


def _port(text: str) -> tuple[int, Protocol]:
    """Read `80/tcp`, as images' configs have it. Raises InvalidInput."""
    number, _, protocol = text.partition("/")
    if not (number.isascii() and number.isdecimal() and len(number) < 6) or protocol not in ("", "tcp", "udp"):
        raise InvalidInput(
            f"publish-all: port {text!r:.40} of the image cannot be published: leave it out, and name others: -p"
        )
    return int(number), "udp" if protocol == "udp" else "tcp"


def _connected(
    engine: Engine, options: CreateOptions, endpoints: tuple[Endpoint, ...], asked: ResolvConf, owner: str, name: str
) -> Connected:  # fmt: skip
    has_names = any(each.wanted.network != DEFAULT for each in endpoints)
    networks = [engine.networks.find(each.network_id) for each in endpoints]
    loopback = engine.networks.name_server
    hosts = tuple((_plain(text), own_names(options, owner)) for each in endpoints for text in (each.ipv4, each.ipv6) if text)
    links = list(_linked(engine, options.links, name or owner[:SHOWN]))
    return Connected(
        resolver=embedded(asked) if has_names else own(asked, ipv6=any(each.ipv6 for each in endpoints), loopback=loopback),
        endpoints=endpoints,
        hosts=(*(_host_line(*link) for link in links), *hosts),
        variables=_variables(links, name or owner[:SHOWN]),
        is_embedded=has_names,
        is_internal=all(each.wanted.internal for each in networks),
        upstream=own(asked, ipv6=True, loopback=loopback).servers,
    )


def own_names(options: CreateOptions, owner: str) -> str:
    """Return the container's own names, as /etc/hosts has them behind its addresses: the whole one, and what it begins with."""
    whole = ".".join(each for each in (options.hostname or owner[:SHOWN], options.domainname) if each)
    first, dot, _ = whole.partition(".")
    return f"{whole} {first}" if dot else whole


def _linked(engine: Engine, links: Sequence[tuple[str, str]], name: str) -> Iterator[tuple[Container, str, str]]:
    """Yield containers to which one of this name is linked on the default network, their addresses and aliases.

    Raises NotFound, InvalidInput, in docker's words.
    """
    for id, alias in links:
        container = engine.records.find(id)
        found = [each for each in engine.networks.endpoints(owner=container.id) if each.wanted.network == DEFAULT]
        if not found:
            if container.state.status != "running":
                raise InvalidInput(
                    f"Cannot link to a non running container: /{container.name} AS /{name}/{alias}: start it first"
                )
            raise InvalidInput(f"container {container.id} not attached to default bridge network")
        yield container, _plain(found[0].ipv4), alias


def _host_line(linked: Container, address: str, alias: str) -> tuple[str, str]:
    hostname = linked.options.hostname or linked.id[:SHOWN]
    return address, " ".join(dict.fromkeys((alias, hostname, linked.name)))


def _variables(links: Sequence[tuple[Container, str, str]], name: str) -> tuple[str, ...]:
    if not links:
        return ()
    from labcore.engine.network.link_variables import link_variables  # few containers have links

    return tuple(line for link in links for line in link_variables(*link, name))


def with_variables(spec: ContainerSpec, variables: Sequence[str]) -> ContainerSpec:
    """Return the spec with variables that it does not set itself."""
    if not variables:
        return spec
    own = {line.partition("=")[0] for line in spec.environment}
    added = (line for line in variables if line.partition("=")[0] not in own)
    return spec.replace(environment=(*added, *spec.environment))


def host_gateway(engine: Engine) -> str:
    """Return the address at which containers reach the host: the default network's gateway, as docker has it.

    An ordinary user's networks have gateways that are not the host, and reach it at an address of its own.
    """
    return engine.networks.host_address or engine.networks.find(DEFAULT).wanted.pools[0].gateway


def launch_options_of_plan(engine: Engine, options: CreateOptions) -> LaunchOptions:
    """Return how a plan is launched, whose endpoints are reserved when it is spawned."""
    if not options.networks:
        return engine.launch_options()

    def connect(process: Process) -> None:
        found = connection(engine, options, new_id(), config=BARE)
        with given_back(engine, found):
            attach(engine, found, process)

    names = tuple(each.network for each in _by_priority(engine, options.networks))
    return engine.launch_options((("namespaces", connect),), names)


def attach(engine: Engine, connected: Connected, process: Process) -> None:
    """Attach endpoints to the network namespace of a process that waits at a sync point, and have its names answered.

    Raises NotFound, Unavailable, InvalidInput, NetlinkError.
    """
    from labcore.network import namespace_of

    with span("network: attach"), namespace_of(process.pid) as namespace:
        engine.networks.attach(connected.endpoints, namespace)
    if connected.is_embedded:
        with span("network: serve names"):
            serve_names(engine, connected, process.pid)


def serve_names(engine: Engine, connected: Connected, pid: int) -> None:
    """Have the embedded DNS server answer in the network namespace of a process, until that ends. Raises Unavailable."""
    from labcore.network.resolver.clients import Client

    owner = connected.endpoints[0].owner
    client = Client(owner, pid, procfs.start_time(pid) or 0, connected.upstream, connected.is_internal)
    engine.networks.answer(client)


def release(engine: Engine, owner: str) -> None:
    """Give back what a container that has ended had of networks; one that had nothing is no matter."""
    release_endpoints(engine, owner)


@contextmanager
def connected(
    engine: Engine, options: CreateOptions, owner: str, *, name: str = "", config: Config
) -> Iterator[Connected]:  # fmt: skip
    """Yield what a container has of networks as long as the block lasts: `connection`, `release`."""
    found = connection(engine, options, owner, name=name, config=config)
    try:
        yield found
    finally:
        if found.endpoints:
            release(engine, owner)


@contextmanager
def given_back(engine: Engine, connected: Connected) -> Iterator[None]:
    """Give back what a container has of networks if the block fails."""
    try:
        yield
    except BaseException:
        if connected.endpoints:
            release(engine, connected.endpoints[0].owner)
        raise


def _plain(address: str) -> str:
    return address.partition("/")[0]
