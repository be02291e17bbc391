"""ContainerUpdate: the body of POST /containers/{id}/update, as the engine takes it."""

from typing import Any

from labcore.daemon.wire.codec import Wire
from labcore.daemon.wire.host_config import RestartPolicyConfig, restart_policy_of
from labcore.daemon.wire.resources import processors
from labcore.options.create import create_options
from labcore.spec import RestartPolicy


class ContainerUpdate(Wire):
    """Resources, as far as they can be changed, and RestartPolicy. What is zero stays as it is."""

    memory: int = 0
    memory_swap: int = 0
    memory_reservation: int = 0
    cpu_shares: int = 0
    cpu_period: int = 0
    cpu_quota: int = 0
    nano_cpus: int = 0
    cpu_realtime_period: int = 0
    cpu_realtime_runtime: int = 0
    cpuset_cpus: str = ""
    cpuset_mems: str = ""
    blkio_weight: int = 0
    pids_limit: int | None = None
    restart_policy: RestartPolicyConfig | None = None


def limits_of(body: ContainerUpdate) -> dict[str, Any]:
    """Return the limits that are to be changed, as fields of Resources. Raises InvalidInput."""
    forms: dict[str, Any] = {
        "memory": body.memory,
        "memory_swap": body.memory_swap,
        "memory_reservation": body.memory_reservation,
        "cpu_shares": body.cpu_shares,
        "cpu_period": body.cpu_period,
        "cpu_quota": body.cpu_quota,
        "cpus": processors(body.nano_cpus),
        "cpu_rt_period": body.cpu_realtime_period,
        "cpu_rt_runtime": body.cpu_realtime_runtime,
        "cpuset_cpus": body.cpuset_cpus,
        "cpuset_mems": body.cpuset_mems,
        "blkio_weight": body.blkio_weight,
    }
    wanted = {name: value for name, value in forms.items() if value}
    if body.pids_limit is not None:
        wanted["pids_limit"] = max(body.pids_limit, 0) or -1
    resources = create_options("any", **wanted).resources
    return {name: value for name, value in resources.as_dict().items() if value != type(resources)._fields[name]}


def new_restart_policy(body: RestartPolicyConfig | None) -> RestartPolicy | None:
    """Return the policy; None if it is to stay as it is. Raises InvalidInput."""
    if body is None or not (body.name or body.maximum_retry_count):
        return None
    return restart_policy_of(body)
