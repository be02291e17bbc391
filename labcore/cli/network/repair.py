"""`labcore network repair`: links and rules as they should be."""

from labcore.cli.flags import Arguments, Parser
from labcore.cli.notices import notify
from labcore.engine import Engine


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "Each start does what it needs of that itself; this does all of it at once."


def main(args: Arguments) -> int:
    """Do it, and print what was done."""
    for sentence in Engine(args.root, notify=notify).networks.repair():
        print(sentence)
    return 0
