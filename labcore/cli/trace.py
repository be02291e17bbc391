"""`labcore trace`: where the time of a command goes, from its calls to the daemon down to each op of a container's start."""

import json
import sys
from pathlib import Path

from labcore.cli.connection import host_of
from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import width_of
from labcore.errors import InvalidInput
from labcore.trace import Span, rows, trace, trace_events

LINE_WIDTH = 110  # where no terminal says how wide it is


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "labcore trace -- docker run hello-world. The command is given the daemon as DOCKER_HOST. The tree goes to standard "
        "error. Exit status: the command's own, 128 + N if signal N killed it."
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write Chrome's trace events, for ui.perfetto.dev")
    parser.add_argument("command", nargs="...", metavar="COMMAND", help="the command, behind --")


def main(args: Arguments) -> int:
    """Run the command, and print its tree."""
    command = args.command
    if not command:
        raise InvalidInput("trace: which command? labcore trace -- docker run hello-world")
    traced = trace(command, host_of(args).url)
    width = width_of(sys.stderr, LINE_WIDTH)
    for line in tree(traced.span):
        print(line if len(line) <= width else f"{line[: width - 1]}…", file=sys.stderr)
    if not traced.jobs:
        print(f"labcore: {command[0]} has asked the daemon for nothing: does it heed DOCKER_HOST?", file=sys.stderr)
    if args.output:
        args.output.write_text(json.dumps(trace_events(traced.span), indent=1) + "\n", encoding="utf-8")
    return traced.status if traced.status >= 0 else 128 - traced.status


def tree(root: Span) -> list[str]:
    """Return a line for each span: when it began after the command's start, how long it took, both in ms, and its name."""
    lines = [f"{'begins':>9} {'takes ms':>9}"]
    for depth, span in rows(root):
        failed = f"  failed: {span.error.splitlines()[0]}" if span.error else ""
        lines.append(f"{(span.start - root.start) / 1e6:9.2f} {span.duration_ms:9.2f}  {'  ' * depth}{span.name}{failed}")
    return lines
