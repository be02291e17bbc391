"""`labcore container commit`: an image from a container."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "The image has the layers of the container's image, and one more: what `labcore diff` lists. Run as the container."
    )
    parser.add_argument(
        "-c",
        "--change",
        action="append",
        default=[],
        metavar="INSTRUCTION",
        help="a Dockerfile's instruction for its config, such as 'ENV A=b' or 'CMD [\"sh\"]'; may be repeated",
    )
    parser.add_argument("-m", "--message", default="", metavar="TEXT", help="what was done, for the image's history")
    parser.add_argument("-a", "--author", default="", metavar="WHO", help="who did it")
    parser.add_argument("-p", "--pause", action="store_true", default=True, help="pause it meanwhile (default: true)")
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("image", nargs="?", metavar="NAME[:TAG]", help="the new image's name (default: it has none)")


def main(args: Arguments) -> int:
    """Make it."""
    name = Reference.parse(args.image) if args.image else None
    with client_of(args) as client:
        made = client.containers.commit(
            args.container,
            repository=str(name.replace(tag=None)) if name else "",
            tag=(name.tag or "") if name else "",
            author=args.author,
            comment=args.message,
            pause=args.pause,
            changes=tuple(args.change),
        )
    print(made)
    return 0
