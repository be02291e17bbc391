"""`labcore container port`: the ports of a container that are published."""

import argparse

from labcore.engine import Engine
from labcore.engine.container.state import get
from labcore.engine.network.inspect import address_of, bindings, endpoints_of
from labcore.errors import NotFound
from labcore.options.networks import exposed


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("container", metavar="CONTAINER")
    parser.add_argument("port", nargs="?", metavar="PORT[/udp]", help="this one only")


def main(args: argparse.Namespace) -> int:
    """Print each with the address at which it answers."""
    engine = Engine(args.root)
    container = get(engine, args.container)
    published = bindings(endpoints_of(engine, container))
    if args.port is None:
        for port, binding in published:
            print(f"{port} -> {address_of(binding)}")
        return 0
    (wanted,) = exposed("port", [args.port])
    found = [binding for port, binding in published if port == wanted]
    if not found:
        raise NotFound(f"no public port {wanted} of {container.name}: labcore port {container.name} lists them")
    print("".join(f"{address_of(binding)}\n" for binding in found), end="")
    return 0
