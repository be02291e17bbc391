"""`labcore bench`: measure, and say what came out."""

import argparse
import json
import sys
from pathlib import Path

from labcore.bench import BENCHES, Result, as_json
from labcore.bench.render import plot, table


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "start: from start to exit of one small program in a container. life: create, start and delete, as an engine drives an "
        "OCI runtime. exec: a further program in a running container. many: a hundred containers that run on."
    )
    parser.add_argument("what", choices=[*BENCHES], help="what to measure")
    parser.add_argument("-n", "--rounds", type=int, default=100, metavar="N", help="how many rounds (default: 100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write environment and rows as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the rows (png, svg or pdf; needs matplotlib)")


def main(args: argparse.Namespace) -> int:
    """Measure all subjects in turn, showing how far it is."""
    rounds = max(2, args.rounds)
    for result in BENCHES[args.what](rounds):
        _progress(max(row.n for row in result.rows), rounds)
    _report(result)
    if args.json:
        args.json.write_text(json.dumps(as_json(result.environment, result.rows), indent=1) + "\n")
    if args.plot:
        plot(result, args.plot)
    return 0


def _progress(done: int, rounds: int) -> None:
    if sys.stderr.isatty():
        print(f"\rround {done} of {rounds}", end="" if done < rounds else "\r\033[K", file=sys.stderr, flush=True)


def _report(result: Result) -> None:
    where = result.environment
    print(f"{result.title}\n{where['machine']}; {where['kernel']}; store on {where['file_system']}")
    print(table(result.rows, result.baseline))
    for remark in result.remarks:
        print(f"  {remark}")
