"""`labcore plan`: print what `labcore run` would do."""

from labcore.cli.container import options as create_options
from labcore.cli.flags import Arguments, Parser
from labcore.engine import Engine
from labcore.engine.container.foreground import plan_of
from labcore.engine.network.default import default_network


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    create_options.arguments(parser)


def main(args: Arguments) -> int:
    """Print the plan as a table."""
    if not args.network:
        args.network = [default_network(publishes=bool(args.publish or args.publish_all))]
    print(plan_of(Engine(args.root), create_options.options_of(args)))
    return 0
