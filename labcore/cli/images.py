"""`labcore images`: what is here."""

import argparse

from labcore.engine import Engine
from labcore.spec import Reference


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments: there are none."""
    parser.epilog = "Names, the digests of their manifests, and the sizes of their layers as they are kept."


def main(args: argparse.Namespace) -> int:
    """List them."""
    store = Engine(args.root).images
    names = store.names()
    width = max([len(name) for name in names] + [5])
    print(f"{'IMAGE':{width}}  {'DIGEST':12}  {'SIZE':>9}")
    for name in names:
        image = store.get(Reference.parse(name))
        size = sum(layer.size for layer in image.layers)
        print(f"{name:{width}}  {image.descriptor.digest[7:19]}  {size / 1e6:6.1f} MB")
    return 0
