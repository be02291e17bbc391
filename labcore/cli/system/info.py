"""`labcore system info`: the daemon, what it keeps, and the machine that it runs on."""

from __future__ import annotations

import os
import sys

import labcore
from labcore.cli.connection import client_of
from labcore.cli.formatting import binary_size, printable
from labcore.cli.inspection import read_format, typed
from labcore.cli.template.values import Struct, json_text, printed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from labcore.cli.flags import Arguments, Parser


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.epilog = "`labcore doctor` tries what this machine can do."
    parser.add_argument("-f", "--format", default="", metavar="FORMAT", help="json, or a Go template")


def main(args: Arguments) -> int:
    """Print it; the daemon's warnings go to standard error."""
    template = read_format(args.format)
    with client_of(args) as client:
        info = client.system.info()
    context = args.context or os.environ.get("DOCKER_CONTEXT") or "default"
    if args.format:
        found = typed(info.json, "info")
        found["ClientInfo"] = Struct(Debug=False, Context=context, Version=labcore.__version__)
        print(template.render(found) if template else json_text(found))
        return 0
    print(f"Client:\n Version:    {labcore.__version__}\n Context:    {context}\n Debug Mode: false\n\nServer:")
    print("".join(f"{' ' * depth}{printable(line)}\n" for depth, line in _lines(info.json)))
    sys.stdout.flush()
    print("".join(f"{warning}\n" for warning in info.warnings), end="", file=sys.stderr)
    return 0


def _lines(info: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Yield lines, each with how deep it is indented, in docker's order."""
    for depth, name, key in (
        (1, "Containers", "Containers"),
        *((2, word, f"Containers{word}") for word in ("Running", "Paused", "Stopped")),
    ):
        yield depth, f"{name}: {info.get(key, 0)}"
    yield from _named(info, {"Images": "Images", "Server Version": "ServerVersion", "Storage Driver": "Driver"})
    yield from ((2, f"{name}: {value}") for name, value in info.get("DriverStatus") or ())
    yield from _named(
        info, {"Logging Driver": "LoggingDriver", "Cgroup Driver": "CgroupDriver", "Cgroup Version": "CgroupVersion"}
    )
    yield 1, "Plugins:"
    plugins = info.get("Plugins") or {}
    yield from (
        (2, f"{kind}: {' '.join(plugins[kind])}") for kind in ("Volume", "Network", "Authorization", "Log") if plugins.get(kind)
    )
    yield 1, f"Swarm: {(info.get('Swarm') or {}).get('LocalNodeState', '')}"
    yield 1, f"Runtimes: {' '.join(info.get('Runtimes') or {})}"
    yield from _named(info, {"Default Runtime": "DefaultRuntime", "Init Binary": "InitBinary"})
    yield from _security(info.get("SecurityOptions") or ())
    yield from _named(
        info,
        {"Kernel Version": "KernelVersion", "Operating System": "OperatingSystem", "OSType": "OSType",
         "Architecture": "Architecture", "CPUs": "NCPU"},
    )  # fmt: skip
    yield 1, f"Total Memory: {binary_size(info.get('MemTotal', 0))}"
    yield from _named(info, {"Name": "Name", "ID": "ID", "State Root": "DockerRootDir", "Debug Mode": "Debug"})
    yield from _named(
        info,
        {
            name: key
            for name, key in {"HTTP Proxy": "HttpProxy", "HTTPS Proxy": "HttpsProxy", "No Proxy": "NoProxy"}.items()
            if info.get(key)
        },
    )
    yield from _list("Labels", info.get("Labels") or ())
    yield from _named(info, {"Experimental": "ExperimentalBuild"})
    registries = info.get("RegistryConfig") or {}
    yield from _list("Insecure Registries", registries.get("InsecureRegistryCIDRs") or ())
    yield from _list("Registry Mirrors", registries.get("Mirrors") or ())
    yield from _named(info, {"Live Restore Enabled": "LiveRestoreEnabled"})


def _named(info: Mapping[str, Any], keys: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    return ((1, f"{name}: {printed(info.get(key, ''))}") for name, key in keys.items())


def _list(name: str, values: Iterable[str]) -> Iterator[tuple[int, str]]:
    lines = [(2, value) for value in values]
    yield from [(1, f"{name}:"), *lines] if lines else []


def _security(options: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield security options: `name=seccomp,profile=builtin` is seccomp, with its profile below it."""
    if options:
        yield 1, "Security Options:"
    for option in options:
        for pair in option.split(","):
            name, _, value = pair.partition("=")
            yield (2, value) if name == "name" else (3, f"{name.title()}: {value}")
