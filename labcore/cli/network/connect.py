"""`labcore network connect`: connect a container to a network."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import integer
from labcore.options.networks import endpoint

REPEATED = (
    ("--alias", "network_aliases", "NAME", "a further name there"),
    ("--link", "links", "CONTAINER[:ALIAS]", "know a container by a name there"),
    ("--driver-opt", "driver_options", "NAME=VALUE", "an option of its endpoint"),
)


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--ip", metavar="IP", help="its address there")
    parser.add_argument("--ip6", metavar="IP", help="the same of IPv6")
    parser.add_argument("--mac-address", metavar="MAC", help="the address of its interface there")
    parser.add_argument("--gw-priority", type=integer, default=0, metavar="N", help="the highest has the default route")
    for flag, field, value, line in REPEATED:
        parser.add_argument(flag, action="append", dest=field, metavar=value, help=f"{line}; may be repeated")
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Connect it, now if it runs, and whenever it is started."""
    names = ("ip", "ip6", "mac_address", "network_aliases", "links", "driver_options")
    wanted = endpoint(args.network, {name: getattr(args, name) for name in names}, args.gw_priority)
    with client_of(args) as client:
        client.networks.connect(args.network, args.container, wanted)
    return 0
