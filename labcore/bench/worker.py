"""Benchmark worker: starts a container for each line on its standard input, and answers with the nanoseconds it took.

    python -m labcore.bench.worker ROOT BALLAST_MB CARRIER PROGRAM [ARG...]

BALLAST_MB of memory are written to first, so that they are resident: a fork would have to copy their page tables. The first
line of output is the resident size in MB.
"""

import sys
import time
from pathlib import Path

from labcore.engine import run


def resident_mb() -> float:
    """Return this process's resident memory (proc(5), status)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def main() -> None:
    """Serve until standard input ends."""
    root, megabytes, carrier, *argv = sys.argv[1:]
    ballast = bytearray(int(megabytes) << 20)
    ballast[::4096] = b"x" * len(ballast[::4096])
    print(f"{resident_mb():.0f}", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        done = run("busybox", argv, root=Path(root), carrier="monitor" if carrier == "monitor" else None)
        elapsed = time.perf_counter_ns() - start
        print(elapsed if done.exit_code == 0 else "failed", flush=True)


if __name__ == "__main__":
    main()
