"""SystemInfo and SystemVersion: what docker's clients read of a daemon and its machine, as it is."""

import os
import platform
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Final

import labcore
from labcore.daemon.context import Daemon
from labcore.daemon.versions import API_VERSION, MIN_API_VERSION
from labcore.daemon.wire.codec import encode
from labcore.daemon.wire.images import graph_driver
from labcore.images.resolve import entries
from labcore.native import program
from labcore.runtime.cgroups.hierarchy import hierarchies
from labcore.runtime.cgroups.scope import RUNS
from labcore.runtime.probe import confined, file_system
from labcore.spec.log import LOG_DRIVERS
from labcore.storage.driver import driver
from labcore.timestamps import now

RUNTIME: Final = "labcore"  # the exec driver
FEATURES: Final = "org.opencontainers.runtime-spec.features"
NETWORK_DRIVERS: Final = ("bridge", "host", "null")
VOLUME_DRIVERS: Final = ("local",)
INDEX: Final = "https://index.docker.io/v1/"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
CREDENTIALS: Final = re.compile(r"(//)[^/@]*@")  # in a URL
OVERLAY: Final = "/sys/module/overlay/parameters"
LIMITS: Final = {  # field -> controller, and what says that the kernel lacks it
    "MemoryLimit": ("memory", "No memory limit support"),
    "SwapLimit": ("memory", "No swap limit support"),
    "CpuCfsPeriod": ("cpu", "No cpu cfs period support"),
    "CpuCfsQuota": ("cpu", "No cpu cfs quota support"),
    "CPUShares": ("cpu", "No cpu shares support"),
    "CPUSet": ("cpuset", "No cpuset support"),
    "PidsLimit": ("pids", "No pids limit support"),
}
NOT_HERE: Final = {  # what docker has, and labcore has not, as docker says it
    "Swarm": {
        "NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive", "ControlAvailable": False, "Error": "",
        "RemoteManagers": None,
    },
    "ExperimentalBuild": False,
    "Isolation": "",
    "GenericResources": None,
    "CDISpecDirs": [],
    "ContainerdCommit": {"ID": ""},
    "RuncCommit": {"ID": ""},
    "InitCommit": {"ID": ""},
}  # fmt: skip


def info_json(daemon: Daemon) -> dict[str, Any]:
    """Return SystemInfo."""
    limits = _limits()
    return {
        "ID": daemon.id,
        "ServerVersion": labcore.__version__,
        **_counts(daemon),
        **_machine(),
        **limits,
        "OomKillDisable": bool(hierarchies().v1) and limits["MemoryLimit"],
        **_drivers(daemon),
        **_runtimes(),
        **_process(daemon),
        **_proxies(),
        "DockerRootDir": str(daemon.engine.root),
        "Labels": [f"{name}={value}" for name, value in daemon.settings.labels],
        "IndexServerAddress": INDEX,
        "RegistryConfig": _registry_config(daemon),
        "SecurityOptions": _security_options(daemon),
        "LiveRestoreEnabled": True,
        **NOT_HERE,
        "Warnings": _warnings(daemon, limits) or None,
    }


def _machine() -> dict[str, Any]:
    """Return the kernel, the distribution, the processors, and the memory in bytes."""
    machine = os.uname()
    return {
        "Name": machine.nodename,
        "KernelVersion": machine.release,
        "OSType": "linux",
        "Architecture": machine.machine,
        "NCPU": len(os.sched_getaffinity(0)),
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "IPv4Forwarding": _is_on("/proc/sys/net/ipv4/ip_forward"),
        "CgroupDriver": "systemd" if RUNS.is_dir() and not hierarchies().v1 else "cgroupfs",
        "CgroupVersion": "1" if hierarchies().v1 else "2",
        **_operating_system(),
    }


def _drivers(daemon: Daemon) -> dict[str, Any]:
    return {
        "Driver": graph_driver(driver(daemon.engine.layers.prepared())),
        "DriverStatus": _driver_status(daemon),
        "LoggingDriver": daemon.settings.log_driver,
        "FirewallBackend": {"Driver": "nftables"},
        "Plugins": {
            "Volume": VOLUME_DRIVERS,
            "Network": NETWORK_DRIVERS,
            "Authorization": None,
            "Log": sorted(set(LOG_DRIVERS) - {"none"}),
        },
    }


def _runtimes() -> dict[str, Any]:
    from labcore.runtime.oci.example import features  # with all of the runtime, for those only who ask

    return {
        "Runtimes": {RUNTIME: {"path": str(_runtime()), "status": {FEATURES: encode(features()).decode()}}},
        "DefaultRuntime": RUNTIME,
        "ExecutionDriver": RUNTIME,
        "InitBinary": Path(program("labcore-init")).name,
    }


def _process(daemon: Daemon) -> dict[str, Any]:
    """Return the daemon's own process: its descriptors, its threads, and who listens for events."""
    return {
        "Debug": daemon.settings.debug,
        "NFd": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "NGoroutines": threading.active_count(),
        "NEventsListener": daemon.events.count_subscriptions(),
        "SystemTime": now(),
    }


def _proxies() -> dict[str, str]:
    names = {"HttpProxy": "HTTP_PROXY", "HttpsProxy": "HTTPS_PROXY", "NoProxy": "NO_PROXY"}
    return {field: CREDENTIALS.sub(r"\1xxxxx:xxxxx@", os.environ.get(name, "")) for field, name in names.items()}


def _counts(daemon: Daemon) -> dict[str, int]:
    found: Counter[str] = Counter(each.state.status for each in daemon.engine.records.readable())
    running, paused = found["running"] + found["starting"], found["paused"]
    return {
        "Containers": found.total(),
        "ContainersRunning": running,
        "ContainersPaused": paused,
        "ContainersStopped": found.total() - running - paused,
        "Images": len(entries(daemon.engine.images)),
    }


def _driver_status(daemon: Daemon) -> list[list[str]]:
    """Return docker's words about the file system below; and of overlayfs, which upper directories tell what has changed."""
    found = [["Backing Filesystem", file_system(daemon.engine.root)]]
    if driver(daemon.engine.layers.prepared()) == "copy":
        return found
    told = {
        "Supports d_type": True,
        "Using metacopy": _is_on(f"{OVERLAY}/metacopy"),
        "Native Overlay Diff": not _is_on(f"{OVERLAY}/redirect_dir"),
        "userxattr": bool(daemon.settings.userns_remap) or confined(),
    }
    return found + [[name, str(value).lower()] for name, value in told.items()]


def _limits() -> dict[str, bool]:
    there = hierarchies()
    found = {field: there.directory(controller) is not None for field, (controller, _) in LIMITS.items()}
    swap = there.directory("memory") if there.v1 else None
    return found | {"SwapLimit": found["SwapLimit"] and (not swap or Path(swap, "memory.memsw.limit_in_bytes").exists())}


def _is_on(path: str) -> bool:
    try:
        return Path(path).read_text(encoding="ascii").strip() in ("1", "Y")
    except OSError:
        return False


def _operating_system() -> dict[str, str]:
    try:
        found = platform.freedesktop_os_release()
    except OSError:
        found = {}
    return {"OperatingSystem": found.get("PRETTY_NAME", "Linux"), "OSVersion": found.get("VERSION_ID", "")}


def _registry_config(daemon: Daemon) -> dict[str, Any]:
    mirrors = list(daemon.settings.registries.mirrors)
    insecure = {
        name: {"Name": name, "Mirrors": [], "Secure": False, "Official": False} for name in daemon.settings.registries.insecure
    }
    index = {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True}
    return {
        "IndexConfigs": {"docker.io": index} | insecure,
        "InsecureRegistryCIDRs": ["::1/128", "127.0.0.0/8"],
        "Mirrors": mirrors or None,
    }


def _runtime() -> Path:
    """Return the OCI runtime's program."""
    import sys

    return Path(sys.executable).with_name("labcore-runtime")


def _security_options(daemon: Daemon) -> list[str]:
    found = ["name=seccomp,profile=builtin"]
    found += ["name=rootless"] if confined() else []
    found += ["name=userns"] if daemon.settings.userns_remap else []
    return found + ([] if hierarchies().v1 else ["name=cgroupns"])


def _warnings(daemon: Daemon, limits: dict[str, bool]) -> list[str]:
    """Return what the kernel lacks, and where the API is open to others."""
    open_to_others = (host for host in daemon.settings.hosts if host.startswith("tcp://") and not daemon.settings.tls)
    return [
        *(f"WARNING: {lack}" for field, (_, lack) in LIMITS.items() if not limits[field]),
        *(
            f"WARNING: API is accessible on {host} without encryption: whoever reaches it is root here"
            for host in open_to_others
        ),
    ]


def version_json() -> dict[str, Any]:
    """Return SystemVersion: the engine, its runtime, Python and the kernel are its components."""
    machine = os.uname()
    details = {
        "ApiVersion": API_VERSION,
        "MinAPIVersion": MIN_API_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "Os": "linux",
        "Arch": ARCHITECTURES.get(machine.machine, machine.machine),
        "KernelVersion": machine.release,
        "BuildTime": "",
    }
    others = {"labcore-runtime": labcore.__version__, "Python": platform.python_version(), "Linux": machine.release}
    return {
        "Platform": {"Name": f"labcore {labcore.__version__}"},
        "Components": [
            {"Name": "Engine", "Version": labcore.__version__, "Details": details | {"Experimental": "false"}},
            *({"Name": name, "Version": version, "Details": {}} for name, version in others.items()),
        ],
        "Version": labcore.__version__,
        **details,
    }
