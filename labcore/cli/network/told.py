"""What a network changes on this machine beside labcore's own, said on standard error."""

import sys


def told(sentence: str) -> None:
    """Say it."""
    print(f"labcore: {sentence}", file=sys.stderr)
