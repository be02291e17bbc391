"""`labcore plan`: print what `labcore run` would do."""

import argparse

from labcore.cli.container import options as container


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    container.arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Print the plan as a table."""
    print(container.plan_of(args))
    return 0
