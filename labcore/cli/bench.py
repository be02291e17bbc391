"""`labcore bench`: measure labcore and its peers, and report."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from labcore.bench import BENCHES, Result, as_json, versions_of
from labcore.bench.images import debian
from labcore.bench.peers_root import enter_command
from labcore.bench.render import plot, table
from labcore.cli.flags import Arguments, Parser
from labcore.cli.numbers import whole
from labcore.errors import InvalidInput
from labcore.paths import default_root

COMPARE = "compare"
ROUNDS = {"images": 5, "daemon": 10, "build": 5}
OPTIONS = {
    "images": {"archive": "archive"},
    "build": {"only": "only", "docker": "docker"},
    "daemon": {"size_mib": "size", "containers": "containers", "only": "only", "docker": "docker"},
}


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = (
        "start: from start to exit of one small program in a container\n"
        "life: create, start and delete, as an engine drives an OCI runtime\n"
        "exec: a further program in a running container\n"
        "many: a hundred containers that run on\n"
        "network: what a network adds to a container's start, and making and removing networks, in the engine\n"
        "ports: publishing a port, and what goes through one, from localhost\n"
        "dns: a hundred names of a network, asked of the embedded DNS servers by sixteen at once\n"
        "daemon: the docker command at labcore's daemon and at dockerd, logs and copies in bulk, and the daemons' memory\n"
        "build: one Dockerfile by labcore's daemon, docker's two builders and buildah\n"
        "images: pull, push, load, unpack, serve and fetch a Debian base image\n"
        "compare: containers against virtual machines, in a few minutes: start, stop, memory, disk, how many fit, "
        "work inside; `labcore vm setup` first"
    )
    parser.add_argument("what", choices=[*BENCHES, COMPARE], metavar="BENCHMARK", help="what to measure, see below")
    parser.add_argument(
        "-n",
        "--rounds",
        type=whole(1, 100_000),
        metavar="N",
        help="how many rounds (default: 100; daemon: 10; build, images, compare: 5; compare --quick: 2)",
    )
    parser.add_argument(
        "--size", type=whole(1, 1 << 20), metavar="MIB", help="daemon: the size of a log, and of what is copied (default: 1024)"
    )
    parser.add_argument(
        "--containers",
        type=whole(1, 10_000),
        metavar="N",
        help="daemon: how many a list has; a tenth are run at once (default: 200)",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="WORDS",
        help="daemon, build: nothing but what has these in its title (again and again)",
    )
    parser.add_argument(
        "--docker",
        type=os.path.abspath,
        metavar="PROGRAM",
        help="daemon, build: the docker command to ask with (default: docker)",
    )
    parser.add_argument("--archive", type=Path, metavar="TAR", help="images: the root file system to take (default: made anew)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write environment and rows as JSON")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the rows (png, svg or pdf; needs matplotlib); compare: a directory"
    )
    parser.add_argument("--quick", action="store_true", help="compare: fewer rounds, no other engines, no Debian")
    parser.add_argument("--cold", action="store_true", help="compare: also with all files forgotten, as after a restart (root)")
    parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="compare: report what --json has kept")


def main(args: Arguments) -> int:
    """Measure all subjects in turn, showing how far it is."""
    places = [path.parent for path in (args.json, args.plot, args.archive) if path]
    places += [Path(args.docker)] if args.docker else []
    if not args.source and (words := enter_command(Path.cwd(), args.root or default_root(), *places)):
        return _among_peers(words, args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # daemons of its own end with it
    if args.what == COMPARE:
        from labcore.cli.bench_compare import compare_and_report

        return compare_and_report(args)
    if args.rounds == 1:
        raise InvalidInput("-n 1: two rounds are the least that can be compared")
    rounds = args.rounds or ROUNDS.get(args.what, 100)
    named = {name: getattr(args, option) for name, option in OPTIONS.get(args.what, {}).items()}
    options = {name: value for name, value in named.items() if value is not None}
    results: dict[str, Result] = {}
    for result in BENCHES[args.what](rounds, **options):
        _progress(max(row.n for row in result.rows), rounds)
        results[result.title] = result
    _report(list(results.values()))
    if args.json:
        rows = [row for result in results.values() for row in result.rows]
        args.json.write_text(json.dumps(as_json(result.environment, rows), indent=1) + "\n", encoding="utf-8")
    if args.plot:
        plot(list(results.values()), args.plot)
    return 0


def _among_peers(enter_command: list[str], args: Arguments) -> int:
    """Do the same in the root of today's peers, on an image that is made here, and return the status."""
    with TemporaryDirectory(prefix="labcore-bench-") as place:
        image = ["--archive", str(debian(Path(place)))] if args.what == "images" and not args.archive else []
        command = ["setpriv", "--pdeathsig=TERM", *enter_command, sys.executable, "-m", "labcore", *sys.argv[1:], *image]
        # In a group of its own: a terminal's Ctrl-C comes here, as that of any other does, and is passed on once.
        with subprocess.Popen(command, process_group=0) as process:
            here = signal.signal(signal.SIGINT, lambda *_: process.send_signal(signal.SIGINT))
            try:
                return process.wait()
            finally:
                signal.signal(signal.SIGINT, here)


def _progress(done: int, rounds: int) -> None:
    if sys.stderr.isatty():
        print(f"\rround {done} of {rounds}", end="" if done < rounds else "\r\033[K", file=sys.stderr, flush=True)


def _report(results: list[Result]) -> None:
    where = results[0].environment
    of_what = f"; image: {where['image']}" if "image" in where else ""
    print(f"{where['machine']}; {where['kernel']}; store on {where['file_system']}{of_what}")
    print(versions_of(where))
    for result in results:
        print(result.title)
        print(table(result.rows, result.baseline))
        for remark in result.remarks:
            print(f"  {remark}")
