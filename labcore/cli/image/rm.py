"""`labcore image rm`: remove images."""

import sys
from collections.abc import Iterable

from labcore.cli import for_each, said
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.client.images import Removal
from labcore.errors import ImageNotFound


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "A name goes; with its last one the image goes too, and what it shares with no other. An ID means all names."
    )
    parser.add_argument(
        "-f", "--force", action="store_true", help="also if it has several names, or containers that do not run"
    )
    parser.add_argument("--no-prune", action="store_true", help="keep its parents that have no name")
    parser.add_argument("--platform", action="append", default=[], metavar="OS/ARCH", help="only if it is for this machine")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a name, or an ID")


def main(args: Arguments) -> int:
    """Remove them, saying what is gone."""
    with client_of(args) as client:

        def act(name: str) -> None:
            try:
                removals = client.images.remove(name, force=args.force, prune=not args.no_prune, platforms=args.platform)
            except ImageNotFound as error:
                if not args.force:
                    raise
                print(f"labcore: {said(error)}", file=sys.stderr)
                return
            print(*lines(removals), sep="\n")

        return for_each(args.images, act)


def lines(removals: Iterable[Removal]) -> list[str]:
    """Return what is gone, in docker's words."""
    return [f"Untagged: {each.untagged}" if each.untagged else f"Deleted: {each.deleted}" for each in removals]
