"""`labcore system info`: counts of objects, and facts of the machine."""

import argparse
import json
import os

import labcore
from labcore.cli.formatting import size
from labcore.engine import Engine
from labcore.engine.containers import every
from labcore.engine.records.records import Container
from labcore.images.resolve import entries
from labcore.runtime.cgroups.hierarchy import hierarchies
from labcore.storage.driver import driver


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore doctor` tries what this machine can do."
    parser.add_argument("-f", "--format", choices=["text", "json"], default="text", help="json: one object")


def main(args: argparse.Namespace) -> int:
    """Print it."""
    found = info(Engine(args.root))
    if args.format == "json":
        print(json.dumps(found))
        return 0
    for name, value in found.items():
        shown = size(int(str(value))) if name == "MemTotal" else str(value)
        print(f"{name}:".ljust(18) + shown)
    return 0


def info(engine: Engine) -> dict[str, object]:
    """Return what there is to say; sizes are in bytes. Where docker has a name for it, it is that one."""
    machine = os.uname()
    containers = list(every(engine))
    running = sum(isinstance(each, Container) and each.state.status == "running" for each in containers)
    return {
        "Images": len(entries(engine.images)),
        "Containers": len(containers),
        "ContainersRunning": running,
        "ContainersStopped": len(containers) - running,
        "Volumes": len(engine.volumes.names()),
        "ServerVersion": labcore.__version__,
        "RootDir": str(engine.root),
        "Driver": driver(engine.layers.prepared()),
        "CgroupMode": hierarchies().mode,
        "KernelVersion": machine.release,
        "OperatingSystem": _operating_system(),
        "Architecture": machine.machine,
        "NCPU": len(os.sched_getaffinity(0)),
        "MemTotal": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "Name": machine.nodename,
    }


def _operating_system() -> str:
    """Return what os-release(5) calls it."""
    import platform

    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown"
