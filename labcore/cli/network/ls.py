"""`labcore network ls`: list networks."""

import argparse
import json

from labcore.cli.formatting import show_table
from labcore.engine import Engine
from labcore.engine.filters import parse_filters
from labcore.engine.network.inspect import FILTERS, SCOPE, check_filters, matches

SHOWN = 12  # digits of an ID
HEADS = ["NETWORK ID", "NAME", "DRIVER", "SCOPE"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: id, name, driver, label, scope, type (custom, builtin), dangling; as docker's."
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs whole")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line")
    parser.add_argument("-f", "--filter", action="append", default=[], metavar="NAME=VALUE", help="list only those; repeatable")


def main(args: argparse.Namespace) -> int:
    """List them by their names."""
    engine = Engine(args.root)
    filters = parse_filters(args.filter, FILTERS)
    check_filters(filters)
    networks = [each for each in engine.networks.networks() if matches(engine, each, filters)]
    rows = [[each.id if args.no_trunc else each.id[:SHOWN], each.wanted.name, each.wanted.driver, SCOPE] for each in networks]
    if args.quiet:
        print("".join(f"{row[0]}\n" for row in rows), end="")
    elif args.format == "json":
        for network, row in zip(networks, rows, strict=True):
            labels = ",".join(f"{name}={value}" for name, value in network.wanted.labels)
            fields = {
                "ID": row[0],
                "Name": row[1],
                "Driver": row[2],
                "Scope": row[3],
                "Labels": labels,
                "CreatedAt": network.created,
            }
            flags = {"IPv4": network.wanted.ipv4, "IPv6": network.wanted.ipv6, "Internal": network.wanted.internal}
            print(json.dumps(fields | {name: str(value).lower() for name, value in flags.items()}))
    else:
        show_table(HEADS, rows)
    return 0
