"""`labcore container update`: change limits of containers, running or not, and their restart policies."""

import argparse

from labcore.cli import for_each
from labcore.cli.container.options import OPTIONS
from labcore.engine import Engine, create_options
from labcore.engine.container.update import update
from labcore.errors import InvalidInput

FIELDS = (
    "memory", "memory_swap", "memory_reservation", "cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period",
    "cpu_rt_runtime", "cpuset_cpus", "cpuset_mems", "pids_limit", "blkio_weight", "restart",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    for flags, field, value, line in OPTIONS:
        if field in FIELDS:
            parser.add_argument(*flags.split(), dest=field, metavar=value, help=line)
    parser.add_argument("containers", nargs="+", metavar="CONTAINER")


def main(args: argparse.Namespace) -> int:
    """Change them, and print their names."""
    fields = {name: getattr(args, name) for name in FIELDS if getattr(args, name) is not None}
    if not fields:
        raise InvalidInput("you must provide one or more options: labcore update --help lists them")
    wanted = create_options("any", **fields)
    limits = {name: value for name, value in wanted.resources.as_dict().items() if value not in (None, "", ())}
    engine = Engine(args.root)

    def act(name: str) -> None:
        update(engine, name, limits, restart=wanted.restart if "restart" in fields else None)
        print(name)

    return for_each(args.containers, act)
