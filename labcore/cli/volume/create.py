"""`labcore volume create`: make a volume."""

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.errors import InvalidInput
from labcore.options.values import pairs


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore run -v NAME:/path …` makes a volume too, if it is missing."
    parser.add_argument("-d", "--driver", default="local", metavar="DRIVER", help="local, which is all there is")
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="note this beside it")
    parser.add_argument(
        "-o", "--opt", action="append", default=[], metavar="NAME=VALUE", help="what is mounted: type=, device=, o="
    )
    parser.add_argument("--name", dest="named", hidden=True)  # docker's older form
    parser.add_argument("name", nargs="?", metavar="NAME", help="its name (default: a random one; it is anonymous then)")


def main(args: Arguments) -> int:
    """Make one, or find the one of that name; print its name."""
    if args.named and args.name:
        raise InvalidInput("conflicting options: cannot specify a volume-name through both --name and as a positional arg")
    labels, options = dict(pairs("label", args.label)), dict(pairs("opt", args.opt))
    with client_of(args) as client:
        made = client.volumes.create(args.name or args.named or "", driver=args.driver, labels=labels, options=options)
    print(made.name)
    return 0
