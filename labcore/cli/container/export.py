"""`labcore container export`: a container's files as one archive."""

from pathlib import Path

from labcore.cli.connection import client_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.image.save import output


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "What is mounted in a container, /proc and volumes among it, is left out."
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where the archive goes (default: standard output)")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Write all files as one archive."""
    with client_of(args) as client, output(args.output, "export") as out, client.containers.export(args.container) as archive:
        out.writelines(archive)
    return 0
