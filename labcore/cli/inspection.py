"""Objects as inspect shows them: JSON, or a template for each, which has the fields too that JSON leaves out if empty."""

from __future__ import annotations

import sys

from labcore.cli import FAILED, said
from labcore.cli.template.values import NilList, NilMap, Struct, json_text
from labcore.errors import LabcoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import Any, Final

    from labcore.cli.template import Template

BAD_TEMPLATE: Final = 64  # docker's exit status
FORMAT_HELP: Final = "json, or a Go template for each object"
# Objects whose keys are a user's, not fields: one that is not there has no value, and is no error.
MAPS: Final = {
    "Annotations", "AuxiliaryAddresses", "Containers", "Data", "DriverOpts", "ExposedPorts", "Labels", "LogConfig.Config",
    "Networks", "Options", "PortBindings", "Ports", "Services", "Status", "StorageOpt", "Sysctls", "Tmpfs", "Volumes",
}  # fmt: skip
POINTERS: Final = {
    "BindOptions", "ClusterVolume", "Health", "Healthcheck", "ImageManifestDescriptor", "Init", "IPAMConfig",
    "MemorySwappiness", "OomKillDisable", "PidsLimit", "SizeRootFs", "SizeRw", "StopTimeout", "TmpfsOptions", "UsageData",
    "VolumeOptions",
}  # fmt: skip
IMAGE_CONFIG: Final = {"ExposedPorts": NilMap(), "Healthcheck": None, "StopSignal": "", "Shell": NilList()}
# What is left out of JSON when it is empty, by the path of the object that it belongs to.
OMITTED: Final[dict[str, Mapping[str, Any]]] = {
    "container": {"SizeRw": None, "SizeRootFs": None, "ImageManifestDescriptor": None},
    "container.State": {"Health": None},
    "container.Config": {**IMAGE_CONFIG, "StopTimeout": None, "MacAddress": "", "NetworkDisabled": False},
    "container.HostConfig": {
        "Annotations": NilMap(), "Mounts": NilList(), "StorageOpt": NilMap(), "Tmpfs": NilMap(), "Sysctls": NilMap(),
        "Runtime": "", "Init": None,
    },
    "container.Mounts": {
        "Type": "", "Name": "", "Source": "", "Destination": "", "Driver": "", "Mode": "", "RW": False, "Propagation": "",
    },
    "image": {"Created": "", "Variant": "", "OsVersion": ""},
    "image.Config": IMAGE_CONFIG,
    "network": {"Peers": NilList(), "Services": NilMap()},
    "network.IPAM.Config": {"Subnet": "", "IPRange": "", "Gateway": "", "AuxiliaryAddresses": NilMap()},
    "volume": {"Status": NilMap(), "UsageData": None, "ClusterVolume": None},
}  # fmt: skip
# Fields whose names in Go's API package, which templates may use with docker, are not those of the JSON.
GO_NAMES: Final = {
    "ID": "Id",
    "DNS": "Dns",
    "DNSOptions": "DnsOptions",
    "DNSSearch": "DnsSearch",
    "HostIP": "HostIp",
    "APIVersion": "ApiVersion",
}


class APIObject(Struct):
    """An object of the Engine API; its fields are known by the names in JSON and by Go's."""

    omitted: Collection[str] = ()  # the fields that are not in the JSON

    def plain(self) -> dict[str, Any]:
        """Return the fields that are in the JSON."""
        return {name: value for name, value in self.items() if name not in self.omitted}

    def shown(self) -> Iterable[Any]:
        """Return the values of all fields."""
        return self.values()

    def __missing__(self, name: str) -> Any:
        other = GO_NAMES.get(name)
        if other is None or other not in self:
            raise KeyError(name)
        return self[other]


def typed(value: Any, path: str) -> Any:
    """Return JSON with its objects told apart: of fields, and of a user's keys; what was left out is there."""
    name = path.rpartition(".")[2]
    is_map = name in MAPS or any(path.endswith(f".{each}") for each in MAPS)
    if value is None and name not in POINTERS:
        return NilMap() if is_map else NilList()
    if isinstance(value, list):
        return [typed(each, path) for each in value]
    if not isinstance(value, dict):
        return value
    if is_map:
        return {key: typed(each, f"{path}.*") for key, each in value.items()}
    empty = OMITTED.get(path, {})
    found = {key: typed(each, f"{path}.{key}") for key, each in value.items()}
    made = APIObject(
        {key: found.get(key, empty[key]) for key in empty} if found.keys() <= empty.keys() else {**found, **empty, **found}
    )
    made.omitted = empty.keys() - found.keys()
    return made


def read_format(form: str) -> Template | None:
    """Return the template of a format that is one. One that cannot be parsed ends the command, with docker's status."""
    if form in ("", "json"):
        return None
    from labcore.cli.template.evaluation import parse  # 5 ms, for those who give a template

    try:
        return parse(form)
    except LabcoreError as error:
        print(f"labcore: {error}", file=sys.stderr)
        raise SystemExit(BAD_TEMPLATE) from None


def inspect_each(names: Sequence[str], find: Callable[[str], tuple[str, Mapping[str, Any]]], form: str) -> int:
    """Print the objects of those names in a format, and say what there is not; `find` returns a kind and JSON.

    Return the exit status.
    """
    template = read_format(form)
    objects: list[Mapping[str, Any]] = []
    lines: list[str] = []
    errors: list[LabcoreError] = []
    for name in names:
        try:
            kind, found = find(name)
            objects.append(typed(found, kind) if form else found)
            if template:
                lines.append(template.render(objects[-1]))
        except LabcoreError as missing:
            errors.append(missing)
    print("\n".join(lines) if template else _json(objects, indented=not form))
    sys.stdout.flush()
    for error in errors:
        print(f"labcore: {said(error)}", file=sys.stderr)
    return FAILED if errors else 0


def _json(objects: Sequence[Mapping[str, Any]], *, indented: bool) -> str:
    if not indented:
        return json_text(objects)
    import json

    return json.dumps(objects, indent=4, ensure_ascii=False)
