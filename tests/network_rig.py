"""A host, a neighbor of it, and containers on its bridges, each in a network namespace: to try firewall and proxy on."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from labcore.network.firewall import Firewall
from labcore.network.pools import complete
from labcore.network.proxy import Proxy
from labcore.spec.network import AddressPool, Endpoint, EndpointOptions, Network, NetworkOptions, PortBinding
from tests.network import Namespace, connect, namespace, serving

HOST, NEIGHBOR = "192.0.2.1", "192.0.2.2"
HOST6, NEIGHBOR6 = "2001:db8::1", "2001:db8::2"
PORTS = (80, 81)  # what containers serve: by habit the first is published, and the second not


class Container(Namespace):
    """A namespace with an endpoint in it."""

    def __init__(self, pid: int, endpoint: Endpoint) -> None:
        super().__init__(pid)
        self.endpoint = endpoint
        self.ipv4, self.ipv6 = (text.partition("/")[0] for text in (endpoint.ipv4, endpoint.ipv6))


@contextmanager
def host_and_neighbor() -> Iterator[tuple[Namespace, Namespace]]:
    """Make two hosts on one cable, which have each other as gateway."""
    with namespace() as host, namespace() as neighbor:
        connect(host, "eth0", neighbor, "eth0")
        for place, own, own6, other, other6 in (
            (host, HOST, HOST6, NEIGHBOR, NEIGHBOR6),
            (neighbor, NEIGHBOR, NEIGHBOR6, HOST, HOST6),
        ):
            place.ip(f"address add {own}/24 dev eth0", f"address add {own6}/64 dev eth0 nodad")
            place.ip(f"route add default via {other}", f"route add default via {other6}")
        yield host, neighbor


class Rig:
    """Networks and containers as the driver makes them, by ip(8), with the rules and the proxy that are tried."""

    def __init__(self, host: Namespace, neighbor: Namespace, home: Path, stack: ExitStack) -> None:
        self.host, self.neighbor, self._stack = host, neighbor, stack
        self.networks: dict[str, Network] = {}
        self.endpoints: list[Endpoint] = []
        self._numbers = count(2)
        host.set("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        with host.entered():
            self.firewall = Firewall("labcore", home / "firewall.lock", self._known)
        self.proxy = Proxy(home / "proxy.sock", lambda: self.endpoints)

    def _known(self) -> tuple[list[Network], list[tuple[Network, Endpoint]]]:
        return list(self.networks.values()), [(self.networks[each.network_id], each) for each in self.endpoints]

    def network(self, name: str, *pools: str, internal: bool = False, **options: str) -> Network:
        """Make a network with its bridge; a pool of IPv6 makes it one of both families."""
        number = len(self.networks) + 1
        wanted = NetworkOptions(
            name,
            pools=tuple(complete(AddressPool(pool)) for pool in pools),
            ipv6=len(pools) > 1,
            internal=internal,
            options=tuple((f"com.docker.network.bridge.{key}", value) for key, value in options.items()),
        )
        network = Network(f"{number:064x}", "2026-01-01T00:00:00Z", f"br{number}", wanted)
        self.host.ip(f"link add {network.bridge} type bridge", f"link set {network.bridge} up")
        self.host.ip(*(f"address add {_first(pool)} dev {network.bridge} nodad" for pool in pools))
        self.host.set(f"net.ipv4.conf.{network.bridge}.route_localnet=1")
        self.networks[network.id] = network
        with self.host.entered():
            self.firewall.add_network(network)
        return network

    def container(self, name: str, network: Network, *ports: PortBinding, serve: bool = True) -> Container:
        """Make a container on a network with published ports; it serves 80 and 81."""
        place = self._stack.enter_context(namespace())
        endpoint = self.endpoint(name, network)
        with self.host.entered(), self.proxy.bind(ports) as bound:
            endpoint = endpoint.replace(ports=bound.ports)
            self.endpoints.append(endpoint)
            if ports:
                self.proxy.publish(endpoint, bound)
            self.firewall.add_endpoint(network, endpoint)
        self._attach(place, network, endpoint)
        if serve:
            self._stack.enter_context(serving(place, name, *PORTS))
        return Container(place.pid, endpoint)

    def endpoint(self, name: str, network: Network) -> Endpoint:
        """Return the next endpoint of a network."""
        number = next(self._numbers)
        addresses = [f"{pool.subnet.partition('/')[0].removesuffix('0')}{number:x}" for pool in network.wanted.pools]
        prefixes = [pool.subnet.partition("/")[2] for pool in network.wanted.pools]
        ipv4, ipv6, *_ = [f"{address}/{prefix}" for address, prefix in zip(addresses, prefixes, strict=True)] + [""]
        mac = f"02:42:00:00:00:{number:02x}"
        wanted = EndpointOptions(network.wanted.name)
        link = f"veth{number}"
        return Endpoint(f"{number:064x}", network.id, name, link, "eth0", mac, wanted, ipv4=ipv4, ipv6=ipv6)

    def _attach(self, place: Namespace, network: Network, endpoint: Endpoint) -> None:
        link, pools = endpoint.host_link, [pool.subnet for pool in network.wanted.pools]
        self.host.ip(
            f"link add {link} type veth peer name eth0 address {endpoint.mac_address} netns {place.pid}",
            f"link set {link} master {network.bridge}",
            f"link set {link} up",
        )
        place.set(f"net.ipv6.conf.all.disable_ipv6={int(not endpoint.ipv6)}")
        place.ip("link set eth0 up", *(f"address add {each} dev eth0 nodad" for each in (endpoint.ipv4, endpoint.ipv6) if each))
        if not network.wanted.internal:
            place.ip(*(f"route add default via {_first(pool).partition('/')[0]}" for pool in pools))

    def close(self) -> None:
        """Have the proxy end."""
        self.endpoints.clear()
        self.proxy.close()
        with self.host.entered():
            self.proxy.restore()


def _first(pool: str) -> str:
    """Return a subnet's first address, with its prefix: the gateway."""
    address, prefix = pool.split("/")
    return f"{address.removesuffix('0')}1/{prefix}"


@contextmanager
def rig(home: Path) -> Iterator[Rig]:
    """Make a host with a neighbor, to have networks on; all of it goes at the block's end."""
    home.mkdir(exist_ok=True)
    with host_and_neighbor() as (host, neighbor), ExitStack() as stack:
        made = Rig(host, neighbor, home, stack)
        stack.callback(made.close)
        yield made
