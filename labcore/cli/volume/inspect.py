"""`labcore volume inspect`: volumes as JSON."""

import argparse
import json

from labcore.engine import Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="+", metavar="VOLUME")


def main(args: argparse.Namespace) -> int:
    """Print what is known of some, as JSON."""
    engine = Engine(args.root)
    print(json.dumps([described(engine, name) for name in args.names], indent=4))
    return 0


def described(engine: Engine, name: str) -> dict[str, object]:
    """Return what is known of a volume. Raises NotFound, StoreDamaged."""
    volume = engine.volumes.get(name)
    return volume.as_dict() | {"labels": dict(volume.labels), "mountpoint": str(engine.volumes.data(volume))}
