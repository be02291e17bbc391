"""`labcore container start`: start stopped containers."""

from __future__ import annotations

import sys

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.container.attached import Attachment, Detached, detach_keys_argument, follow
from labcore.errors import InvalidInput
from labcore.terminal import check_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "With -a the exit status is the container's, as with `labcore run`."
    parser.add_argument("-a", "--attach", action="store_true", help="show its output, and pass signals on to it")
    parser.add_argument(
        "-i", "--interactive", action="store_true", help="let it read this standard input (if it was made with -i)"
    )
    detach_keys_argument(parser)
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Start containers that were made or have ended; one that runs already is left as it is."""
    with client_of(args) as client:
        if args.attach or args.interactive:
            return _attached(client, args)

        def act(name: str) -> None:
            client.containers.start(name, detach_keys=args.detach_keys)
            print(name)

        return for_each(args.containers, act)


def _attached(client: Client, args: Arguments) -> int:
    """Start a container and stay with it to its end; return its exit code."""
    if len(args.containers) > 1:
        raise InvalidInput("you cannot start and attach multiple containers at once: -a and -i are for one")
    container = client.containers.inspect(args.containers[0])
    how = Attachment(
        stdin=args.interactive and container.config.open_stdin, tty=container.config.tty, keys=args.detach_keys
    )  # fmt: skip
    if how.tty:
        check_terminal(interactive=how.stdin)
    try:
        is_removed = bool(container.host_config.get("AutoRemove"))
        return follow(client, container.id, how, condition="removed" if is_removed else "next-exit")
    except Detached as detached:
        print(detached, file=sys.stderr)
        return 0
