"""Confirmation before something is removed for good."""

import argparse
import sys


def confirmed(args: argparse.Namespace, *what: str) -> bool:
    """Ask on a terminal whether all that is to be removed, unless `--force` was said."""
    if args.force or not sys.stdin.isatty():
        return True
    lines = "".join(f"  - {each}\n" for each in what)
    print(f"This removes:\n{lines}\nGo on? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
