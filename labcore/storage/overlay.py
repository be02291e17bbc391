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
from labcore.spec import OverlayRoot

PAGE: Final = 4096
OUT_OF_HARM: Final = MountAttribute.NODEV | MountAttribute.NOSUID | MountAttribute.NOEXEC


@contextmanager
def merged(root: OverlayRoot, *, writable: bool) -> Iterator[int]:
    """Yield a descriptor (O_PATH) of the tree that a container with this root sees.

    If it is not `writable`, nothing at all is written, and a full disk is no obstacle. The caller has the root to itself.
    Raises SystemCallError, InvalidInput.
    """
    try:
        tree = part_by_part(root, writable=writable)
    except SystemCallError as error:
        if error.errno != errno.EINVAL:
            raise
        tree = all_at_once(root, writable=writable)  # this kernel is older than 6.5
    try:
        yield tree
    finally:
        os.close(tree)
        if writable:
            wait_until_free(root, seconds=60)  # what is written goes to the disk first


def _layers(root: OverlayRoot, writable: bool) -> list[str]:
    layers = list(root.layers) or [root.scratch]
    if not writable and root.writable:
        layers.insert(0, f"{root.writable}/upper")
    return layers if writable or len(layers) > 1 else [*layers, root.scratch]  # overlayfs takes no less than two


def _options(root: OverlayRoot, place: str, writable: bool) -> list[str]:
    options = root.options(f"{place}{root.writable}", user_attributes=root.user_attributes)
    return [each for each in options if writable or not each.startswith(("upperdir=", "workdir="))]


def part_by_part(root: OverlayRoot, *, writable: bool) -> int:
    """Mount it nowhere, each layer named by itself: fsconfig(2), `lowerdir+`, Linux 6.5. Each may have 255 bytes."""
    with _named(root.directory) as storage, _named_file_system("overlay") as configuration:
        place = f"/proc/self/fd/{storage}/"
        each = [f"lowerdir+={place}{layer}" for layer in _layers(root, writable)]
        for option in (*each, *_options(root, place, writable)):
            key, equals, value = option.partition("=")
            fsconfig(configuration, ConfigCommand.SET_STRING if equals else ConfigCommand.SET_FLAG, key, value or None)
        fsconfig(configuration, ConfigCommand.CREATE)
        return fsmount(configuration, OUT_OF_HARM if writable else OUT_OF_HARM | MountAttribute.RDONLY)


def all_at_once(root: OverlayRoot, *, writable: bool) -> int:
    """Mount it by mount(2), with names that are short because they are relative, and take a copy that is mounted nowhere.

    A thread does it that has a working directory and a mount namespace of its own, and ends with both: unshare(2).
    Raises InvalidInput for more layers than the page takes that mount(2) reads.
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


@contextmanager
def _named_file_system(kind: str) -> Iterator[int]:
    fd = fsopen(kind)
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
