"""`labcore image history`: the steps that made an image."""

import argparse
import json
import sys

from labcore.cli.formatting import ago, printable, show_table, size
from labcore.engine import Engine
from labcore.images.inspect import HistoryStep, history
from labcore.images.resolve import SHOWN

NARROW = 45  # characters of a command, where nobody has asked for all of it


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "The last step stands first. SIZE is what a layer takes as it is kept; a step that made none has 0 B."
    parser.add_argument("--no-trunc", action="store_true", help="print IDs and commands whole")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line")
    parser.add_argument("image", metavar="IMAGE", help="a name, or an ID")


def main(args: argparse.Namespace) -> int:
    """Print it."""
    image = Engine(args.root).images.find(args.image)
    identity = image.id if args.no_trunc else image.id.partition(":")[2][:SHOWN]
    made = list(reversed(history(image)))
    ids = [identity, *["<missing>"] * (len(made) - 1)]
    if args.quiet:
        print("\n".join(ids))
    elif args.format == "json":
        for step, name in zip(made, ids, strict=False):
            print(json.dumps(_as_json(step, name)))
    else:
        heads = ["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"]
        rows = [_row(step, name, args.no_trunc) for step, name in zip(made, ids, strict=False)]
        show_table(heads, rows, right=["SIZE"], elastic="" if args.no_trunc else "CREATED BY")
    return 0


def _row(step: HistoryStep, name: str, whole: bool) -> list[str]:
    by = printable(step.history.created_by)
    if not whole and len(by) > NARROW and (sys.stdout.isatty() or not whole):
        by = by[: NARROW - 1] + "…"
    taken = size(step.layer.size if step.layer else 0)
    return [name, ago(step.history.created) or "-", by or "-", taken, printable(step.history.comment)]


def _as_json(step: HistoryStep, name: str) -> dict[str, object]:
    return {
        "ID": name,
        "Created": step.history.created,
        "CreatedBy": step.history.created_by,
        "Size": step.layer.size if step.layer else 0,
        "Comment": step.history.comment,
        "Layer": step.layer.digest if step.layer else "",
    }
