"""`linux.resources` of config.json, and of `update` (config-linux.md, control groups)."""

from collections.abc import Iterator

from labcore.runtime.oci.node import Node
from labcore.spec import DeviceRule
from labcore.spec.resources import Resources, Throttle

THROTTLES = {
    "throttleReadBpsDevice": "read_bps",
    "throttleWriteBpsDevice": "write_bps",
    "throttleReadIOPSDevice": "read_iops",
    "throttleWriteIOPSDevice": "write_iops",
}


def read_resources(node: Node) -> Resources:
    """Read the object. Raises ConfigError."""
    memory, cpu, block, network = node["memory"], node["cpu"], node["blockIO"], node["network"]
    if memory["kernel"].number(0) > 0 or memory["kernelTCP"].number(0) > 0:
        raise memory["kernel"].fail("limits on kernel memory alone are not supported: kernels have dropped them")
    if node["rdma"]:
        raise node["rdma"].fail("RDMA limits are not supported")
    pids = node["pids"]["limit"].optional_number()
    return Resources(
        memory=memory["limit"].optional_number(),
        reservation=memory["reservation"].optional_number(),
        swap=memory["swap"].optional_number(),
        swappiness=memory["swappiness"].optional_number(),
        no_oom_killer=memory["disableOOMKiller"].value and memory["disableOOMKiller"].flag(),
        cpu_shares=cpu["shares"].optional_number(),
        cpu_quota=cpu["quota"].optional_number(),
        cpu_period=cpu["period"].optional_number(),
        cpu_burst=cpu["burst"].optional_number(),
        cpu_idle=cpu["idle"].optional_number(),
        realtime_runtime=cpu["realtimeRuntime"].optional_number(),
        realtime_period=cpu["realtimePeriod"].optional_number(),
        cpus=cpu["cpus"].text(),
        mems=cpu["mems"].text(),
        pids=pids,
        block_weight=block["weight"].optional_number(),
        block_weights=tuple(_weights(block["weightDevice"])),
        throttles=tuple(_throttles(block)),
        hugepages=tuple(
            (limit["pageSize"].required_text(), limit["limit"].number(0)) for limit in node["hugepageLimits"].items()
        ),
        network_class=network["classID"].optional_number(),
        network_priorities=tuple(
            (entry["name"].required_text(), entry["priority"].number(0)) for entry in network["priorities"].items()
        ),
        devices=tuple(_device_rule(rule) for rule in node["devices"].items()),
        unified=tuple(_unified(node["unified"])),
    )


def _weights(nodes: Node) -> Iterator[tuple[int, int, int]]:
    for node in nodes.items():
        weight = node["weight"].optional_number()
        if weight is not None:
            yield node["major"].number(0), node["minor"].number(0), weight


def _throttles(block: Node) -> Iterator[Throttle]:
    for name, kind in THROTTLES.items():
        for node in block[name].items():
            yield Throttle(kind, node["major"].number(0), node["minor"].number(0), node["rate"].number(0))


def _device_rule(node: Node) -> DeviceRule:
    kind = node["type"].text("a") or "a"
    access = node["access"].text("rwm") or "rwm"
    if kind not in ("a", "b", "c"):
        raise node["type"].fail(f"must be a, b or c, and is {kind!r}")
    if not set(access) <= set("rwm"):
        raise node["access"].fail(f"must be of r, w and m, and is {access!r}")
    return DeviceRule(node["allow"].flag(), kind, _device_number(node["major"]), _device_number(node["minor"]), access)


def _device_number(node: Node) -> int | None:
    number = node.optional_number()
    return None if number is None or number < 0 else number


def _unified(node: Node) -> Iterator[tuple[str, str]]:
    for name, value in node.members():
        if "/" in name:
            raise value.fail(f"{name!r} is no file of a cgroup")
        yield name, value.text()
