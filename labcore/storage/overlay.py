"""Detached overlay mounts, to read and write a container's files without a container: fsopen(2), fsmount(2).

Such a mount has no path, no other process sees it, and it is gone with its last descriptor, however this process ends.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress

from labcore.errors import InvalidInput, SystemCallError
from labcore.native import (
    AT_FDCWD,
    CloneFlag,
    ConfigCommand,
    MountAttribute,
    MountFlag,
    TreeFlag,
    fsconfig,
    fsmount,
    fsopen,
    mount,
    open_tree,
    unshare,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from labcore.spec import OverlayRoot

PAGE: Final = 4096
RESTRICTED: Final = MountAttribute.NODEV | MountAttribute.NOSUID | MountAttribute.NOEXEC


@contextmanager
def merged(root: OverlayRoot, *, writable: bool) -> Iterator[int]:
    """Yield a descriptor (O_PATH) of the merged tree that a container with this root sees.

    If it is not `writable`, nothing is written, and a full disk is no obstacle. The root must be mounted nowhere else.
    Raises SystemCallError, InvalidInput.
    """
    try:
        tree = mount_by_fsconfig(root, writable=writable)
    except SystemCallError as error:
        if error.errno != errno.EINVAL:
            raise
        tree = mount_in_one_call(root, writable=writable)  # this kernel is older than 6.5
    try:
        yield tree
    finally:
        os.close(tree)
        if writable:
            wait_until_unmounted(root, seconds=60)  # what is written goes to the disk first


def _layers(root: OverlayRoot, writable: bool) -> list[str]:
    layers = list(root.layers) or [root.scratch]
    if not writable and root.writable:
        layers.insert(0, f"{root.writable}/upper")
    return layers if writable or len(layers) > 1 else [*layers, root.scratch]  # overlayfs takes no less than two


def _options(root: OverlayRoot, place: str, writable: bool) -> list[str]:
    options = root.options(f"{place}{root.writable}", user_attributes=root.user_attributes)
    return [each for each in options if writable or not each.startswith(("upperdir=", "workdir="))]


def mount_by_fsconfig(root: OverlayRoot, *, writable: bool) -> int:
    """Make a detached mount, each layer by a call of its own: fsconfig(2), `lowerdir+`, Linux 6.5; 255 bytes each."""
    with _opened_path(root.directory) as storage, _opened_file_system("overlay") as configuration:
        place = f"/proc/self/fd/{storage}/"
        each = [f"lowerdir+={place}{layer}" for layer in _layers(root, writable)]
        for option in (*each, *_options(root, place, writable)):
            key, equals, value = option.partition("=")
            fsconfig(configuration, ConfigCommand.SET_STRING if equals else ConfigCommand.SET_FLAG, key, value or None)
        fsconfig(configuration, ConfigCommand.CREATE)
        return fsmount(configuration, RESTRICTED if writable else RESTRICTED | MountAttribute.RDONLY)


def mount_in_one_call(root: OverlayRoot, *, writable: bool) -> int:
    """Mount by mount(2), with relative paths because they are short, and return a detached clone: open_tree(2).

    A thread with a working directory and a mount namespace of its own does it: unshare(2).
    Raises InvalidInput for more layers than fit the page that mount(2) reads.
    """
    from concurrent.futures import ThreadPoolExecutor  # few kernels need it

    data = ",".join([f"lowerdir={':'.join(_layers(root, writable))}", *_options(root, "", writable)])
    if len(data) >= PAGE:
        raise InvalidInput(f"{len(root.layers)} layers are more than this kernel stacks at once: use Linux 6.5")
    harmless = MountFlag.NODEV | MountFlag.NOSUID | MountFlag.NOEXEC

    def mounted() -> int:
        unshare(CloneFlag.NEWNS)
        mount("none", "/", flags=MountFlag.REC | MountFlag.PRIVATE)
        os.chdir(root.directory)
        mount("overlay", root.scratch, "overlay", harmless if writable else harmless | MountFlag.RDONLY, data)
        return open_tree(AT_FDCWD, root.scratch, TreeFlag.CLONE)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(mounted).result()


def in_use(root: OverlayRoot) -> bool:
    """Return whether the writable layer is mounted anywhere on this machine, also in namespaces that cannot be seen.

    With `index=on` the kernel refuses an upper directory that another overlay has (EBUSY) before it finds that this mount has
    no valid work directory (EINVAL). So nothing is ever mounted here.
    """
    with _opened_path(root.directory) as place, suppress(OSError):
        storage = f"/proc/self/fd/{place}"
        upper = f"{storage}/{root.writable}/upper"
        data = f"lowerdir={storage}/{root.scratch},upperdir={upper},workdir={upper},index=on"
        try:
            mount("overlay", "/", "overlay", MountFlag(0), data)
        except SystemCallError as error:
            return error.errno == errno.EBUSY
    return False


@contextmanager
def _opened_path(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _opened_file_system(kind: str) -> Iterator[int]:
    fd = fsopen(kind)
    try:
        yield fd
    finally:
        os.close(fd)


def wait_until_unmounted(root: OverlayRoot, *, seconds: float) -> bool:
    """Wait until the writable layer is mounted nowhere; return whether it is so after this time."""
    end = time.monotonic() + seconds
    while in_use(root):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
