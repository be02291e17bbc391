"""`labcore bench compare`: containers against virtual machines; measured, or read from a file, and reported."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

from labcore.bench.compare import compare
from labcore.bench.comparison import Comparison, Options, Progress, read_comparison, report
from labcore.bench.workspace import workspace
from labcore.cli.flags import Arguments
from labcore.errors import InvalidInput, LabcoreError, Unavailable
from labcore.paths import default_root


def compare_and_report(args: Arguments) -> int:
    """Measure, or read what was measured; print it, keep it, draw it."""
    _must_be_possible(args.json, args.plot)
    found = read_comparison(args.source) if args.source else _measured(args)
    for line in report(found):
        print(line)
    if args.json:
        found.write(args.json)
    if args.plot:
        _draw(found, args.plot)
    return 0


def _must_be_possible(json: Path | None, plot: Path | None) -> None:
    """Refuse before minutes have gone by."""
    if json and not json.absolute().parent.is_dir():
        raise InvalidInput(f"--json {json}: there is no directory {json.absolute().parent}")
    if plot and plot.exists() and not plot.is_dir():
        raise InvalidInput(f"--plot {plot}: this is a file, and the pictures are several: name a directory")
    if plot and find_spec("matplotlib") is None:
        raise Unavailable("--plot: matplotlib is not installed: pip install 'labcore[lab]'")


def _measured(args: Arguments) -> Comparison:
    options = Options(args.rounds or 0, quick=args.quick, cold=args.cold)
    began = time.monotonic()
    with workspace() as work:
        for event in compare(work, args.root or default_root(), options):
            if isinstance(event, Comparison):
                _show("")
                return event
            _show(_line(event, time.monotonic() - began))
    raise LabcoreError("the comparison ended without a result")


def _line(event: Progress, seconds: float) -> str:
    return f"{event.done} of {event.total}, {seconds:.0f} s: {event.what}"


def _show(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


def _draw(found: Comparison, directory: Path) -> None:
    from labcore.lab.pictures.comparison import draw_all

    for path in draw_all(found, directory):
        print(path)
