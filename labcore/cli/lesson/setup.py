"""`labcore lesson setup`: fetch the stock docker command."""

import sys
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.errors import Unavailable
from labcore.lab.docker_client import fetch_client, find_client, take_client
from labcore.paths import default_root


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Lessons 5 to 10 use it. Where this machine has none, the client alone is unpacked from Debian's package (36 MB) into "
        "ROOT/lab/client: no daemon comes with it, nothing is installed. Delete that to undo it."
    )
    parser.add_argument("--from", type=Path, dest="kit", metavar="KIT", help="take it out of a kit, without a network")
    parser.add_argument("--update", action="store_true", help="ask for a newer one, also if one was fetched")


def main(args: Arguments) -> int:
    """Fetch it, and print its version and its path."""
    root = args.root or default_root()
    if args.update or find_client(root) is None:
        kept = take_client(root, args.kit) if args.kit else fetch_client(root, update=args.update, tell=_tell)
        if find_client(root) is None:
            raise Unavailable(f"{kept.path}, of {kept.package} {kept.version}, does not run here: delete it")
    print(find_client(root))
    return 0


def _tell(line: str) -> None:
    print(f"{line} …", file=sys.stderr, flush=True)
