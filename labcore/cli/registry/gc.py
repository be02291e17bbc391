"""`labcore registry gc`: garbage collection of a registry."""

from pathlib import Path

from labcore.cli.flags import Arguments, Parser
from labcore.cli.formatting import size
from labcore.engine import default_root
from labcore.registry.gc import collect
from labcore.registry.store import Files


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="what it keeps (default: registry below the state root)")


def main(args: Arguments) -> int:
    """Remove it, and say how much that was."""
    removed = collect(Files(args.data or (args.root or default_root()) / "registry"))
    print(f"removed: {removed.blobs} blobs, {size(removed.size)}")
    return 0
