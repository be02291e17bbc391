"""`labcore network create`: make a network."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.options.network_create import network_options

REPEATED = (
    ("--subnet", "SUBNET", "such as 172.30.0.0/16 (default: one that is free)"),
    ("--gateway", "IP", "this machine's address on it (default: the first)"),
    ("--ip-range", "RANGE", "where addresses come from (default: the subnet)"),
    ("--aux-address", "NAME=IP", "an address that no container gets"),
    ("--label", "NAME=VALUE", "note this beside it"),
    ("-o --opt", "NAME=VALUE", "an option of its bridge: com.docker.network.…"),
)


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-d", "--driver", default="bridge", metavar="DRIVER", help="bridge, which is all there is")
    parser.add_argument("--ipv4", default="true", metavar="BOOL", help="with addresses of IPv4 (default: true)")
    parser.add_argument("--ipv6", action="store_true", help="with addresses of IPv6")
    parser.add_argument("--internal", action="store_true", help="without a way out")
    parser.add_argument("--attachable", action="store_true", help="docker's, for swarms: noted, and nothing else")
    for flags, value, line in REPEATED:
        parser.add_argument(*flags.split(), action="append", default=[], metavar=value, help=line)
    parser.add_argument("name", metavar="NETWORK", help="its name")


def main(args: Arguments) -> int:
    """Make it, and print its ID."""
    wanted = network_options(
        args.name,
        driver=args.driver,
        subnets=args.subnet,
        gateways=args.gateway,
        ip_ranges=args.ip_range,
        auxiliary=args.aux_address,
        ipv4=args.ipv4,
        ipv6=args.ipv6,
        internal=args.internal,
        attachable=args.attachable,
        labels=args.label,
        options=args.opt,
    )
    with client_of(args) as client:
        print(client.networks.create(wanted))
    return 0
