"""`labcore volume ls`: list volumes, with their disk usage."""

import argparse
import json

from labcore.cli.formatting import show_table, size
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-q", "--quiet", action="store_true", help="print names only")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line")


def main(args: argparse.Namespace) -> int:
    """List volumes, with what they take on disk."""
    engine = Engine(args.root)
    volumes = engine.volumes
    names = volumes.names()
    if args.quiet:
        print("".join(f"{name}\n" for name in names), end="")
    elif args.format == "json":
        users = engine.records.volume_users()
        for name in names:
            print(json.dumps({"Name": name, "Size": volumes.usage(name), "InUse": name in users or volumes.is_in_use(name)}))
    else:
        show_table(["VOLUME", "SIZE"], [[name, size(volumes.usage(name))] for name in names], right=["SIZE"])
    return 0
