"""`labcore container update`: change limits of containers, running or not, and their restart policies."""

import sys

from labcore.cli import for_each
from labcore.cli.connection import client_of
from labcore.cli.container.options import OPTIONS
from labcore.cli.flags import USAGE_ERROR, Arguments, Parser
from labcore.errors import InvalidInput
from labcore.options import create_options

FIELDS = (
    "memory", "memory_swap", "memory_reservation", "cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period",
    "cpu_rt_runtime", "cpuset_cpus", "cpuset_mems", "pids_limit", "blkio_weight", "restart",
)  # fmt: skip


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    for flags, field, value, line in OPTIONS:
        if field in FIELDS:
            parser.add_argument(*flags.split(), dest=field, metavar=value, help=line)
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: Arguments) -> int:
    """Change them, and print their names."""
    fields = {name: getattr(args, name) for name in FIELDS if getattr(args, name) is not None}
    if not fields:
        raise InvalidInput("you must provide one or more options: labcore update --help lists them")
    try:
        wanted = create_options("any", **fields)
    except InvalidInput as error:
        print(f"labcore: {error}", file=sys.stderr)
        return USAGE_ERROR
    with client_of(args) as client:

        def act(name: str) -> None:
            restart = wanted.restart if "restart" in fields else None
            for warning in client.containers.update(name, resources=wanted.resources, restart=restart):
                print(f"WARNING: {warning}", file=sys.stderr)
            print(name)

        return for_each(args.containers, act)
