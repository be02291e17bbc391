"""CreateOptions on the wire: what the client writes is what the daemon reads, field by field."""

import json

import pytest

from labcore.client.container_json import container_json
from labcore.client.containers import _options
from labcore.client.network_json import network_json
from labcore.daemon.wire.codec import decode_bytes
from labcore.daemon.wire.container_create import ContainerCreate, create_options_of
from labcore.daemon.wire.networks import NetworkCreate, network_options_of
from labcore.errors import InvalidInput
from labcore.spec import (
    CreateOptions,
    DeviceMapping,
    DeviceRule,
    EndpointOptions,
    Healthcheck,
    IdRange,
    LogPolicy,
    Mount,
    PortBinding,
    Resources,
    RestartPolicy,
    Rlimit,
)
from labcore.spec.network import AddressPool, NetworkOptions

FIELDS: dict[str, object] = {
    "image": "busybox",
    "command": ("sh", "-c", "true"),
    "entrypoint": ("/entry", "x"),
    "name": "web",
    "hostname": "h",
    "domainname": "d",
    "environment": (("A", "b=c"), ("EMPTY", ""), ("GONE", None)),
    "workdir": "/w",
    "user": "1:2",
    "group_add": ("audio", "7"),
    "labels": (("a", "b"), ("empty", "")),
    "annotations": (("x", "y"),),
    "stop_signal": "SIGUSR1",
    "stop_timeout": 3,
    "tty": True,
    "console_size": (24, 80),
    "open_stdin": True,
    "stdin_once": True,
    "attached": ("stdin", "stdout", "stderr"),
    "auto_remove": True,
    "restart": RestartPolicy("on-failure", 3),
    "healthcheck": Healthcheck(("CMD", "true"), 10**9, 2 * 10**9, 3 * 10**9, 4 * 10**9, 5),
    "init": True,
    "privileged": True,
    "read_only": True,
    "cap_add": ("NET_ADMIN",),
    "cap_drop": ("MKNOD",),
    "no_new_privileges": True,
    "seccomp": "unconfined",
    "apparmor": "profile",
    "masked_paths": (),
    "readonly_paths": ("/proc/x",),
    "writable_cgroups": False,
    "pid_mode": "host",
    "ipc_mode": "private",
    "uts_mode": "host",
    "isolation": "default",
    "cgroupns_mode": "private",
    "userns_mode": "host",
    "network_mode": "net",
    "resources": Resources(
        memory=1 << 30, reservation=1 << 29, swap=-1, swappiness=0, no_oom_killer=True, cpu_shares=512, nano_cpus=10**7,
        cpu_quota=50_000, cpu_period=200_000,
        realtime_runtime=1000, realtime_period=2000, cpus="0-1", mems="0", pids=100, block_weight=300,
    ),
    "cgroup_parent": "/parent",
    "ulimits": (Rlimit("NOFILE", 1024, 2048), Rlimit("CORE", -1, -1)),
    "oom_score_adj": -500,
    "shm_size": 1 << 20,
    "sysctls": (("net.ipv4.ip_forward", "1"),),
    "mounts": (
        Mount("bind", "/b", "/tmp", read_only=True, options=("rslave",), make=True, mode="rslave,ro"),
        Mount("volume", "/v", "data", copy=False, make=True, mode="nocopy"),
        Mount("bind", "/m", "/tmp", read_only=True, options=("rshared",), recursive=False),
        Mount("bind", "/colon:", "/t:mp", make=True),
        Mount("volume", "/n", "other", labels=(("a", "b"),)),
        Mount("tmpfs", "/ro", read_only=True, options=("size=1048576", "mode=1777", "noexec", "uid=7")),
        Mount("tmpfs", "/t", options=("size=1m", "noexec"), make=True),
        Mount("volume", "/anonymous", make=True),
    ),
    "volumes_from": ("other:ro",),
    "volume_driver": "local",
    "devices": (DeviceMapping("/dev/null", "/dev/nothing", "rw"),),
    "device_cgroup_rules": (DeviceRule(True, "c", 42, None, "rmw"),),
    "networks": (
        EndpointOptions(
            "net", "10.0.0.2", "fd00::2", "02:42:0a:00:00:02", ("alias",), (("other", "link"),), (("driver", "option"),), 7
        ),
        EndpointOptions("second"),
    ),
    "ports": (PortBinding(80, "tcp", "127.0.0.1", 8080), PortBinding(53, "udp"), PortBinding(99, "tcp", "::1", 9000, 9010)),
    "exposed_ports": ("1/tcp", "80/tcp", "53/udp", "99/tcp"),  # what is published is exposed
    "publish_all": True,
    "links": (("db", "database"),),
    "extra_hosts": (("host", "10.0.0.1"), ("gateway", "host-gateway")),
    "dns": ("1.1.1.1",),
    "dns_search": ("x.y",),
    "dns_options": ("ndots:2",),
    "log": LogPolicy("non-blocking", 1 << 21, 1 << 20, 3, details=(("labels", "a"), ("tag", "x"))),
}  # fmt: skip
OF_THE_LIBRARY = {"rootfs", "userns_remap"}


def over_the_wire(options: CreateOptions) -> CreateOptions:
    return create_options_of(decode_bytes(json.dumps(container_json(options)), ContainerCreate), name=options.name)


def test_every_field_is_here() -> None:
    assert set(FIELDS) == set(CreateOptions._fields) - OF_THE_LIBRARY


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_arrives_as_it_was_sent(name: str) -> None:
    options = (
        CreateOptions(**FIELDS | {"links": ()})
        if name != "links"
        else CreateOptions(image="x", network_mode="bridge", links=FIELDS["links"])
    )
    assert getattr(over_the_wire(options), name) == getattr(options, name)


@pytest.mark.parametrize("entrypoint", [None, (), ("/x",)])
def test_an_entry_point_is_left_cleared_or_replaced(entrypoint: tuple[str, ...] | None) -> None:
    assert over_the_wire(CreateOptions(image="x", entrypoint=entrypoint)).entrypoint == entrypoint


@pytest.mark.parametrize("mode", ["none", "host", "container:other"])
def test_modes_without_networks(mode: str) -> None:
    found = over_the_wire(CreateOptions(image="x", network_mode=mode))
    assert (found.network_mode, found.networks) == (mode, ())


def test_what_is_not_said_is_not_sent() -> None:
    assert container_json(CreateOptions(image="x")) == {"Image": "x"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (CreateOptions(rootfs="/x"), "rootfs"),
        (CreateOptions(image="x", userns_remap=IdRange(0, 1, 1)), "userns_remap"),
        (CreateOptions(image="x", resources=Resources(cpu_idle=1)), "cpu_idle"),
        (CreateOptions(image="x", resources=Resources(unified=(("a", "b"),))), "unified"),
        (CreateOptions(image="x", device_cgroup_rules=(DeviceRule(False),)), "device_cgroup_rules"),
        (CreateOptions(), "image"),
        (CreateOptions(image="x", mounts=(Mount("tmpfs", "/t", read_only=True, options=("size=x",)),)), "tmpfs size=x"),
    ],
)
def test_what_the_api_has_no_words_for_is_refused_by_name(options: CreateOptions, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        container_json(options)


def test_fields_by_name_stand_for_options() -> None:
    found = _options(None, {"image": "x", "command": ["a", "b"], "environment": {"A": "b"}})
    assert found == CreateOptions(image="x", command=("a", "b"), environment=(("A", "b"),))
    with pytest.raises(InvalidInput, match="imagee"):
        _options(None, {"imagee": "x"})


def test_a_network_arrives_as_it_was_sent() -> None:
    pool = AddressPool("10.7.0.0/16", "10.7.1.0/24", "10.7.0.9", (("printer", "10.7.1.5"),))
    wanted = NetworkOptions(
        "net", pools=(pool,), ipv6=False, internal=True, attachable=True,
        options=(("com.docker.network.bridge.name", "br7"),), labels=(("a", "b"),),
    )  # fmt: skip
    assert network_options_of(decode_bytes(json.dumps(network_json(wanted)), NetworkCreate)) == wanted
