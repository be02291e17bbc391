"""`labcore lesson demo`: serve a lesson solved and warm."""

import tempfile
from pathlib import Path

from labcore.cli.flags import Arguments
from labcore.cli.lab import must_be_installed, serve
from labcore.cli.lesson.options import arguments
from labcore.cli.messages import say
from labcore.lab.copies import prepared
from labcore.lab.lessons import lesson

__all__ = ["arguments", "main"]


def main(args: Arguments) -> int:
    """Serve it until Ctrl-C."""
    must_be_installed()
    wanted = lesson(args.number)
    with tempfile.TemporaryDirectory(prefix="labcore-demo-") as directory:
        prepared(wanted, args.lessons, Path(directory))
        print(say("Shift+Enter steps through it. Ctrl-C ends it; nothing of it is kept."), flush=True)
        return serve(args.root, Path(directory), lesson=wanted.file, large=True)
