"""`labcore container run`: a program in a new container, with this terminal's streams."""

from __future__ import annotations

import sys
from contextlib import suppress

from labcore.cli import RUN_FAILED, said
from labcore.cli.connection import client_of
from labcore.cli.container.attached import Attachment, Detached, attach_arguments, follow
from labcore.cli.container.create import attached_streams, container_arguments, container_options, created
from labcore.client.errors import APIError
from labcore.detach_keys import detach_keys
from labcore.errors import InvalidInput, LabcoreError
from labcore.terminal import check_terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from labcore.cli.flags import Arguments, Parser

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell answers, and docker


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "Exit status: the program's own; 125 if labcore failed, 126 if the program cannot be executed, 127 if it is not "
        "there, 128 + N if signal N killed it. Signals are passed on to the program; a second Ctrl-C, or SIGTERM, kills it. "
        "With a terminal, Ctrl-P Ctrl-Q leaves it running."
    )
    parser.add_argument("-d", "--detach", action="store_true", help="run it in the background, and print its ID")
    parser.add_argument(
        "--step",
        action="store_true",
        help="stop before each op of its start, show what the last one changed, and ask (no daemon, and nothing left)",
    )
    attach_arguments(parser)
    container_arguments(parser)


def main(args: Arguments) -> int:
    """Run it to its end and return its exit code; with -d return at once."""
    if args.step:
        from labcore.cli.container.stepping import run_stepped

        return run_stepped(args)
    streams = attached_streams(args, detached=args.detach)
    detach_keys(args.detach_keys)
    if args.detach and args.attach:
        raise InvalidInput("conflicting options: cannot specify both --attach and --detach")
    if args.tty and not args.detach:
        check_terminal(interactive="stdin" in streams)
    with client_of(args) as client:
        id = created(client, args, container_options(args, streams))
        try:
            if args.detach or not streams:
                client.containers.start(id, detach_keys=args.detach_keys)
                print(id)
                return 0
            return follow(client, id, _attachment(args, streams), condition="removed" if args.rm else "next-exit")
        except Detached as detached:
            print(detached, file=sys.stderr)
            return 0
        except KeyboardInterrupt:  # before its start
            if args.rm:
                client.containers.remove(id, force=True, volumes=True)
            raise
        except BrokenPipeError:  # whoever read its output has seen enough, of which no SIGPIPE tells it
            with suppress(LabcoreError):
                client.containers.kill(id)
            raise
        except APIError as error:
            print(f"labcore: {said(error)}", file=sys.stderr)
            return start_failure_status(error.message)


def _attachment(args: Arguments, streams: tuple[str, ...]) -> Attachment:
    return Attachment(
        stdin="stdin" in streams and args.open_stdin,
        tty=args.tty,
        output=tuple(name for name in streams if name != "stdin"),
        keys=args.detach_keys,
        passes_signals=args.sig_proxy,
    )


def start_failure_status(message: str) -> int:
    """Return the exit status of a container that could not be started, for what the daemon says of it."""
    if "no such file or directory" in message or "executable file not found" in message:
        return NOT_FOUND
    return NOT_EXECUTABLE if "permission denied" in message or "is a directory" in message else RUN_FAILED
