"""`labcore system df`: disk usage of images, layers, containers and volumes."""

import argparse
import json

from labcore.cli.formatting import show_table, size
from labcore.engine import Engine
from labcore.engine.disk_usage import Usage, usage


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "RECLAIMABLE is what `labcore system prune -a` would free."
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line, in bytes")
    parser.add_argument("-v", "--verbose", action="store_true", help="list each image and layer too")


def main(args: argparse.Namespace) -> int:
    """Print a table; with -v one more for each kind."""
    kinds = usage(Engine(args.root))
    if args.format == "json":
        for kind in kinds:
            print(json.dumps(_as_json(kind)))
        return 0
    heads = ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"]
    show_table(heads, [_row(kind) for kind in kinds], right=heads[1:])
    if args.verbose:
        for kind in kinds:
            print(f"\n{kind.kind}:")
            rows = [[item.name, size(item.size), "yes" if item.used else "no"] for item in kind.items]
            show_table(["NAME", "SIZE", "ACTIVE"], rows, right=["SIZE"])
    return 0


def _as_json(kind: Usage) -> dict[str, object]:
    active = sum(item.used for item in kind.items)
    sizes = {"Size": kind.size, "Reclaimable": kind.reclaimable}
    return {"Type": kind.kind, "TotalCount": len(kind.items), "Active": active} | sizes


def _row(kind: Usage) -> list[str]:
    share = f" ({100 * kind.reclaimable // kind.size} %)" if kind.size else ""
    active = sum(item.used for item in kind.items)
    return [kind.kind, str(len(kind.items)), str(active), size(kind.size), size(kind.reclaimable) + share]
