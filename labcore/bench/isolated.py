"""Isolated comparison: in a process of its own, for callers with threads, such as a notebook's kernel.

    for event in compare_isolated(root, Options(quick=True)):      # Progress, Progress, …, and in the end a Comparison

The process works in a mount namespace of its own (`bench.workspace`), and reports its progress in lines of JSON.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from labcore.bench.compare import compare
from labcore.bench.comparison import Comparison, Options, Progress, read_comparison
from labcore.bench.workspace import workspace
from labcore.errors import LabcoreError, Unavailable
from labcore.paths import default_root
from labcore.runtime import userns

EXIT_TIMEOUT_SECONDS = 30.0  # seconds in which an interrupted comparison ends all that it has started


def compare_isolated(root: Path | None = None, options: Options | None = None) -> Generator[Progress | Comparison, None, None]:
    """Yield progress, and in the end the comparison. `root` is the state root in which virtual machines were set up.

    Closing the generator interrupts the comparison, which cleans up. Raises Unavailable with its message if it fails.
    """
    with tempfile.TemporaryDirectory(prefix="labcore-compare-") as place:
        kept = Path(place, "comparison.json")
        words = json.dumps([str(root or default_root()), str(kept), (options or Options()).as_dict()])
        with subprocess.Popen(
            [sys.executable, "-m", __name__, words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stderr is not None
            wanted = False
            try:
                for line in process.stdout:
                    yield Progress(**json.loads(line))
                wanted = True
                said = process.stderr.read().strip()
            finally:
                _end(process, interrupt=not wanted)
        if process.returncode:
            raise Unavailable(said.splitlines()[-1] if said else "the comparison ended without saying why")
        yield read_comparison(kept)


def _end(process: "subprocess.Popen[str]", *, interrupt: bool) -> None:
    """Wait for its end. If interrupted it ends what it has started; after a timeout it is killed."""
    try:
        if interrupt and process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(EXIT_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(words: str) -> None:
    """Compare, with a line of progress for each step; write the result to a file."""
    root, kept, options = json.loads(words)
    with workspace() as work:
        for event in compare(work, Path(root), Options(**options)):
            if isinstance(event, Comparison):
                event.write(Path(kept))
            else:
                print(json.dumps(event.as_dict()), flush=True)


if __name__ == "__main__":
    try:
        if os.geteuid():
            userns.enter()
        main(sys.argv[1])
    except LabcoreError as error:
        sys.exit(str(error).replace("\n", ";"))
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
