"""Stacked layers as one tree, for whoever wants to look into it without a container: a mount that is attached nowhere.

It has no path, no other process sees it, and it is gone with the last descriptor of it, however this process ends: fsopen(2),
fsmount(2).
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from labcore.errors import InvalidInput, SystemCallError
from labcore.native import ConfigCommand, MountAttribute, MountFlag, fsconfig, fsmount, fsopen, mount
from labcore.spec import OverlayRoot

PAGE: Final = 4096
OUT_OF_HARM: Final = MountAttribute.NODEV | MountAttribute.NOSUID | MountAttribute.NOEXEC


@contextmanager
def merged(root: OverlayRoot, *, writable: bool) -> Iterator[int]:
    """Yield a descriptor (O_PATH) of the tree that a container with this root sees.

    If it is not `writable`, nothing at all is written, and a full disk is no obstacle. The caller has the root to itself.
    Raises SystemCallError, InvalidInput.
    """
    place = os.open(root.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        tree = _mounted(root, f"/proc/self/fd/{place}", writable=writable)
    finally:
        os.close(place)
    try:
        yield tree
    finally:
        os.close(tree)
        if writable:
            wait_until_free(root, seconds=60)  # what is written goes to the disk first


def _mounted(root: OverlayRoot, place: str, *, writable: bool) -> int:
    layers = [f"{place}/{layer}" for layer in root.layers or (root.scratch,)]
    if writable:
        options = root.options(f"{place}/{root.writable}", user_attributes=root.user_attributes)
    else:
        layers = [*([f"{place}/{root.writable}/upper"] if root.writable else []), *layers]
        options = tuple(each for each in root.options("", user_attributes=root.user_attributes) if "dir=/" not in each)
        if len(layers) == 1:
            layers.append(f"{place}/{root.scratch}")  # overlayfs takes no less than two
    together = f"lowerdir={':'.join(layers)}"
    each = [together] if len(together) + sum(map(len, options)) + 64 < PAGE else [f"lowerdir+={layer}" for layer in layers]
    configuration = fsopen("overlay")
    try:
        for option in (*each, *options):
            key, equals, value = option.partition("=")
            fsconfig(configuration, ConfigCommand.SET_STRING if equals else ConfigCommand.SET_FLAG, key, value or None)
        fsconfig(configuration, ConfigCommand.CREATE)
        return fsmount(configuration, OUT_OF_HARM if writable else OUT_OF_HARM | MountAttribute.RDONLY)
    except SystemCallError as error:
        if len(each) > 1 and error.errno == errno.EINVAL and "lowerdir+" in error.arguments:
            raise InvalidInput(f"{len(layers)} layers are more than this kernel stacks at once: use Linux 6.5") from None
        raise
    finally:
        os.close(configuration)


def in_use(root: OverlayRoot) -> bool:
    """Return whether the writable layer is mounted anywhere on this machine, also where nobody can look.

    The kernel knows: with `index=on` it refuses what another overlay writes to (EBUSY) before it finds that this one cannot be
    (EINVAL), for it has no directory to work in. So nothing is ever mounted here.
    """
    with _named(root.directory) as place, suppress(OSError):
        storage = f"/proc/self/fd/{place}"
        upper = f"{storage}/{root.writable}/upper"
        data = f"lowerdir={storage}/{root.scratch},upperdir={upper},workdir={upper},index=on"
        try:
            mount("overlay", "/", "overlay", MountFlag(0), data)
        except SystemCallError as error:
            return error.errno == errno.EBUSY
    return False


@contextmanager
def _named(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def wait_until_free(root: OverlayRoot, *, seconds: float) -> bool:
    """Wait until the writable layer is mounted nowhere; return whether it is so after this time."""
    end = time.monotonic() + seconds
    while in_use(root):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
