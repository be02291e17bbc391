"""Notices: what commands say on standard error beside their output."""

import sys


def notify(sentence: str) -> None:
    """Say what a network has changed on this machine beside labcore's own: what `Engine` is given."""
    print(f"labcore: {sentence}", file=sys.stderr)
