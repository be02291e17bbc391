"""`labcore container attach`: attach to a running container: its output from now on, and its input."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.container.attached import Attachment, attach_arguments, follow
from labcore.errors import InUse, NotRunning
from labcore.terminal import check_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Exit status: the container's. In a container with a terminal, Ctrl-P Ctrl-Q leaves it running."
    parser.add_argument("--no-stdin", action="store_true", help="do not let it read this standard input")
    attach_arguments(parser)
    parser.add_argument("container", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Show what a container puts out from now on, and give it this standard input."""
    with client_of(args) as client:
        container = client.containers.inspect(args.container)
        if not container.state.is_running:
            raise NotRunning("cannot attach to a stopped container, start it first")
        if container.state.is_paused:
            raise InUse("cannot attach to a paused container, unpause it first")
        if container.state.status == "restarting":
            raise InUse("cannot attach to a restarting container, wait until it is running")
        stdin = container.config.open_stdin and not args.no_stdin
        if container.config.tty:
            check_terminal(interactive=stdin)
        how = Attachment(stdin=stdin, tty=container.config.tty, keys=args.detach_keys, passes_signals=args.sig_proxy)
        return follow(client, container.id, how, starts=False, condition="not-running")
