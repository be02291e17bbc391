"""Benchmarks: labcore and its peers, measured side by side in one run."""

from labcore.bench.build import bench_build
from labcore.bench.daemon import bench_daemon
from labcore.bench.dns import bench_dns
from labcore.bench.images import bench_images
from labcore.bench.life import bench_exec, bench_life, bench_many
from labcore.bench.measure import Result, Row, as_json, versions_of
from labcore.bench.network import bench_network
from labcore.bench.ports import bench_ports
from labcore.bench.start import bench_start

BENCHES = {
    "start": bench_start,
    "life": bench_life,
    "exec": bench_exec,
    "many": bench_many,
    "images": bench_images,
    "network": bench_network,
    "ports": bench_ports,
    "dns": bench_dns,
    "daemon": bench_daemon,
    "build": bench_build,
}

__all__ = ["BENCHES", "Result", "Row", "as_json", "versions_of"]
