"""--debug-shell: a shell in the files that a failed RUN has left, with its variables, its user and its directory."""

from __future__ import annotations

import sys
from contextlib import suppress

from labcore.cli.flags import Arguments
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.client import Client

SHELL: Final = "/bin/sh"


def open_shell(client: Client, args: Arguments, image: str) -> None:
    """Run a shell on the image of the failed state, and remove that afterwards."""
    from labcore.cli.parser import parser_of

    try:
        found = client.images.inspect(image).config.get("Shell") or [SHELL]
        parser, run = parser_of("container run")
        told = Arguments(root=args.root, host=args.host, context=args.context)
        words = ["--rm", "-i", *(["-t"] if sys.stdin.isatty() else []), "--entrypoint", str(found[0]), image]
        print(f"labcore: this is how the step has left the files; `exit` ends the shell ({found[0]})", file=sys.stderr)
        run.main(parser.parse_args(words, told))
    finally:
        with suppress(LabcoreError):  # somebody has made another container of it
            client.images.remove(image, force=True)
