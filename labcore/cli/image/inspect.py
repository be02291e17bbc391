"""`labcore image inspect`: images as JSON."""

import argparse
import json

from labcore.engine import Engine
from labcore.images.inspect import inspect as described


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "A JSON list with an object for each image, one for each machine if a name has several: Id, Digest, Names, Created, "
        "Author, Platform, Size, Config, Layers (DiffId, Digest, MediaType, Size), History."
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: argparse.Namespace) -> int:
    """Print it as JSON."""
    store = Engine(args.root).images
    print(json.dumps([image for text in args.images for image in described(store, text)], indent=2))
    return 0
