"""Readers of docker's forms of devices: --device, --device-cgroup-rule, --device-read-bps and the like."""

from __future__ import annotations

import os
import stat

from labcore.options.values import fullmatch, number, refuse, size
from labcore.spec import DeviceMapping, DeviceRule
from labcore.spec.resources import Throttle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def mapping(name: str, value: str) -> DeviceMapping:
    """Read `PATH[:PATH INSIDE][:rwm]`."""
    source, *others = value.split(":")
    access = others.pop() if others and set(others[-1]) <= set("rwm") and others[-1] else "rwm"
    if not source.startswith("/") and "=" in source:
        refuse(name, value, "devices of CDI are not supported: name the device's file in /dev")
    if len(others) > 1 or not all(os.path.isabs(path) for path in (source, *others)):
        refuse(name, value, "PATH[:PATH INSIDE][:rwm] is wanted, such as /dev/fuse or /dev/sdb:/dev/disk:r")
    return DeviceMapping(source, others[0] if others else source, access)


def rule(name: str, value: str) -> DeviceRule:
    """Read `TYPE MAJOR:MINOR ACCESS`: `c 42:* rmw`."""
    match = fullmatch(r"([acb]) ([0-9]{1,9}|\*):([0-9]{1,9}|\*) ([rwm]{1,3})", value)
    if not match:
        refuse(name, value, "TYPE MAJOR:MINOR ACCESS is wanted, such as 'c 42:* rmw': TYPE is a, b or c, ACCESS of rwm")
    major, minor = (None if digits == "*" else int(digits) for digits in (match[2], match[3]))
    return DeviceRule(True, match[1], major, minor, match[4])


def throttle(kind: str) -> Callable[[str, str], Throttle]:
    """Return the reader of `PATH:RATE`: bytes with a unit, or operations, for each second."""

    def read(name: str, value: str) -> Throttle:
        path, rate = _path_and(name, value)
        found = size(name, rate) if kind.endswith("bps") else number(name, rate)
        return Throttle(kind, *block_device(name, path), found)

    return read


def weight(name: str, value: str) -> tuple[int, int, int]:
    """Read `PATH:WEIGHT`, a block device's part of the time: 10 to 1000."""
    path, found = _path_and(name, value)
    return (*block_device(name, path), number(name, found, 10, 1000))


def _path_and(name: str, value: str) -> tuple[str, str]:
    path, colon, rest = value.rpartition(":")
    if not colon or not path.startswith("/dev/"):
        refuse(name, value, "/dev/PATH:NUMBER is wanted, such as /dev/sda:1mb")
    return path, rest


def block_device(name: str, path: str) -> tuple[int, int]:
    """Return the numbers of a block device of this machine."""
    try:
        status = os.stat(path)
    except OSError as error:
        refuse(name, path, f"{error.strerror}: name a block device that is there")
    if not stat.S_ISBLK(status.st_mode):
        refuse(name, path, "it is no block device")
    return os.major(status.st_rdev), os.minor(status.st_rdev)
