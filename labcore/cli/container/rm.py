"""`labcore container rm`: remove containers."""

from labcore.cli.at_once import for_each_at_once
from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.errors import NotFound


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "-f", "--force", action="store_true", help="also one that runs (it is killed), or whose record is damaged"
    )
    parser.add_argument("-l", "--link", action="store_true", help="remove the link of that name, not the container")
    parser.add_argument("-v", "--volumes", action="store_true", help="remove its anonymous volumes too")
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Remove them, with all that they have written, and print their names."""
    with client_of(args) as client:

        def act(name: str) -> bool:
            try:
                client.containers.remove(name, force=args.force, volumes=args.volumes, link=args.link)
            except NotFound:
                if not args.force:
                    raise
                return False
            return True

        return for_each_at_once(args.containers, act)
