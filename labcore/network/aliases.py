"""Aliases of links (ip-link(8)): whose a link is, what it is for, and for bridges, where its state root is.

::

    labcore:DEVICE-INODE:ID                              a container's link
    labcore:DEVICE-INODE:ID:MOUNT-NAMESPACE:ROOT/network   a bridge

The first two numbers are those of ROOT/network. So two state roots on one machine never touch each other's links. But whoever
finds a bridge of a root that is gone may remove it: nobody else will.
"""

import os
from functools import cached_property

OURS = "labcore:"
ALIAS_MAX = 255  # bytes: IFALIASZ is one more
FIELDS = 5


class Place:
    """The directory of a state root's networks, told from all others by its device and inode. It need not be there yet."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    @cached_property
    def name(self) -> str:
        """`DEVICE-INODE`."""
        return _number(self._directory)

    def alias(self, object_id: str) -> str:
        """Return the alias of an endpoint's link; `identity` of a bridge's is the same."""
        return f"{OURS}{self.name}:{object_id}"

    def bridge_alias(self, network_id: str) -> str:
        """Return the alias of a network's bridge; without the place, if there is no room for it."""
        whole = f"{self.alias(network_id)}:{_mount_namespace()}:{os.path.abspath(self._directory)}"  # noqa: PTH100
        return whole if len(os.fsencode(whole)) <= ALIAS_MAX else self.alias(network_id)


def identity(alias: str) -> str:
    """Return whose a link is, and what it is for."""
    return ":".join(alias.split(":", 3)[:3])


def place_of(alias: str) -> str:
    """Return `DEVICE-INODE` of the state root that a link of ours is of."""
    return alias.split(":")[1]


def gone_root(alias: str) -> str:
    """Return ROOT/network of a bridge whose state root is not there any more; nothing if it is, or if that cannot be known.

    It cannot for one that was made in another mount namespace: there the path may mean something else.
    """
    fields = alias.split(":", FIELDS - 1)
    if not alias.startswith(OURS) or len(fields) < FIELDS or fields[3] != _mount_namespace():
        return ""
    try:
        is_there = _number(fields[4]) == fields[1]
    except (FileNotFoundError, NotADirectoryError):
        is_there = False
    except OSError:  # somebody is not let in, or it does not answer
        is_there = True
    return "" if is_there else fields[4]


def _number(directory: str) -> str:
    status = os.stat(directory)  # noqa: PTH116
    return f"{status.st_dev:x}-{status.st_ino:x}"


def _mount_namespace() -> str:
    return str(os.stat("/proc/self/ns/mnt").st_ino)  # noqa: PTH116
