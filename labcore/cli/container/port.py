"""`labcore container port`: the ports of a container that are published."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.client.container_values import HostPort
from labcore.errors import NotFound


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("port", nargs="?", metavar="PORT[/udp]", help="this one only")


def main(args: Arguments) -> int:
    """Print each with the address at which it answers."""
    with client_of(args) as client:
        published = client.containers.inspect(args.container).published
    if args.port is None:
        for port, places in sorted(published.items(), key=lambda pair: (int(pair[0].partition("/")[0]), pair[0])):
            for place in places:
                print(f"{port} -> {address_of(place)}")
        return 0
    wanted = args.port if "/" in args.port else f"{args.port}/tcp"
    if wanted not in published:
        raise NotFound(f"no public port {args.port} published for {args.container}: labcore port {args.container} lists them")
    for place in published[wanted]:
        print(address_of(place))
    return 0


def address_of(place: HostPort) -> str:
    """Return an address with its port: `127.0.0.1:8080`, `[::]:8080`."""
    return f"[{place.ip}]:{place.port}" if ":" in place.ip else f"{place.ip}:{place.port}"
