"""ContainerStatsResponse: a container's sample, and the one before it, as docker writes them."""

from typing import Any, Final

from labcore.daemon.wire.codec import ZERO_TIME
from labcore.engine.container.stats import BlockSample, CpuSample, Sample
from labcore.engine.records.records import Container
from labcore.engine.timestamps import rfc3339

BLOCK_COUNTS: Final = (
    "io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive", "io_merged_recursive", "io_time_recursive",
    "sectors_recursive",
)  # fmt: skip


def stats_response(found: Sample, before: Sample | None, container: Container | None) -> dict[str, Any]:
    """Return a reading; who asks for one shot alone is not told of whom."""
    about = {"name": f"/{container.name}", "id": container.id} if container else {}
    runs = found.memory is not None
    networks = {name: dict(counts) for name, counts in found.networks}
    return {
        **about,
        "read": rfc3339(found.time) if runs else ZERO_TIME,
        "preread": rfc3339(before.time) if before and before.memory is not None else ZERO_TIME,
        "pids_stats": _processes(found) if runs else {},
        "blkio_stats": _blocks(found, runs=runs),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": _cpu(found.cpu),
        "precpu_stats": _cpu(before.cpu if before else CpuSample()),
        "memory_stats": _memory(found) if runs else {},
        **({"networks": networks} if networks else {}),
    }


def _processes(found: Sample) -> dict[str, int]:
    limit = {"limit": found.processes_limit} if found.processes_limit is not None else {}
    return {"current": found.processes, **limit}


def _blocks(found: Sample, *, runs: bool) -> dict[str, Any]:
    v1 = runs and found.operations is not None
    return {
        "io_service_bytes_recursive": _entries(found.bytes) if v1 or found.bytes else None,
        "io_serviced_recursive": _entries(found.operations or ()) if v1 else None,
        **dict.fromkeys(BLOCK_COUNTS, [] if v1 else None),
    }


def _entries(samples: tuple[BlockSample, ...]) -> list[dict[str, Any]]:
    return [{"major": each.major, "minor": each.minor, "op": each.kind, "value": each.value} for each in samples]


def _cpu(cpu: CpuSample) -> dict[str, Any]:
    usage: dict[str, Any] = {"total_usage": cpu.total}
    if cpu.per_cpu:
        usage["percpu_usage"] = list(cpu.per_cpu)
    usage |= {"usage_in_kernelmode": cpu.kernel, "usage_in_usermode": cpu.user}
    system = {"system_cpu_usage": cpu.system, "online_cpus": cpu.online} if cpu.system else {}
    throttling = {"periods": cpu.periods, "throttled_periods": cpu.throttled_periods, "throttled_time": cpu.throttled}
    return {"cpu_usage": usage, **system, "throttling_data": throttling}


def _memory(found: Sample) -> dict[str, Any]:
    peak = {"max_usage": found.memory_peak} if found.memory_peak is not None else {}
    failures = {"failcnt": found.memory_failures} if found.memory_failures else {}
    return {"usage": found.memory, **peak, "stats": dict(found.memory_details), **failures, "limit": found.memory_limit}
