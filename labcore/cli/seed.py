"""`labcore seed`: make images on the spot."""

import sys
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.engine import SEED_NAMES, Engine
from labcore.images import Image
from labcore.images.builtin import SEEDS
from labcore.images.oci_archive import copy_images


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SEEDS)} (default: {' and '.join(SEED_NAMES)})")
    parser.add_argument("--list", action="store_true", help="say what there is, how large it is and what it needs")
    parser.add_argument("--from", type=Path, dest="archive", metavar="FILE", help="take them out of a kit, or an OCI archive")
    parser.add_argument("--update", action="store_true", help="ask for newer packages, also if the ones of last time are here")


def main(args: Arguments) -> int:
    """Make them, a line each."""
    if args.list:
        return _list()
    engine = Engine(args.root)
    if args.archive:
        for image in copy_images(engine.images, args.archive.expanduser(), args.names):
            _say(image)
        return 0
    for name in args.names or SEED_NAMES:
        _say(engine.seed(name, update=args.update, tell=_tell))
    return 0


def _say(image: Image) -> None:
    size = sum(layer.size for layer in image.layers)
    print(f"{image.name}  {size / 1e6:.1f} MB  {image.descriptor.digest[:19]}…", flush=True)


def _list() -> int:
    print(f"{'NAME':12}{'SIZE':>8}{'FETCHED':>10}  {'NEEDS':18}WHAT IT IS")
    for seed in SEEDS.values():
        fetched = f"{seed.fetched:.1f} MB" if seed.fetched else "-"
        print(f"{seed.name:12}{f'{seed.size:.1f} MB':>8}{fetched:>10}  {seed.needs or '-':18}{seed.what}")
    print("Size: unpacked. Fetched: packages, the first time; they are kept. apt: a Debian or Ubuntu machine.")
    return 0


def _tell(line: str) -> None:
    print(f"{line} …", file=sys.stderr, flush=True)
