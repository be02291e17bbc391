"""`labcore image tag`: a further name for an image."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.spec import Reference


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("image", metavar="IMAGE", help="the name or the ID of an image that is here")
    parser.add_argument("name", metavar="NAME", help="its further name, such as 127.0.0.1:5000/busybox")


def main(args: Arguments) -> int:
    """Give it the name."""
    name = Reference.parse(args.name)
    with client_of(args) as client:
        client.images.tag(args.image, repository=str(name.replace(tag=None)), tag=name.tag or "")
    return 0
