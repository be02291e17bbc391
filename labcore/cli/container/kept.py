"""`labcore container run` of a container that has a record: create, start, attach, remove."""

import argparse
import sys
from contextlib import suppress

from labcore.cli import LABCORE_FAILED
from labcore.cli.container.start import attached
from labcore.cli.container.streams import check_terminal
from labcore.engine import Engine
from labcore.engine.container_create import create
from labcore.engine.container_start import start, start_failure_code
from labcore.engine.containers import remove
from labcore.errors import NotFound, StepFailed
from labcore.spec import CreateOptions


def run(engine: Engine, args: argparse.Namespace, options: CreateOptions) -> int:
    """Make it and start it; return its exit code, or with -d print its ID."""
    if not args.detach:
        check_terminal(tty=options.tty, interactive=options.open_stdin)
    container = create(engine, options)
    try:
        if not args.detach:
            return attached(engine, container.id, interactive=options.open_stdin)
        start(engine, container.id).release()
    except StepFailed as error:
        _remove(engine, container.id, options)
        print(f"labcore: {error}", file=sys.stderr)
        return start_failure_code(error) if error.call == "execve" else LABCORE_FAILED
    finally:
        if not args.detach:
            _remove(engine, container.id, options)
    print(container.id)
    return 0


def _remove(engine: Engine, id: str, options: CreateOptions) -> None:
    """Remove it if it was to go when it ends, unless somebody else has."""
    if options.auto_remove:
        with suppress(NotFound):
            remove(engine, id, force=True, volumes=True)
