"""`labcore version`: the versions of the command, and of the daemon that it talks to."""

from __future__ import annotations

import os
import sys

import labcore
from labcore.cli.connection import client_of
from labcore.cli.inspection import read_format, typed
from labcore.cli.template.values import Struct, json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from labcore.cli.flags import Arguments, Parser
    from labcore.client import Client


def arguments(parser: Parser) -> None:
    """Declare the arguments."""
    parser.add_argument("-f", "--format", default="", metavar="FORMAT", help="json, or a Go template for .Client and .Server")


def main(args: Arguments) -> int:
    """Print them."""
    template = read_format(args.format)
    with client_of(args) as client:
        server = client.system.version().json
        ours = client_version(client, args.context)
    found = Struct(Client=ours, Server=typed(server, "version"))
    if template:
        print(template.render(found))
    elif args.format:
        print(json_text(found))
    else:
        print("\n".join(_lines(ours, server)))
    return 0


def client_version(client: Client, context: str | None) -> Struct:
    """Return what there is to say of the command itself, under docker's names."""
    from labcore.client.api import API_VERSION
    from labcore.spec import Platform

    machine = Platform.here()
    return Struct(
        Version=labcore.__version__,
        ApiVersion=client.api.version,
        DefaultAPIVersion=API_VERSION,
        PythonVersion=".".join(map(str, sys.version_info[:3])),
        Os=machine.os,
        Arch=machine.architecture,
        Context=context or os.environ.get("DOCKER_CONTEXT") or "default",
    )


def _lines(ours: Struct, server: Mapping[str, Any]) -> list[str]:
    known = {
        "Version": ours["Version"],
        "API version": ours["ApiVersion"],
        "Python version": ours["PythonVersion"],
        "OS/Arch": f"{ours['Os']}/{ours['Arch']}",
        "Context": ours["Context"],
    }
    lines = ["Client:", *(f" {name + ':':18} {value}" for name, value in known.items()), ""]
    lines.append(f"Server: {server.get('Platform', {}).get('Name', '')}".rstrip())
    for component in server.get("Components") or ():
        lines.append(f" {component['Name']}:")
        details = _of_engine(component) if component["Name"] == "Engine" else component.get("Details") or {}
        lines += [f"  {name + ':':17} {value}".rstrip() for name, value in {"Version": component["Version"], **details}.items()]
    return lines


def _of_engine(component: Mapping[str, Any]) -> dict[str, str]:
    details = component.get("Details") or {}
    return {
        "API version": f"{details.get('ApiVersion', '')} (minimum version {details.get('MinAPIVersion', '')})",
        "OS/Arch": f"{details.get('Os', '')}/{details.get('Arch', '')}",
        "Experimental": details.get("Experimental", ""),
    }
