"""`labcore network prune`: remove unused networks."""

import argparse

from labcore.cli.confirm import confirmed
from labcore.cli.notices import notify
from labcore.engine import Engine
from labcore.engine.network.objects import prune_networks


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Ask, on a terminal; then remove the networks that no container is on, or wants to be on."""
    if not confirmed(args, "all networks that no container uses, and bridges whose state root is gone"):
        return 1
    for network in prune_networks(Engine(args.root, notify=notify)):
        print(f"Deleted network: {network.wanted.name}")
    return 0
