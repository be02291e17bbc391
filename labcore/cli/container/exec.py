"""`labcore container exec`: run a further program in a running container."""

from __future__ import annotations

import sys
from contextlib import nullcontext, suppress

from labcore.cli.connection import client_of
from labcore.cli.container.attached import carry, detach_keys_argument
from labcore.cli.container.options import variables
from labcore.cli.flags import Arguments, Parser
from labcore.detach_keys import KeyFilter, detach_keys
from labcore.errors import LabcoreError
from labcore.terminal import check_terminal, joined_terminal, terminal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.client import Client


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit status: the program's; 126 if it cannot be executed, 127 if it is not there."
    parser.add_argument("-d", "--detach", action="store_true", help="do not wait for it")
    detach_keys_argument(parser)
    parser.add_argument("-e", "--env", action="append", default=[], metavar="NAME[=VALUE]", help="set an environment variable")
    parser.add_argument("--env-file", action="append", default=[], metavar="FILE", help="the same from a file's lines")
    parser.add_argument("-i", "--interactive", action="store_true", help="let it read this standard input")
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal")
    parser.add_argument("-u", "--user", default="", metavar="USER[:GROUP]", help="whom it runs as (default: as the container)")
    parser.add_argument("-w", "--workdir", default="", metavar="DIR", help="where it starts (default: as the container)")
    parser.add_argument("--privileged", action="store_true", help="give it all of root's power")
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("command", metavar="COMMAND")
    parser.add_argument("argv", nargs="...", metavar="ARG")


def main(args: Arguments) -> int:
    """Run a further program in a container, and return its exit code."""
    detach_keys(args.detach_keys)
    if args.tty and not args.detach:
        check_terminal(interactive=args.interactive)
    with client_of(args) as client:
        id = client.exec.create(
            args.container,
            (args.command, *args.argv),
            stdin=args.interactive and not args.detach,
            stdout=not args.detach,
            stderr=not args.detach,
            tty=args.tty,
            env=variables(args.env_file, args.env),
            workdir=args.workdir,
            user=args.user,
            privileged=args.privileged,
            detach_keys=args.detach_keys,
            console_size=terminal_size() if args.tty else None,
        )
        if args.detach:
            client.exec.start_detached(id)
            return 0
        return _attached(client, id, args)


def _attached(client: Client, id: str, args: Arguments) -> int:
    """Start it, and stay to its end; return its exit code. Raises Detached."""

    def resize(rows: int, columns: int) -> None:
        with suppress(LabcoreError):  # it has ended
            client.exec.resize(id, rows, columns)

    joined = joined_terminal(resize, reads_input=args.interactive) if args.tty else nullcontext(lambda: None)
    sys.stdout.flush()
    with joined as begin, client.exec.start(id, tty=args.tty) as streams:
        begin()
        carry(streams, reads_input=args.interactive, keys=KeyFilter(detach_keys(args.detach_keys)) if args.tty else None)
    return client.exec.inspect(id).exit_code
