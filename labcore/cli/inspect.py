"""`labcore inspect`: containers, images, networks and volumes, as JSON or by a template."""

from __future__ import annotations

from labcore.cli.connection import client_of
from labcore.cli.inspection import FORMAT_HELP, inspect_each
from labcore.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Final

    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client

KINDS: Final = ("container", "image", "network", "volume")  # that are looked through, in this order


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore container inspect`, `image inspect`, `network inspect`, `volume inspect` look for one kind."
    parser.add_argument("-f", "--format", default="", metavar="FORMAT", help=FORMAT_HELP)
    parser.add_argument("-s", "--size", action="store_true", help="say how many bytes a container has written (SizeRw)")
    parser.add_argument("--type", choices=KINDS, help="look for this kind only")
    parser.add_argument("names", nargs="+", metavar="NAME|ID")


def main(args: Arguments) -> int:
    """Print what there is, and say what there is not."""
    with client_of(args) as client:
        inspectors = inspectors_of(client, size=args.size)
        kinds = (args.type,) if args.type else KINDS

        def find(name: str) -> tuple[str, Mapping[str, Any]]:
            for kind in kinds:
                try:
                    return kind, inspectors[kind](name)
                except LookupError:
                    if args.type:
                        raise
            raise NotFound(f"no such object: {name}\n  cure: labcore ps -a, labcore images, labcore volume ls")

        return inspect_each(args.names, find, args.format)


def inspectors_of(client: Client, *, size: bool) -> dict[str, Callable[[str], Mapping[str, Any]]]:
    """Return what finds the JSON of an object by its name, for each kind; it raises LookupError."""
    return {
        "container": lambda name: client.containers.inspect(name, size=size).json,
        "image": lambda name: client.images.inspect(name).json,
        "network": lambda name: client.networks.inspect(name).json,
        "volume": lambda name: client.volumes.inspect(name).json,
    }
