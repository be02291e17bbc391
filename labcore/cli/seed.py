"""`labcore seed`: make images on the spot."""

import argparse

from labcore.engine import SEED_NAMES, Engine


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: all): {', '.join(SEED_NAMES)}")


def main(args: argparse.Namespace) -> int:
    """Make them, a line each."""
    engine = Engine(args.root)
    for name in args.names or SEED_NAMES:
        image = engine.seed(name)
        print(f"{image.name}  {sum(layer.size for layer in image.layers) / 1e6:.1f} MB  {image.descriptor.digest[:19]}…")
    return 0
