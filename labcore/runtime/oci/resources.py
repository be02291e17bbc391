"""`linux.resources` of config.json, and of `update` (config-linux.md, control groups)."""

from __future__ import annotations

from labcore.spec import DeviceRule
from labcore.spec.resources import Resources, Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from labcore.runtime.oci.node import Node

THROTTLES = {
    "throttleReadBpsDevice": "read_bps",
    "throttleWriteBpsDevice": "write_bps",
    "throttleReadIOPSDevice": "read_iops",
    "throttleWriteIOPSDevice": "write_iops",
}
UNLIMITED = -1  # and less is nothing; 0 says nothing either, as in runc


def read_resources(node: Node) -> Resources:
    """Read the object. Raises ConfigError."""
    memory, cpu, block, network = node["memory"], node["cpu"], node["blockIO"], node["network"]
    for name in ("kernel", "kernelTCP"):
        if memory[name].number(0) > 0:
            raise memory[name].fail("limits on kernel memory alone are not supported: kernels have dropped them")
    if node["rdma"]:
        raise node["rdma"].fail("RDMA limits are not supported")
    limit, swap = memory["limit"].optional_number(UNLIMITED) or None, memory["swap"].optional_number(UNLIMITED) or None
    if limit and swap and 0 < swap < limit:
        raise memory["swap"].fail(f"{limit} bytes of memory, and {swap} of memory and swap together")
    return Resources(
        memory=limit,
        reservation=memory["reservation"].optional_number(UNLIMITED) or None,
        swap=swap,
        swappiness=memory["swappiness"].optional_unsigned(64),
        no_oom_killer=memory["disableOOMKiller"].flag() if memory["disableOOMKiller"] else None,
        cpu_shares=cpu["shares"].optional_unsigned(64),
        cpu_quota=cpu["quota"].optional_number(UNLIMITED),
        cpu_period=cpu["period"].optional_unsigned(64),
        cpu_burst=cpu["burst"].optional_unsigned(64),
        cpu_idle=cpu["idle"].optional_number(0, 1),
        realtime_runtime=cpu["realtimeRuntime"].optional_number(UNLIMITED),
        realtime_period=cpu["realtimePeriod"].optional_unsigned(64),
        cpus=cpu["cpus"].text(),
        mems=cpu["mems"].text(),
        pids=node["pids"]["limit"].optional_number(UNLIMITED),
        block_weight=block["weight"].optional_unsigned(16),
        block_weights=tuple(_weights(block["weightDevice"])),
        throttles=tuple(_throttles(block)),
        hugepages=tuple(
            (entry["pageSize"].required_text(), entry["limit"].unsigned(0, 64)) for entry in node["hugepageLimits"].items()
        ),
        network_class=network["classID"].optional_unsigned(),
        network_priorities=tuple(
            (entry["name"].required_text(), entry["priority"].unsigned(0)) for entry in network["priorities"].items()
        ),
        devices=tuple(_device_rule(rule) for rule in node["devices"].items()),
        unified=tuple(_unified(node["unified"])),
    )


def _weights(nodes: Node) -> Iterator[tuple[int, int, int]]:
    for node in nodes.items():
        weight = node["weight"].optional_unsigned(16)
        if weight is not None:
            yield *_numbers(node), weight


def _throttles(block: Node) -> Iterator[Throttle]:
    for name, kind in THROTTLES.items():
        for node in block[name].items():
            yield Throttle(kind, *_numbers(node), node["rate"].unsigned(0, 64))


def _device_rule(node: Node) -> DeviceRule:
    kind = node["type"].text("a") or "a"
    access = node["access"].text("rwm") or "rwm"
    if kind not in ("a", "b", "c"):
        raise node["type"].fail(f"must be a, b or c, and is {kind!r}")
    if not set(access) <= set("rwm"):
        raise node["access"].fail(f"must be of r, w and m, and is {access!r}")
    return DeviceRule(node["allow"].flag(), kind, _device_number(node["major"]), _device_number(node["minor"]), access)


def _device_number(node: Node) -> int | None:
    number = node.optional_number(-1, (1 << 31) - 1)  # -1 is any
    return None if number == -1 else number


def _numbers(node: Node) -> tuple[int, int]:
    """Return a device's two numbers, which both must be there."""
    major, minor = (node[name].number(-1, 0, (1 << 31) - 1) for name in ("major", "minor"))
    return major, minor


def _unified(node: Node) -> Iterator[tuple[str, str]]:
    for name, value in node.members():
        if "/" in name or not name.isprintable() or "." not in name.strip("."):
            raise value.fail(f"{name!r} is no file of a cgroup")
        yield name, value.required_text()
