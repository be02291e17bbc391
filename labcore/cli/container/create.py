"""`labcore container create`: a new container, which is not started; and what `run` has of it."""

from __future__ import annotations

import sys

from labcore.cli.connection import client_of
from labcore.cli.container import options as create_options
from labcore.cli.container.cidfile import check_cidfile, write_cidfile
from labcore.errors import ImageNotFound, InvalidInput
from labcore.terminal import terminal_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client
    from labcore.spec import CreateOptions

PULLS: Final = ("always", "missing", "never")


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore start -ai` runs it then."
    container_arguments(parser)


def container_arguments(parser: Parser) -> None:
    """Declare what `run` takes too."""
    parser.add_argument("--name", default="", metavar="NAME", help="its name (default: one is drawn)")
    parser.add_argument("--rm", action="store_true", help="remove it when it has ended")
    parser.add_argument(
        "-a", "--attach", action="append", default=[], metavar="STREAM", help="stdin, stdout or stderr; may be repeated"
    )
    parser.add_argument(
        "-i", "--interactive", dest="open_stdin", action="store_true", help="let the program read this standard input"
    )
    parser.add_argument("-t", "--tty", action="store_true", help="give it a terminal, with -i this one's keys")
    parser.add_argument("--cidfile", metavar="FILE", help="write the container's ID to this file, which must not be there")
    parser.add_argument(
        "--pull", default="missing", metavar="WHEN", help=f"get the image: {', '.join(PULLS)} (default: missing)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="do not show how far that is")
    parser.add_argument("--platform", default="", metavar="OS/ARCH", help="of several, the image for this machine")
    create_options.arguments(parser)


def main(args: Arguments) -> int:
    """Make it, and print its ID."""
    with client_of(args) as client:
        print(created(client, args, container_options(args, attached_streams(args, detached=False))))
    return 0


def attached_streams(args: Arguments, *, detached: bool) -> tuple[str, ...]:
    """Return the streams that a client means to attach to. Raises InvalidInput."""
    if unknown := [name for name in args.attach if name.lower() not in ("stdin", "stdout", "stderr")]:
        raise InvalidInput(f"-a {unknown[0]}: valid streams are STDIN, STDOUT and STDERR")
    if args.attach:
        return tuple(dict.fromkeys(map(str.lower, args.attach)))
    return () if detached else (*(["stdin"] if args.open_stdin else []), "stdout", "stderr")


def container_options(args: Arguments, attached: tuple[str, ...]) -> CreateOptions:
    """Return what the arguments say. Raises InvalidInput."""
    if option := "--rootfs" if args.rootfs else "--userns-remap" if args.remap else "":
        raise InvalidInput(
            f"{option}: a daemon has no such option for one container\n"
            "  cure: labcore run --step and labcore.run have it; labcore daemon --userns-remap is for all containers"
        )
    return create_options.options_of(
        args,
        name=args.name,
        auto_remove=args.rm,
        open_stdin=args.open_stdin,
        stdin_once=args.open_stdin and "stdin" in attached,
        tty=args.tty,
        attached=attached,
        console_size=terminal_size() if args.tty else None,
    )


def created(client: Client, args: Arguments, options: CreateOptions) -> str:
    """Create a container, whose image is pulled if it is not here, or in any case; return its ID. Raises APIError."""
    if args.pull not in PULLS:
        raise InvalidInput(f"--pull {args.pull}: always, missing or never")
    if args.cidfile:
        check_cidfile(args.cidfile)
    if args.pull == "always":
        _pull(client, args)
    try:
        made = client.containers.create(options, platform=args.platform, on_warning=_warn)
    except ImageNotFound:
        if args.pull != "missing":
            raise
        _pull(client, args, is_missing=True)
        made = client.containers.create(options, platform=args.platform, on_warning=_warn)
    if args.cidfile:
        write_cidfile(args.cidfile, made)
    return made


def _warn(warning: str) -> None:
    print(f"WARNING: {warning}", file=sys.stderr)


def _pull(client: Client, args: Arguments, *, is_missing: bool = False) -> None:
    from labcore.cli.image.pull import pull  # most images are here
    from labcore.spec import Reference

    reference = Reference.parse(args.image)
    if is_missing and not args.quiet:
        print(f"Unable to find image '{reference}' locally", file=sys.stderr)
    pull(client, reference, platform=args.platform, out=None if args.quiet else sys.stderr)
