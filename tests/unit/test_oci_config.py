"""Every field of config.json with values at the edges of its type: refused by its path, or obeyed; never a traceback."""

import copy
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labcore.errors import InvalidInput
from labcore.runtime.cgroups.scope import properties
from labcore.runtime.cgroups.settings import v1_settings, v2_settings
from labcore.runtime.oci.config import read_bundle
from labcore.runtime.oci.node import ConfigError
from labcore.runtime.stages import LaunchOptions, SyncPoint, make_plan, sysctl_path

EDGES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 1.5, 1e300, "", "x", "0", "/",
    "a\0b", "a\nb", "\ud800", "x" * 5000, [], [None], [1], [""], {}, {"": None}, {"x": 1},
)  # fmt: skip

RATE = {"major": 8, "minor": 0, "rate": 1 << 20}
HOOK = {"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}
CAPABILITIES = ["CAP_CHOWN", "CAP_KILL"]
SETS = ("bounding", "effective", "permitted", "inheritable", "ambient")
KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
WHOLE: dict[str, Any] = {
    "ociVersion": "1.2.0",
    "hostname": "box",
    "domainname": "example.org",
    "root": {"path": "rootfs", "readonly": True},
    "annotations": {"org.example": "value"},
    "process": {
        "terminal": True,
        "consoleSize": {"height": 25, "width": 80},
        "user": {"uid": 1000, "gid": 1000, "umask": 18, "additionalGids": [5, 6]},
        "args": ["sh", "-c", "true"],
        "env": ["PATH=/bin", "X=y"],
        "cwd": "/",
        "capabilities": dict.fromkeys(SETS, CAPABILITIES),
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}],
        "noNewPrivileges": True,
        "oomScoreAdj": 10,
        "scheduler": {
            "policy": "SCHED_DEADLINE", "nice": 1, "priority": 0, "flags": ["SCHED_FLAG_RECLAIM"], "runtime": 10,
            "deadline": 20, "period": 30,
        },
        "ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 1},
        "execCPUAffinity": {"initial": "0", "final": "0-1"},
        "apparmorProfile": "",
        "selinuxLabel": "",
    },
    "mounts": [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
        {"destination": "/bound", "type": "bind", "source": "/", "options": ["rbind", "ro"]},
    ],
    "hooks": {kind: [HOOK] for kind in KINDS},
    "linux": {
        "namespaces": [{"type": kind} for kind in ("mount", "pid", "uts", "ipc", "network", "cgroup", "time")],
        "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0}],
        "cgroupsPath": "/labcore/test",
        "memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0-1,3", "flags": ["MPOL_F_STATIC_NODES"]},
        "timeOffsets": {"monotonic": {"secs": 1, "nanosecs": 2}},
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "rootfsPropagation": "rprivate",
        "maskedPaths": ["/proc/kcore"],
        "readonlyPaths": ["/proc/sys"],
        "personality": {"domain": "LINUX", "flags": []},
        "seccomp": {
            "defaultAction": "SCMP_ACT_ERRNO",
            "defaultErrnoRet": 38,
            "architectures": ["SCMP_ARCH_X86_64"],
            "flags": ["SECCOMP_FILTER_FLAG_LOG"],
            "syscalls": [
                {
                    "names": ["read"],
                    "action": "SCMP_ACT_ALLOW",
                    "args": [{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}],
                },
                {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
            ],
        },
        "resources": {
            "devices": [{"allow": False, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
            "memory": {
                "limit": 1 << 26, "reservation": 1 << 25, "swap": 1 << 27, "swappiness": 10, "kernel": -1, "kernelTCP": -1,
                "disableOOMKiller": False,
            },
            "cpu": {
                "shares": 512, "quota": 5000, "period": 100000, "burst": 10, "idle": 0, "realtimeRuntime": 0,
                "realtimePeriod": 0, "cpus": "0", "mems": "0",
            },
            "pids": {"limit": 10},
            "blockIO": {
                "weight": 100,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 100}],
                **{f"throttle{way}Device": [RATE] for way in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")},
            },
            "hugepageLimits": [{"pageSize": "2MB", "limit": 1 << 21}],
            "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
            "unified": {"memory.high": "1000000"},
        },
    },
}  # fmt: skip

MAPPED = copy.deepcopy(WHOLE)
MAPPED["linux"]["namespaces"].append({"type": "user"})
MAPPED["linux"] |= {f"{kind}Mappings": [{"containerID": 0, "hostID": 100000, "size": 2000}] for kind in ("uid", "gid")}
MAPPED["linux"]["devices"] = []  # there they are bound, and none is made

Path_ = tuple[str | int, ...]


def fields(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the paths of all values in a document, the document's own too."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from fields(member, (*path, name))


def with_value(path: Path_, value: Any) -> dict[str, Any]:
    """Return the whole configuration with another value in one place."""
    made = json.loads(json.dumps(MAPPED if path in MAPPINGS else WHOLE))
    if "seccomp" not in path:  # compiling a filter takes longer than all else
        del made["linux"]["seccomp"]
    place: Any = made
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return made


# Where a message begins with the path of something else, which the change has made impossible.
ELSEWHERE = {
    "linux": ("hostname: ",),
    "linux.namespaces": ("hostname: ", "linux.timeOffsets: "),
    "linux.seccomp": ("seccomp: ",),
}
FIELDS = [path for path in fields(WHOLE) if path]
MAPPINGS = [path for path in fields(MAPPED) if path[1:2] in (("uidMappings",), ("gidMappings",))]


def written(path: Path_) -> str:
    """Return a path as messages write it."""
    text = "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in path)
    return text.removeprefix(".")


def carry_out(config: dict[str, Any], directory: Path) -> None:
    """Do all that a creation does before anything is made: what cannot be encoded for the kernel fails here."""
    bundle = read_bundle(json.loads(json.dumps(config)), directory)
    points: tuple[SyncPoint, ...] = ("namespaces", "rootfs", "terminal", "created")
    options = LaunchOptions(exec_fifo=str(directory / "exec.fifo"), syncs=tuple((point, int) for point in points))  # type: ignore[arg-type]
    plan = make_plan(bundle.spec, None, options)
    assert plan.block(-1)
    settings = [*v1_settings(bundle.spec.resources), *v2_settings(bundle.spec.resources)]
    assert all(setting.value.encode() for setting in settings)
    assert all(word.encode() for each in properties(bundle.spec.resources) for word in each)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        (Path(made) / "rootfs").mkdir()
        yield Path(made)


def test_the_whole_is_taken(directory: Path) -> None:
    carry_out(WHOLE, directory)
    carry_out(MAPPED, directory)


@pytest.mark.parametrize("path", FIELDS + MAPPINGS, ids=written)
def test_a_value_at_the_edge_is_refused_by_its_path_or_obeyed(directory: Path, path: Path_) -> None:
    for value in EDGES:
        try:
            carry_out(with_value(path, value), directory)
        except InvalidInput as error:
            assert str(error).startswith((written(path[:1]), *ELSEWHERE.get(written(path[:2]), ()))), (value, str(error))
            assert len(str(error)) < 1000 or not isinstance(error, ConfigError)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.7/forwarding", "net/ipv4/conf/eth0.7/forwarding"),
        ("net.ipv4.conf.eth0/7.forwarding", "net/ipv4/conf/eth0.7/forwarding"),
    ],
)
def test_the_first_separator_of_a_parameters_name_counts(name: str, path: str) -> None:
    assert sysctl_path(name) == path


@pytest.mark.parametrize("name", ["", "/", "net", ".net.x", "net..x", "net/../vm/swappiness", "net./..vm", "/net/x", "net/x/"])
def test_no_parameters_name_leads_elsewhere(directory: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"linux\.sysctl\."):
        carry_out(with_value(("linux", "sysctl"), {name: "1"}), directory)
