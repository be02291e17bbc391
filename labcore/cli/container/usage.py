"""Usage of a container, from a reading of its statistics: docker's fields for `--format`."""

from __future__ import annotations

from labcore.cli.formatting import binary_size, short_id, size
from labcore.cli.listing import Listing
from labcore.cli.template.values import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Final

    from labcore.client.container_values import Stats

HEADS: Final = {
    "Container": "CONTAINER", "ID": "CONTAINER ID", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT",
    "MemPerc": "MEM %", "NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS",
}  # fmt: skip
LISTING: Final = Listing(HEADS, tuple(name for name in HEADS if name != "Container"))
UNKNOWN: Final = "--"


def row(name: str, reading: Stats | None, *, whole: bool) -> Row:
    """Return the fields of the container that was asked for by this name; `--` where nothing has been read yet."""
    if reading is None:
        fields = dict.fromkeys(HEADS, UNKNOWN) | dict.fromkeys(("MemUsage", "NetIO", "BlockIO"), f"{UNKNOWN} / {UNKNOWN}")
        return _row(fields | {"Container": name, "ID": name if whole else short_id(name)})
    used, limit = memory_used(reading.memory), reading.memory.get("limit", 0)
    received, sent = (sum(each.get(key, 0) for each in reading.networks.values()) for key in ("rx_bytes", "tx_bytes"))
    read, written = (_moved(reading.block, letter) for letter in "rw")
    return _row(
        {
            "Container": name,
            "ID": reading.id if whole else short_id(reading.id),
            "Name": reading.name.removeprefix("/"),
            "CPUPerc": f"{processor_share(reading):.2f}%",
            "MemUsage": f"{binary_size(used)} / {binary_size(limit)}",
            "MemPerc": f"{100 * used / limit if limit else 0:.2f}%",
            "NetIO": f"{size(received)} / {size(sent)}",
            "BlockIO": f"{size(read)} / {size(written)}",
            "PIDs": str(reading.processes.get("current", 0)),
        }
    )


def _row(fields: Mapping[str, str]) -> Row:
    return Row({name: lambda value=value: value for name, value in fields.items()})


def processor_share(reading: Stats) -> float:
    """Return how much of one processor it has used between the two readings, in percent."""
    now, before = reading.cpu, reading.cpu_before
    used = _total(now) - _total(before)
    passed = now.get("system_cpu_usage", 0) - before.get("system_cpu_usage", 0)
    processors = now.get("online_cpus") or len(now.get("cpu_usage", {}).get("percpu_usage") or ())
    return 100.0 * used / passed * processors if used > 0 and passed > 0 else 0.0


def _total(usage: Mapping[str, Any]) -> int:
    return int(usage.get("cpu_usage", {}).get("total_usage", 0))


def memory_used(memory: Mapping[str, Any]) -> int:
    """Return the memory that it uses, in bytes, without cached files that nobody has looked at for long."""
    usage, stats = memory.get("usage", 0), memory.get("stats") or {}
    cached = stats.get("total_inactive_file", stats.get("inactive_file", 0))  # cgroup version 1, and 2
    return int(usage - cached if cached < usage else usage)


def _moved(block: Mapping[str, Any], letter: str) -> int:
    entries = block.get("io_service_bytes_recursive") or ()
    return sum(each["value"] for each in entries if each["op"][:1].lower() == letter)
