"""`labcore volume`: directories that containers share and that outlive them."""

import argparse
import json

from labcore.engine import Engine
from labcore.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore run -v NAME:/path …` uses one, and makes it if it is missing."
    what = parser.add_subparsers(metavar="WHAT", required=True)
    listing = what.add_parser("ls", help="list them, with what they take on disk")
    listing.set_defaults(act=_list)
    creation = what.add_parser("create", help="make one, without a name an anonymous one; print its name")
    creation.add_argument("--label", action="append", default=[], metavar="NAME=VALUE")
    creation.add_argument("name", nargs="?", metavar="NAME")
    creation.set_defaults(act=_create)
    inspection = what.add_parser("inspect", help="print what is known of some, as JSON")
    inspection.add_argument("names", nargs="+", metavar="NAME")
    inspection.set_defaults(act=_inspect)
    removal = what.add_parser("rm", help="remove some, with all that is in them")
    removal.add_argument("names", nargs="+", metavar="NAME")
    removal.set_defaults(act=_remove)
    pruning = what.add_parser("prune", help="remove the anonymous ones that no container uses")
    pruning.add_argument("-a", "--all", action="store_true", help="the others that no container uses as well")
    pruning.set_defaults(act=_prune)


def main(args: argparse.Namespace) -> int:
    """Do it."""
    args.act(Engine(args.root), args)
    return 0


def _list(engine: Engine, args: argparse.Namespace) -> None:  # noqa: ARG001
    names = engine.volumes.names()
    width = max([len(name) for name in names] + [6])
    print(f"{'VOLUME':{width}}  {'SIZE':>9}")
    for name in names:
        print(f"{name:{width}}  {engine.volumes.usage(name) / 1e6:6.1f} MB")


def _create(engine: Engine, args: argparse.Namespace) -> None:
    pairs = [label.partition("=") for label in args.label]
    if any(not name for name, _, _ in pairs):
        raise InvalidInput("--label NAME=VALUE")
    print(engine.volumes.create(args.name, labels=[(name, value) for name, _, value in pairs]).name)


def _inspect(engine: Engine, args: argparse.Namespace) -> None:
    found = [engine.volumes.get(name) for name in args.names]
    shown = [
        volume.as_dict() | {"labels": dict(volume.labels), "mountpoint": str(engine.volumes.data(volume))} for volume in found
    ]
    print(json.dumps(shown, indent=4))


def _remove(engine: Engine, args: argparse.Namespace) -> None:
    for name in args.names:
        engine.volumes.remove(name)
        print(name)


def _prune(engine: Engine, args: argparse.Namespace) -> None:
    for volume in engine.volumes.prune(named=args.all):
        print(volume.name)
