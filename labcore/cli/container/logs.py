"""`labcore container logs`: a container's output."""

import sys

from labcore.cli.connection import client_of
from labcore.cli.container.attached import STDERR, write_all
from labcore.cli.flags import Arguments, Parser
from labcore.errors import InvalidInput
from labcore.terminal import STDOUT
from labcore.timestamps import SECOND, parse_time


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "What the container has put out: its standard output here on standard output, its errors on standard error."
    parser.add_argument("--details", action="store_true", help="show its labels and variables that --log-opt names")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the container ends")
    parser.add_argument("-n", "--tail", default="all", metavar="N", help="the last N lines only")
    parser.add_argument("--since", metavar="TIME", help="what came then or later: a time, or how long ago (10m, 1h30m)")
    parser.add_argument("--until", metavar="TIME", help="what came then or before")
    parser.add_argument("-t", "--timestamps", action="store_true", help="say when each line came")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Print it."""
    with client_of(args) as client:
        output = client.containers.log_output(
            args.container,
            follow=args.follow,
            tail=_count(args.tail),
            since=unix_time(args.since),
            until=unix_time(args.until),
            timestamps=args.timestamps,
            details=args.details,
        )
        for piece in output:
            write_all(STDERR if piece.stream == "stderr" else STDOUT, piece.content)
    return 0


def unix_time(text: str | None) -> str:
    """Return the seconds since 1970 that a time or a duration means, as the API takes them. Raises InvalidInput."""
    if not text:
        return ""
    seconds, nanoseconds = divmod(parse_time(text), SECOND)
    return f"{seconds}.{nanoseconds:09}"


def _count(text: str) -> int | None:
    if text == "all" or text.startswith("-"):
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"--tail {text}: a number of lines is wanted, or all")
    return min(int(text), sys.maxsize)
