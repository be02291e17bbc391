"""`labcore container run` of a container that has a record: create, start, attach, remove."""

import argparse
import os
import sys
from contextlib import suppress

from labcore.cli import FAILED
from labcore.cli.container.cidfile import write_cidfile
from labcore.cli.container.start import attached
from labcore.engine import Engine
from labcore.engine.container.create import create
from labcore.engine.container.start import start, start_failure_code
from labcore.engine.containers import remove
from labcore.errors import InvalidInput, NotFound, StepFailed
from labcore.spec import CreateOptions


def run(engine: Engine, args: argparse.Namespace, options: CreateOptions) -> int:
    """Make it and start it; return its exit code, or with -d print its ID."""
    if args.cidfile and os.path.lexists(args.cidfile):
        raise InvalidInput(f"--cidfile {args.cidfile}: it is there, perhaps another container's: remove it, or name another")
    container = create(engine, options)
    if args.cidfile:
        write_cidfile(args.cidfile, container.id)
    try:
        if not args.detach:
            return attached(engine, container.id, interactive=options.open_stdin)
        start(engine, container.id).release()
    except StepFailed as error:
        _remove(engine, container.id, options)
        print(f"labcore: {error}", file=sys.stderr)
        return start_failure_code(error) if error.call == "execve" else FAILED
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
