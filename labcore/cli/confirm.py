"""Confirmation before something is removed for good."""

import sys

from labcore.cli.flags import Arguments


def confirmed(args: Arguments, *what: str) -> bool:
    """Ask whether all that is to be removed, unless `--force` was said."""
    if args.force:
        return True
    lines = "".join(f"  - {each}\n" for each in what)
    print(f"WARNING! This will remove:\n{lines}\nAre you sure you want to continue? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
