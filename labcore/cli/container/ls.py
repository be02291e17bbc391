"""`labcore container ls`: list containers."""

import argparse
import sys

from labcore.cli.formatting import ago, printable, show_table
from labcore.engine import Engine
from labcore.engine.container.lifecycle import RUNNING, status_of
from labcore.engine.container.listing import FILTERS, checked_filters, command_line, matches, resolved_filters, status_line
from labcore.engine.containers import every
from labcore.engine.filters import parse_filters
from labcore.engine.network.inspect import ports_line
from labcore.engine.records.records import Container, Damaged, run_config

SHOWN = 12  # digits of an ID
COMMAND_SHOWN = 20
HEADS = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "Filters: id, name, status, exited, label, ancestor; as docker's."
    parser.add_argument("-a", "--all", action="store_true", help="list those too that do not run")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("-n", "--last", type=int, default=-1, metavar="N", help="list the N that were created last")
    parser.add_argument("-l", "--latest", action="store_true", help="list the one that was created last")
    parser.add_argument("--format", choices=["table", "json"], default="table", help="json: an object on each line")
    parser.add_argument("--no-trunc", action="store_true", help="print IDs and commands whole")
    parser.add_argument("-f", "--filter", action="append", default=[], metavar="NAME=VALUE", help="list only those; repeatable")


def main(args: argparse.Namespace) -> int:
    """List them, the newest first; those whose records are damaged are named on standard error."""
    engine, found = Engine(args.root), []
    for each in every(engine):
        if isinstance(each, Damaged):
            print(f"labcore: {each.why}", file=sys.stderr)
        else:
            found.append(each)
    shown = _chosen(engine, args, found)
    if args.quiet:
        for container in shown:
            print(container.id if args.no_trunc else container.id[:SHOWN])
        return 0
    if args.format == "json":
        import json  # which a table does without

        for container in shown:
            print(json.dumps(_as_json(engine, container)))
        return 0
    rows = [_row(engine, container, whole=args.no_trunc) for container in shown]
    show_table(HEADS, rows, elastic="" if args.no_trunc else "COMMAND")
    return 0


def _chosen(engine: Engine, args: argparse.Namespace, containers: list[Container]) -> list[Container]:
    filters = resolved_filters(engine, checked_filters(parse_filters(args.filter, FILTERS)))
    count = 1 if args.latest else args.last
    every_state = args.all or count >= 0 or "status" in filters or "exited" in filters
    found = [each for each in containers if matches(each, filters) and (every_state or status_of(each) in RUNNING)]
    return found[:count] if count >= 0 else found


def _as_json(engine: Engine, container: Container) -> dict[str, str]:
    """Return what docker says with `--format json`."""
    return {
        "ID": container.id,
        "Names": container.name,
        "Image": container.image or container.options.rootfs,
        "Command": f'"{printable(command_line(container))}"',
        "CreatedAt": container.created,
        "State": status_of(container),
        "Status": status_line(container),
        "Ports": ports_line(engine, container),
        "Networks": ",".join(each.network for each in container.options.networks) or container.options.network_mode or "none",
        "Labels": ",".join(f"{name}={value}" for name, value in run_config(container).labels),
    }


def _row(engine: Engine, container: Container, *, whole: bool) -> list[str]:
    command = printable(command_line(container))
    if not whole and len(command) > COMMAND_SHOWN:
        command = f"{command[: COMMAND_SHOWN - 1]}…"
    return [
        container.id if whole else container.id[:SHOWN],
        printable(container.image or container.options.rootfs),
        f'"{command}"',
        ago(container.created),
        status_line(container),
        ports_line(engine, container),
        container.name,
    ]
