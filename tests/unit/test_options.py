"""docker's forms of options: what they mean, and what is refused with the name of the field and the cure."""

from typing import Any

import pytest

from labcore.engine import create_options
from labcore.errors import InvalidInput
from labcore.spec import MASKED_PATHS, CreateOptions, DeviceMapping, DeviceRule, IdRange, Mount, Resources, Rlimit
from labcore.spec.network import EndpointOptions, PortBinding

READ: list[tuple[str, Any, str, Any]] = [
    ("memory", "64m", "resources", Resources(memory=64 << 20)),
    ("memory", "64MiB", "resources", Resources(memory=64 << 20)),
    ("memory", "64 kb", "resources", Resources(memory=64 << 10)),
    ("memory", "1.5g", "resources", Resources(memory=3 << 29)),
    ("memory", "12345678b", "resources", Resources(memory=12345678)),
    ("memory", 1 << 30, "resources", Resources(memory=1 << 30)),
    ("memory_swap", "-1", "resources", Resources(swap=-1)),
    ("cpus", "1.5", "resources", Resources(nano_cpus=1_500_000_000)),
    ("cpus", 0.25, "resources", Resources(nano_cpus=250_000_000)),
    ("cpus", "0", "resources", Resources()),
    ("cpuset_cpus", "0-2,4", "resources", Resources(cpus="0-2,4")),
    ("pids_limit", "-1", "resources", Resources(pids=-1)),
    ("oom_kill_disable", True, "resources", Resources(no_oom_killer=True)),
    ("ulimits", ["nofile=1:2", "core=-1", "nproc=3:-1"], "ulimits",
     (Rlimit("NOFILE", 1, 2), Rlimit("CORE", -1, -1), Rlimit("NPROC", 3, -1))),
    ("devices", ["/dev/fuse", "/dev/a:/dev/b", "/dev/a:/dev/b:r", "/dev/a:rw"], "devices",
     (DeviceMapping("/dev/fuse", "/dev/fuse"), DeviceMapping("/dev/a", "/dev/b"), DeviceMapping("/dev/a", "/dev/b", "r"),
      DeviceMapping("/dev/a", "/dev/a", "rw"))),
    ("device_cgroup_rules", ["c 42:* rmw", "a *:* r"], "device_cgroup_rules",
     (DeviceRule(True, "c", 42, None, "rmw"), DeviceRule(True, "a", None, None, "r"))),
    ("labels", ["a=b", "c", "d=e=f"], "labels", (("a", "b"), ("c", ""), ("d", "e=f"))),
    ("labels", {"a": "b"}, "labels", (("a", "b"),)),
    ("env", {"A": 1, "B": None}, "environment", (("A", "1"), ("B", None))),
    ("env", ["A=b=c", "A="], "environment", (("A", ""),)),
    ("entrypoint", "", "entrypoint", ()),
    ("entrypoint", "sh", "entrypoint", ("sh",)),
    ("entrypoint", ["sh", "-c"], "entrypoint", ("sh", "-c")),
    ("extra_hosts", ["a:1.2.3.4", "b=::1", "c:[::2]"], "extra_hosts", (("a", "1.2.3.4"), ("b", "::1"), ("c", "::2"))),
    ("extra_hosts", ["up:host-gateway"], "extra_hosts", (("up", "host-gateway"),)),
    ("publish", ["80", "8080:81", "127.0.0.1:82:82/udp", "[::1]::83"], "ports",
     (PortBinding(80), PortBinding(81, host_port=8080), PortBinding(82, "udp", "127.0.0.1", 82),
     PortBinding(83, "tcp", "::1"))),
    ("publish", ["8000-8001:90-91", "7000-7009:92", "0:93", PortBinding(94)], "ports",
     (PortBinding(94), PortBinding(90, host_port=8000), PortBinding(91, host_port=8001),
      PortBinding(92, host_port=7000, host_port_last=7009), PortBinding(93))),
    ("publish", {"80/tcp": 8080, "53/udp": None}, "ports", (PortBinding(80, host_port=8080), PortBinding(53, "udp"))),
    ("expose", ["80", "53/UDP", "90-91", "80/tcp"], "exposed_ports", ("80/tcp", "53/udp", "90/tcp", "91/tcp")),
    ("network", "none", "network_mode", "none"),
    ("network", "default", "networks", (EndpointOptions("bridge"),)),
    ("network", ["mine", "name=other,gw-priority=-3"], "networks", (EndpointOptions("mine"),
    EndpointOptions("other", priority=-3))),
    ("network", "name=mine,ip=10.0.0.2,ip6=fd00::2,alias=a,alias=b,driver-opt=c=d", "networks",
     (EndpointOptions("mine", "10.0.0.2", "fd00::2", aliases=("a", "b"), driver_options=(("c", "d"),)),)),
    ("mac_address", "02-42-AC-11-00-02", "networks", (EndpointOptions("bridge", mac_address="02:42:ac:11:00:02"),)),
    ("links", ["db", "web:www"], "links", (("db", "db"), ("web", "www"))),
    ("remap", "100000", "userns_remap", IdRange(0, 100000, 65536)),
    ("user", 7, "user", "7"),
    ("volumes", ["a:/b", Mount("tmpfs", "/c")], "mounts", (Mount("volume", "/b", "a", make=True), Mount("tmpfs", "/c"))),
    ("security_opt", ["no-new-privileges"], "no_new_privileges", True),
    ("security_opt", ["no-new-privileges:true", "no-new-privileges=false"], "no_new_privileges", False),
    ("security_opt", ["seccomp=unconfined"], "seccomp", "unconfined"),
    ("security_opt", ["seccomp=unconfined", "seccomp=builtin"], "seccomp", ""),
    ("security_opt", ["systempaths=unconfined"], "masked_paths", ()),
    ("security_opt", ["writable-cgroups=false"], "writable_cgroups", False),
    ("security_opt", ["unmask=ALL"], "readonly_paths", ()),
    ("security_opt", ["unmask=/proc/*"], "masked_paths", tuple(path for path in MASKED_PATHS if path.startswith("/sys/"))),
    ("security_opt", ["mask=/a:/b"], "masked_paths", (*MASKED_PATHS, "/a", "/b")),
    ("security_opt", ["label=disable"], "seccomp", ""),
    ("shm_size", "1m", "shm_size", 1 << 20),
    ("stop_signal", "rtmin+3", "stop_signal", "RTMIN+3"),
    ("hostname", "box", "hostname", "box"),
    ("resources", Resources(pids=3), "resources", Resources(pids=3)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "field", "wanted"), READ)
def test_a_form_is_read(name: str, value: Any, field: str, wanted: Any) -> None:
    assert getattr(create_options("x", **{name: value}), field) == wanted


REFUSED: list[tuple[str, Any]] = [
    ("memory", "x"), ("memory", "-1"), ("memory", -1), ("memory", "1e3"), ("memory", "9" * 30), ("memory", True),
    ("memory", 1.5), ("memory", "64mm"), ("memory", "٣m"), ("memory_swap", "-2"), ("cpus", "x"), ("cpus", "-1"),
    ("cpus", "0.001"), ("cpus", "1e9"), ("cpuset_cpus", "2-1"), ("cpuset_cpus", "a"), ("cpuset_cpus", "1,"),
    ("cpuset_cpus", "99999"), ("pids_limit", "-2"), ("memory_swappiness", "101"), ("oom_score_adj", "1001"),
    ("ulimits", ["nofile"]), ("ulimits", ["nofile=2:1"]), ("ulimits", ["nofile=-1:1"]), ("ulimits", ["x=1"]),
    ("ulimits", ["nofile=1:2:3"]), ("ulimits", "nofile=1"), ("devices", ["x"]), ("devices", ["/a:/b:/c"]),
    ("devices", ["vendor.com/class=name"]), ("device_cgroup_rules", ["c 1 r"]), ("device_cgroup_rules", ["c 1:2 x"]),
    ("device_read_bps", ["/etc:1"]), ("device_read_bps", ["/dev/null:1"]), ("device_read_bps", ["/dev/nope:1"]),
    ("device_read_bps", ["/dev/null"]), ("labels", ["=x"]), ("labels", "a=b"), ("labels", [" "]), ("env", "A=b"),
    ("env", ["A"]), ("extra_hosts", ["a"]), ("extra_hosts", ["a:b"]), ("extra_hosts", ["a b:1.2.3.4"]),
    ("extra_hosts", ["a\nb:1.2.3.4"]), ("security_opt", ["x"]),
    ("security_opt", ["seccomp="]), ("security_opt", ["seccomp=/nowhere"]), ("security_opt", ["seccomp=/dev/zero"]),
    ("security_opt", ["label=user:x"]), ("security_opt", ["systempaths=x"]), ("security_opt", ["mask=x"]),
    ("security_opt", ["apparmor="]), ("security_opt", ["no-new-privileges=maybe"]), ("stop_signal", "NOPE"),
    ("stop_signal", "99"), ("stop_signal", "TERM+1"), ("stop_signal", ""), ("shm_size", ""), ("privileged", "perhaps"),
    ("hostname", 5), ("cap_add", "ALL"), ("group_add", "x"), ("dns", "1.2.3.4"), ("dns", ["a"]), ("dns_search", ["a\nb"]),
    ("publish", "80"), ("publish", ["80:0"]), ("publish", ["65536:1"]), ("publish", ["x:80"]), ("publish", ["127.0.0.1:80"]),
    ("publish", ["1.2.3:1:2"]), ("publish", ["1-2:3-5"]), ("publish", ["2-1"]), ("publish", ["80/sctp"]), ("publish", ["80/"]),
    ("publish", ["1:2:3:4"]), ("publish", ["[::1]:80"]), ("publish", ["٣:80"]), ("expose", ["0"]), ("expose", ["1:2"]),
    ("network", ""), ("network", ["a", "a"]), ("network", ["a", "none"]), ("network", ["host", "a"]), ("network", "ip=1.2.3.4"),
    ("network", "name=a,ip=x"), ("network", "name=a,x=y"), ("network", "name=a,gw-priority=x"),
    ("network", "name=a,ip6=1.2.3.4"),
    ("ip", "::1"), ("ip", "x"), ("mac_address", "01:00:5e:00:00:01"), ("mac_address", "02:42"), ("links", [":a"]),
    ("links", ["a:"]),
    ("network_aliases", ["a"]), ("resources", 5), ("volumes", "a:/b"), ("entrypoint", 5), ("blkio_weight", "x"),
    ("stop_timeout", -2),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_is_none_is_refused_in_one_line(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        create_options("x", **{name: value})
    assert "\n" not in str(caught.value)
    assert ": " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "cure"), [("memry", "memory"), ("volume", "volumes"), ("ulimit", "ulimits"), ("zzzz", "see CreateOptions")]
)
def test_an_unknown_field_leads_to_the_nearest(name: str, cure: str) -> None:
    with pytest.raises(InvalidInput, match=f"no option {name}.*{cure}"):
        create_options("x", **{name: 1})  # type: ignore[arg-type]


def test_fields_go_before_options() -> None:
    base = CreateOptions(image="a", command=("b",), resources=Resources(memory=1 << 30), hostname="h")
    made = create_options(None, ["c"], options=base, pids_limit=5, volumes=["x:/y"], tmpfs=["/z"])
    assert (made.image, made.command, made.hostname) == ("a", ("c",), "h")
    assert made.resources == Resources(memory=1 << 30, pids=5)
    assert [mount.target for mount in made.mounts] == ["/y", "/z"]
    assert create_options(options=base) == base
