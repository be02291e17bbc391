"""`labcore network inspect`: networks as JSON."""

import argparse
import json

from labcore.daemon.wire.network_json import network_json
from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="+", metavar="NETWORK")


def main(args: argparse.Namespace) -> int:
    """Print what is known of some, as JSON."""
    engine = Engine(args.root)
    print(json.dumps([network_json(engine, engine.networks.find(name)) for name in args.names], indent=4))
    return 0
