"""`labcore rootless`: a program in a user namespace, where an ordinary user is root of what is made there."""

import os
from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.cli.notices import notify
from labcore.engine import default_root
from labcore.errors import InvalidInput
from labcore.network.rootless import namespaces
from labcore.runtime import userns


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "For programs that import labcore and have threads, such as a notebook's kernel; run, lesson and lab do it by "
        "themselves. Numbers of users beside your own are taken from /etc/subuid and /etc/subgid."
    )
    parser.add_argument("argv", nargs="...", metavar="PROGRAM", help="the program (default: your shell)")


def become_root(root: str | None = None) -> None:
    """Enter the user namespace of a state root's containers; what labcore keeps stays where this user's things are."""
    os.environ["LABCORE_ROOT"] = str(default_root())
    place = Path(root).absolute() if root else default_root()
    namespaces.enter(place / "rootless", userns.enter, userns.join, notify)


def main(args: Arguments) -> int:
    """Enter, and become the program."""
    if os.geteuid():
        become_root(args.root)
    argv = args.argv or [os.environ.get("SHELL", "/bin/sh")]
    try:
        os.execvp(argv[0], argv)
    except FileNotFoundError:
        raise InvalidInput(f"{argv[0]}: there is no such program") from None
