"""Supervisor of the miniature daemon, between kernel and sandbox: `python -m labcore.lab.miniature.supervisor SETTINGS`.

Standard input is the lifeline: when it ends, so does the daemon, with all containers that it has started.
"""

import os
import sys
from contextlib import ExitStack

from labcore.lab.cgroups import thaw_all
from labcore.lab.sandbox import Output, limit_processes, start, supervise, watch

MAX_PROCESSES = 512  # of the daemon's containers
OUTPUT_LIMIT = 1 << 20
ENDLESS_SECONDS = 7 * 86400.0


def main() -> int:
    """Run it."""
    supervise()
    with ExitStack() as undo:
        undo.enter_context(limit_processes(MAX_PROCESSES))
        stdin = undo.enter_context(os.fdopen(os.memfd_create("labcore-settings"), "r+b", buffering=0))
        stdin.write(sys.argv[1].encode())
        stdin.seek(0)
        reader, writer = os.pipe()
        undo.callback(os.close, reader)
        daemon = undo.enter_context(start("labcore.lab.miniature.inside", stdin=stdin, output=writer))
        os.close(writer)
        watch(daemon, Output(reader, _print, OUTPUT_LIMIT), 0, ENDLESS_SECONDS, before_end=thaw_all)
    return 0


def _print(text: bytes) -> None:
    while text:
        text = text[os.write(1, text) :]


if __name__ == "__main__":
    sys.exit(main())
