"""A volume's line in a list: docker's fields for `--format`."""

from __future__ import annotations

from labcore.cli.formatting import size
from labcore.cli.listing import joined_labels
from labcore.cli.template.values import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from labcore.client.volumes import Volume

UNKNOWN: Final = "N/A"
OF_A_SWARM: Final = ("Availability", "Group", "Status")  # cluster volumes'
HEADS: Final = {
    "Name": "VOLUME NAME", "Driver": "DRIVER", "Scope": "SCOPE", "Mountpoint": "MOUNTPOINT", "Labels": "LABELS",
    "Links": "LINKS", "Size": "SIZE", "Availability": "AVAILABILITY", "Group": "GROUP", "Status": "STATUS", "Label": "",
}  # fmt: skip


def row(each: Volume) -> Row:
    """Return a volume's fields; how large it is and who uses it is known from the disk usage alone."""
    usage = each.usage
    fields = {
        "Name": lambda: each.name,
        "Driver": lambda: each.driver,
        "Scope": lambda: each.scope,
        "Mountpoint": lambda: each.mountpoint,
        "Labels": lambda: joined_labels(each.labels),
        "Label": lambda name: each.labels.get(name, ""),
        "Links": lambda: str(usage.containers) if usage else UNKNOWN,
        "Size": lambda: size(usage.size, digits=4) if usage else UNKNOWN,
    }
    return Row(fields | dict.fromkeys(OF_A_SWARM, lambda: UNKNOWN))
