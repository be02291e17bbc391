"""Labcore and its peers, measured side by side in one run."""

from labcore.bench.measure import Row, as_json
from labcore.bench.start import FLOOR, Result, bench_start

__all__ = ["FLOOR", "Result", "Row", "as_json", "bench_start"]
