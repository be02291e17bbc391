"""`labcore plan`: print what `labcore run` would do."""

import argparse

from labcore.cli.container import options as create_options
from labcore.engine import Engine
from labcore.runtime import make_plan


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    create_options.arguments(parser)


def main(args: argparse.Namespace) -> int:
    """Print the plan as a table."""
    engine = Engine(args.root)
    print(make_plan(engine.spec(options=create_options.options_of(args)), None, engine.launch_options))
    return 0
