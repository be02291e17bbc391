"""`labcore inspect`: images and volumes as JSON."""

import argparse
import json
from collections.abc import Callable
from typing import Any, Final

from labcore.cli import for_each
from labcore.cli.volume.inspect import described as volume
from labcore.daemon.wire.container import inspect as container
from labcore.engine import Engine
from labcore.errors import InvalidInput, NotFound
from labcore.images.inspect import inspect as images

# kind -> what describes the objects of a name, or raises LookupError or InvalidInput; asked in this order
KINDS: Final[dict[str, Callable[[Engine, str], list[dict[str, Any]]]]] = {
    "container": lambda engine, name: [container(engine, name)],
    "image": lambda engine, name: images(engine.images, name),
    "volume": lambda engine, name: [volume(engine, name)],
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "A JSON list. `labcore container inspect`, `image inspect` and `volume inspect` look for one kind."
    parser.add_argument("--type", choices=[*KINDS], help="look for this kind only")
    parser.add_argument("names", nargs="+", metavar="NAME|ID")


def main(args: argparse.Namespace) -> int:
    """Print what there is as JSON, and say what there is not."""
    engine = Engine(args.root)
    found: list[dict[str, Any]] = []
    status = for_each(args.names, lambda name: found.extend(described(engine, name, args.type)))
    print(json.dumps(found, indent=4))
    return status


def described(engine: Engine, name: str, kind: str | None = None) -> list[dict[str, Any]]:
    """Return what is known of the first kind of object that has this name. Raises NotFound, InvalidInput, StoreDamaged."""
    errors: list[Exception] = []
    for describe in [KINDS[kind]] if kind else KINDS.values():
        try:
            return describe(engine, name)
        except (LookupError, InvalidInput) as error:
            errors.append(error)
    if kind or isinstance(errors[0], InvalidInput):
        raise errors[0]
    raise NotFound(f"no {' and no '.join(KINDS)} {name}\n  cure: labcore ps -a, labcore images, labcore volume ls")
