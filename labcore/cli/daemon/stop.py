"""`labcore daemon stop`: end the daemon."""

import os
import select

from labcore.cli.connection import host_of
from labcore.cli.flags import Arguments, Parser
from labcore.client import connect
from labcore.client.connection import NobodyListens
from labcore.errors import Unavailable

STOP_SECONDS = 60.0  # for the requests that it answers yet


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "It answers what it was asked, and ends. Containers run on: the next daemon picks them up."


def main(args: Arguments) -> int:
    """Have it end, and wait until it has; where there is none, nothing is to be done."""
    host = host_of(args)
    try:
        with connect(host) as client:
            process = client.daemon.inspect()
            fd = os.pidfd_open(process.pid) if host.path else -1  # by TCP it is another machine's number
            client.daemon.stop()
    except NobodyListens:
        print(f"no daemon listens at {host}")
        return 0
    if fd >= 0 and not select.select([fd], [], [], STOP_SECONDS)[0]:
        raise Unavailable(f"process {process.pid} has not ended in {STOP_SECONDS:g} s\n  cure: kill -KILL {process.pid}")
    print(f"the daemon at {host}, process {process.pid}, has ended")
    return 0
