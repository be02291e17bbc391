"""`labcore vm setup`: fetch a kernel for guests, and make their roots."""

import sys
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.vm import guests


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "It fetches a kernel from the distribution's archive (27 MB) and makes the small guest's root; then no network is "
        "needed any more. All lies in ROOT/vm: delete that to undo it."
    )
    parser.add_argument("--full", action="store_true", help="also make a Debian with systemd: a minute or two, 500 MB")
    parser.add_argument("--from", type=Path, dest="kit", metavar="KIT", help="take the kernel out of a kit, without a network")
    parser.add_argument("--update", action="store_true", help="fetch and make anew what is here already")


def main(args: Arguments) -> int:
    """Fetch and make them."""
    kernel = guests.setup(args.root, full=args.full, update=args.update, kit=args.kit, tell=_tell)
    print(f"{kernel.package} {kernel.version}, {kernel.size / 1e6:.1f} MB; guests run by {guests.accelerator(args.root)}")
    return 0


def _tell(line: str) -> None:
    print(f"{line} …", file=sys.stderr, flush=True)
