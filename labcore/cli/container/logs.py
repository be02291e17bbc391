"""`labcore container logs`: a container's output."""

import argparse
import sys

from labcore.engine import Engine
from labcore.engine.container.logs import lines, logs
from labcore.engine.timestamps import parse_time, rfc3339
from labcore.errors import InvalidInput


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "What the container has put out: its standard output here on standard output, its errors on standard error."
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the container ends")
    parser.add_argument("-n", "--tail", default="all", metavar="N", help="the last N lines only")
    parser.add_argument("--since", metavar="TIME", help="what came then or later: a time, or how long ago (10m, 1h30m)")
    parser.add_argument("--until", metavar="TIME", help="what came then or before")
    parser.add_argument("-t", "--timestamps", action="store_true", help="say when each line came")
    parser.add_argument("container", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Print it."""
    since, until = parse_time(args.since) if args.since else 0, parse_time(args.until) if args.until else None
    records = logs(Engine(args.root), args.container, follow=args.follow, tail=_count(args.tail), since=since, until=until)
    for record in lines(records) if args.timestamps else records:
        stream = sys.stdout.buffer if record.stream == "stdout" else sys.stderr.buffer
        stream.write((f"{rfc3339(record.time)} ".encode() if args.timestamps else b"") + record.data)
        stream.flush()
    return 0


def _count(text: str) -> int | None:
    if text == "all" or text.startswith("-"):
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"--tail {text}: a number of lines is wanted, or all")
    return min(int(text), sys.maxsize)
