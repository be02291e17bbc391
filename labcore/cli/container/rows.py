"""A container's line in a list: docker's fields for `--format`."""

from __future__ import annotations

from labcore.cli.formatting import ago, local_time, short_id, shortened, size
from labcore.cli.listing import Listing, joined_labels
from labcore.cli.template.values import Row, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from labcore.client.container_values import ContainerSummary, Port

COMMAND_SHOWN: Final = 20  # characters
MOUNT_SHOWN: Final = 15
HEADS: Final = {
    "ID": "CONTAINER ID", "Names": "NAMES", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT",
    "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS", "Size": "SIZE", "Labels": "LABELS",
    "Mounts": "MOUNTS", "LocalVolumes": "LOCAL VOLUMES", "Networks": "NETWORKS", "Platform": "PLATFORM", "Label": "",
}  # fmt: skip
COLUMNS: Final = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")


def listing(*, size: bool = False) -> Listing:
    """Return the list of containers, with a column of their sizes if it is wanted."""
    return Listing(HEADS, (*COLUMNS, "Size") if size else COLUMNS, elastic="Command")


def row(each: ContainerSummary, *, whole: bool = False, virtual: bool = True) -> Row:
    """Return a container's fields; `whole`: nothing is shortened (--no-trunc); `virtual`: its size with its image's."""
    return Row(
        {
            "ID": lambda: each.id if whole else short_id(each.id),
            "Names": lambda: _names(each, whole),
            "Image": lambda: _image(each, whole),
            "Command": lambda: quoted(each.command if whole else shortened(each.command, COMMAND_SHOWN)),
            "CreatedAt": lambda: local_time(each.created),
            "RunningFor": lambda: ago(each.created),
            "Ports": lambda: ports_text(each.ports),
            "State": lambda: each.state,
            "Status": lambda: each.status,
            "Size": lambda: _size(each, virtual),
            "Labels": lambda: joined_labels(each.labels),
            "Label": lambda name: each.labels.get(name, ""),
            "Mounts": lambda: ",".join(_mounts(each, whole)),
            "LocalVolumes": lambda: str(sum(mount.driver == "local" for mount in each.mounts)),
            "Networks": lambda: ",".join(sorted(each.networks)),
            "Platform": lambda: None,
        }
    )


def _names(each: ContainerSummary, whole: bool) -> str:
    """Return its names, of which those with a slash are links'."""
    names = [name.removeprefix("/") for name in each.names]
    own = [name for name in names if "/" not in name]
    return own[0] if own and not whole else ",".join(names)


def _image(each: ContainerSummary, whole: bool) -> str:
    if not each.image:
        return "<no image>"
    if whole:
        return each.image
    if short_id(each.image_id) == short_id(each.image):
        return short_id(each.image)
    name, _, digest = each.image.partition("@")
    return name if digest and ":" in name.rpartition("/")[2] else each.image


def _size(each: ContainerSummary, virtual: bool) -> str:
    with_image = f" (virtual {size(each.size_root_fs)})" if virtual and each.size_root_fs > 0 else ""
    return size(each.size_rw) + with_image


def _mounts(each: ContainerSummary, whole: bool) -> Iterable[str]:
    names = (mount.name or mount.source for mount in each.mounts)
    return (name if whole else shortened(name, MOUNT_SHOWN) for name in names)


def ports_text(ports: Iterable[Port]) -> str:
    """Return published and exposed ports; neighbours at the same numbers of an address are one range."""
    ordered = sorted(ports, key=lambda port: (port.private_port, port.host_ip, port.public_port, port.protocol))
    open_ranges, done, moved = dict[tuple[str, str], tuple[int, int]](), list[str](), list[str]()
    for port in ordered:
        number, key = port.private_port, (port.host_ip, port.protocol)
        if port.host_ip and port.public_port != number:
            moved.append(f"{_address(port.host_ip)}:{port.public_port}->{number}/{port.protocol}")
            continue
        first, last = open_ranges.get(key, (number, number - 1))
        if number != last + 1:
            done.append(_range_text(key, first, last))
            first = number
        open_ranges[key] = (first, number)
    return ", ".join([*done, *(_range_text(key, *numbers) for key, numbers in open_ranges.items()), *moved])


def _range_text(key: tuple[str, str], first: int, last: int) -> str:
    numbers = str(first) if first == last else f"{first}-{last}"
    host = f"{_address(key[0])}:{numbers}->" if key[0] else ""
    return f"{host}{numbers}/{key[1]}"


def _address(host_ip: str) -> str:
    return f"[{host_ip}]" if ":" in host_ip else host_ip
